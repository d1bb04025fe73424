import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { inThisContext, outsideRequests } from '../../lib/runtime/async-context.ts'

let calls = 0
const callback = () => void calls++

/** What is made stays for a while, as it does where something waits. */
const kept: unknown[] = new Array(64)
function call(bound: () => void): void {
  kept[calls & 63] = bound
  bound()
}

const ways: Record<string, () => void> = {
  'a closure alone': () => call(() => callback()),
  inThisContext: () => call(inThisContext(callback)),
  outsideRequests: () => call(() => outsideRequests(callback)),
  'AsyncResource.bind': () => call(AsyncResource.bind(callback)),
  'AsyncLocalStorage.snapshot': () => call(AsyncLocalStorage.snapshot().bind(undefined, callback)),
}

/** Nanoseconds of CPU each: the least of several rounds, one way after the other in each. */
function measure(): Record<string, number> {
  const times = 20_000
  const least: Record<string, number> = {}
  for (let round = 0; round < 12; round++) {
    for (const [name, run] of Object.entries(ways)) {
      const before = process.cpuUsage()
      for (let i = 0; i < times; i++) run()
      const { user, system } = process.cpuUsage(before)
      least[name] = Math.min(least[name] ?? Number.POSITIVE_INFINITY, ((user + system) * 1000) / times)
    }
  }
  return least
}

/** Without and with an AsyncLocalStorage in use. */
export const measured = [measure(), new AsyncLocalStorage<string>().run('x', measure)]
