import { outsideRequests } from '../../runtime/async-context.ts'

type Histogram = ReturnType<typeof import('node:perf_hooks').monitorEventLoopDelay>

/** How often the loop is sampled, in milliseconds. Every value of the histogram includes this time. */
const RESOLUTION = 10

let shared: Histogram | undefined

/** One histogram for all rules, made for the first one, so that it costs nothing without a rule. */
function histogram(): Histogram {
  if (shared) return shared
  // Loaded here and not imported, because no other rule needs it.
  shared = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: RESOLUTION })
  shared.enable()
  return shared
}

/** The sum of all turns so far, in milliseconds, and the sum of their squares. */
interface Turns {
  readonly sum: number
  readonly squares: number
}

function turnsOf({ count, mean, stddev }: Histogram): Turns {
  if (count === 0) return { sum: 0, squares: 0 }
  const average = mean / 1e6
  return { sum: count * average, squares: count * (average ** 2 + (stddev / 1e6) ** 2) }
}

/** A rule's view of the event loop. */
export interface LoopWatch {
  lateness: number
  /** When the loop was last looked at, by `performance.now()`; Infinity before the first look. */
  lookedAt: number
  /** Called after each look. */
  onLook(): void
}

/**
 * Looks at the event loop every `interval` milliseconds. It starts in the next turn, because this one, in which the app starts, may
 * be long. It keeps no process alive, and ends when `watch` is garbage collected.
 *
 * Lateness is a mean over time, not over turns, so a turn has weight in proportion to its length: a few turns of a second each
 * give about a second, even among many short ones.
 */
export function watchLoop(interval: number, watch: LoopWatch): void {
  const watching = new WeakRef(watch)
  outsideRequests(() => setImmediate(startLooking, interval, watching).unref())
}

function startLooking(interval: number, watching: WeakRef<LoopWatch>): void {
  const delays = histogram()
  // Each look subtracts the one before. A reset of the histogram would lose the turn it falls into, and a late loop has few others.
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

  // `setImmediate` runs after all timers that are due. One of them is the histogram's, which may come after this one.
  const timer = setInterval(() => setImmediate(look), interval)
  timer.unref()
  const watch = watching.deref()
  if (watch) watch.lookedAt = performance.now()
}
