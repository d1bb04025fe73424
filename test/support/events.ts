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

/**
 * A while for what happens a moment later. The loop also turns so often that what has arrived is dealt with, where a busy
 * machine has left the process no time for it.
 */
export async function settle(ms = 20): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}
