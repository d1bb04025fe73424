import { outsideRequests } from '../../runtime/async-context.ts'

type Histogram = ReturnType<typeof import('node:perf_hooks').monitorEventLoopDelay>

/** How often the loop is sampled, in milliseconds: what every value of the histogram has in it. */
const RESOLUTION = 10

let shared: Histogram | undefined

/** One for all rules: nobody pays for it who has none. */
function histogram(): Histogram {
  if (shared) return shared
  // Not imported: the middlewares alone have no need of it.
  shared = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: RESOLUTION })
  shared.enable()
  return shared
}

/** Of all turns so far, in milliseconds: their sum, and the sum of their squares. */
interface Turns {
  readonly sum: number
  readonly squares: number
}

function turnsOf({ count, mean, stddev }: Histogram): Turns {
  if (count === 0) return { sum: 0, squares: 0 }
  const average = mean / 1e6
  return { sum: count * average, squares: count * (average ** 2 + (stddev / 1e6) ** 2) }
}

/** What is known of the event loop: how late it is, in milliseconds, and when it was looked at last. */
export interface LoopWatch {
  lateness: number
  /** `performance.now()`; Infinity before the first time. */
  lookedAt: number
  /** Called after each look. */
  onLook(): void
}

/**
 * Looks at the event loop each `interval` milliseconds, from the turn after this one: what starts an app may take long.
 * Keeps no process alive, and ends when nothing else has `watch` any more.
 *
 * Lateness is a mean over time, not over turns: one pause in a calm window counts for little, and turns of a second for
 * a second, however few there are of them.
 */
export function watchLoop(interval: number, watch: LoopWatch): void {
  const watching = new WeakRef(watch)
  outsideRequests(() => setImmediate(startLooking, interval, watching).unref())
}

function startLooking(interval: number, watching: WeakRef<LoopWatch>): void {
  const delays = histogram()
  // The difference of two looks: a reset would forget the turn that it falls into, which in a loop that is late is each.
  let before = turnsOf(delays)

  function look(): void {
    const watch = watching.deref()
    if (!watch) return clearInterval(timer)
    const now = turnsOf(delays)
    const sum = now.sum - before.sum
    watch.lateness = sum > 0 ? Math.max(0, (now.squares - before.squares) / sum - RESOLUTION) : 0
    watch.lookedAt = performance.now()
    before = now
    watch.onLook()
  }

  // Behind all timers that are due: the histogram's is one, and comes before or after this.
  const timer = setInterval(() => setImmediate(look), interval)
  timer.unref()
  const watch = watching.deref()
  if (watch) watch.lookedAt = performance.now()
}
