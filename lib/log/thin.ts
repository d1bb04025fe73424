import { reportError } from '../diagnostics/report-error.ts'
import type { DropEvent } from '../events/drop-event.ts'
import { outsideRequests } from '../runtime/async-context.ts'

/** The number of events of one rule and reason that were left out, and over how long. */
export interface LeftOut {
  readonly rule: string
  readonly reason: string
  readonly isDryRun: boolean
  readonly count: number
  readonly milliseconds: number
}

export interface Thinning {
  push(event: DropEvent): void
  /** Reports what was left out, and ends. */
  close(): void
}

interface Count extends Omit<LeftOut, 'milliseconds'> {
  count: number
  seen: number
}

/** With `sample` the counts are reported this often, in milliseconds. */
const EVERY = 60_000
/** The most counts at a time. A reason of the user's may be a new one each time. */
const MAX_KEYS = 1_000

/**
 * Writes one of `sample` events of each rule and reason, or the first one in `sum` milliseconds. The others are counted, and
 * `say` reports the counts: a flood makes few lines, and none goes missing.
 */
export function thin(
  { sample, sum }: { sample: number | undefined; sum: number | undefined },
  write: (event: DropEvent) => void,
  say: (leftOut: LeftOut) => void,
): Thinning {
  if (sample === undefined && sum === undefined) return { push: write, close() {} }
  const counts = new Map<string, Count>()
  let timer: NodeJS.Timeout | undefined
  let since = 0

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const milliseconds = Math.round(performance.now() - since)
    const all = [...counts.values()]
    counts.clear()
    outsideRequests(() => {
      for (const { seen: _, ...leftOut } of all) if (leftOut.count > 0) trySay({ ...leftOut, milliseconds })
    })
  }

  function trySay(leftOut: LeftOut): void {
    try {
      say(leftOut)
    } catch (error) {
      // In a timer an exception of a logger would end the process.
      reportError('a drop log', error)
    }
  }

  function countOf({ rule, reason, action }: DropEvent): Count {
    const isDryRun = action === 'dry-run'
    const key = `${isDryRun} ${rule} ${reason}`
    const known = counts.get(key)
    if (known) return known
    if (counts.size >= MAX_KEYS) flush()
    if (!timer) {
      since = performance.now()
      timer = outsideRequests(() => setTimeout(flush, sum ?? EVERY).unref())
    }
    const count = { rule, reason, isDryRun, count: 0, seen: 0 }
    counts.set(key, count)
    return count
  }

  return {
    push(event) {
      const count = countOf(event)
      const isWritten = sample === undefined ? count.seen === 0 : count.seen % sample === 0
      count.seen++
      if (isWritten) write(event)
      else count.count++
    },
    close: flush,
  }
}
