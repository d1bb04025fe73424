import type { Rule } from '../judgement.ts'
import { type CommonOptions, commonChecks, commonOf } from '../options/common-options.ts'
import { type Check, integer, readOptions, refuseRequest } from '../options/read-options.ts'
import { Reason } from '../reasons.ts'
import { makeRule } from '../rule.ts'
import { type LoopWatch, watchLoop } from './shed-load/loop-lateness.ts'

/** Options of {@link shedLoad}. Times are in milliseconds. */
export interface ShedLoadOptions extends CommonOptions {
  /** How late the event loop may be, 10 to 60,000. Default 250. Shedding ends when it is no more than half as late. */
  maxDelay?: number | undefined
  /** How often the lateness is measured, 10 to 60,000. Default 250. */
  interval?: number | undefined
  /** The time in `Retry-After`, sent if `status` is not 444: 1 to 86,400,000, rounded up to whole seconds. Default 5,000. */
  retryAfter?: number | undefined
}

const time = /* @__PURE__ */ integer(10, 60_000)

const checks = () =>
  ({
    ...commonChecks(),
    maxDelay: time,
    interval: time,
    retryAfter: integer(1, 86_400_000),
  }) satisfies Record<keyof ShedLoadOptions, Check<unknown>>

/**
 * Drops requests while the event loop is late (`perf_hooks.monitorEventLoopDelay`), so that accepted requests are answered in
 * time. It stops when the loop has recovered.
 *
 * The dropped clients did nothing wrong: `status: 503` answers them, with `Retry-After`.
 *
 * @example
 * app.use(shedLoad({ status: 503, skip: req => req.url === '/health' }))
 *
 * @throws OptionsError
 */
export function shedLoad(options?: ShedLoadOptions): Rule {
  refuseRequest('shedLoad', options)
  const checked = readOptions('shedLoad', options, checks())
  const { maxDelay = 250, interval = 250, retryAfter = 5_000 } = checked
  let isShedding = false

  const loop: LoopWatch = {
    lateness: 0,
    lookedAt: Number.POSITIVE_INFINITY,
    onLook() {
      isShedding = loop.lateness > (isShedding ? maxDelay / 2 : maxDelay)
    },
  }
  watchLoop(interval, loop)

  return makeRule(commonOf(checked, { name: 'shedLoad' }), () => {
    // No measurement is made during a long turn, so the time since the last one counts as well.
    const late = Math.max(loop.lateness, performance.now() - loop.lookedAt - interval)
    if (late > maxDelay) isShedding = true
    return isShedding ? { reason: Reason.OVERLOADED, detail: `${Math.round(late)}ms`, retryAfter } : undefined
  })
}
