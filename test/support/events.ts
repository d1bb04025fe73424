import { type DropEvent, onDrop } from '../../lib/index.ts'

/** Collects drop events until `stop`. */
export function collectDrops(): { events: DropEvent[]; stop: () => void } {
  const events: DropEvent[] = []
  const stop = onDrop(event => events.push(event))
  return { events, stop }
}

/** Fails the test run on anything that nobody caught. */
export const uncaught: unknown[] = []
process.on('uncaughtException', error => uncaught.push(error))
process.on('unhandledRejection', error => uncaught.push(error))

/** Turns of the event loop, for what happens a moment later. */
export function settle(ms = 20): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
