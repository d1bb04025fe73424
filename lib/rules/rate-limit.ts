import { show } from '../diagnostics/show.ts'
import type { Rule } from '../judgement.ts'
import { addressOf } from '../options/address-options.ts'
import { commonOf } from '../options/common-options.ts'
import { reading, refuseRequest } from '../options/read-options.ts'
import { makeRule } from '../rule.ts'
import { Steady } from '../runtime/steady.ts'
import { makeDecider } from './rate-limit/decider.ts'
import { type RateLimitOptions, readLimits } from './rate-limit/limit-options.ts'
import { Limiter } from './rate-limit/limiter.ts'

/**
 * Limits how often one client asks: nginx's `limit_req`, with the same arithmetic.
 *
 * A drop suits floods. For people who click too fast set `status: 429`, which is sent with `Retry-After`.
 *
 * @example
 * app.use('/login', rateLimit({ rate: '10r/m', burst: 5, status: 429 }))
 *
 * @throws OptionsError
 */
export function rateLimit(options: RateLimitOptions): Rule {
  refuseRequest('rateLimit', options)
  const checked = readLimits(options)
  const common = commonOf(checked, { name: 'rateLimit' })
  const { limits, store, maxKeys, timeout, onStoreError, address: which } = checked
  const decider = reading('rateLimit', 'store', store, () =>
    makeDecider(limits, { name: common.name, store, maxKeys, timeout, onStoreError }),
  )
  const limiter = new Limiter({
    limits,
    decider,
    readClock: clockOf(checked.now),
    countedAddress: req => addressOf(req, common, which),
    dropsUnknown: checked.noAddress !== 'pass',
    isDryRun: common.dryRun,
  })
  return makeRule(common, limiter.judge, { onEnforce: (req, res) => limiter.waitWhatIsOwed(req, res) })
}

/** Returns a clock in milliseconds: the monotonic one, or the user's, made steady because it may go back. */
function clockOf(now: (() => number) | undefined): () => number {
  if (!now) return () => performance.now()
  const steady = new Steady()
  return () => {
    const time = now()
    if (Number.isFinite(time)) return steady.follow(time)
    throw new TypeError(`rateLimit: now must return milliseconds, not ${show(time)}`)
  }
}
