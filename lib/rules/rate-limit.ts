import type { Decision } from '../counting/leaky-bucket.ts'
import { show } from '../diagnostics/show.ts'
import { isThenable, promiseOf } from '../diagnostics/thenable.ts'
import type { Judgement, Rule } from '../judgement.ts'
import type { Address } from '../match/addresses/address.ts'
import { addressOf } from '../options/address-options.ts'
import { commonOf } from '../options/common-options.ts'
import { reading, refuseRequest } from '../options/read-options.ts'
import { type Finding, Reason } from '../reasons.ts'
import type { Request, Response } from '../request/http-types.ts'
import { stateOf } from '../request/request-state.ts'
import { makeRule } from '../rule.ts'
import { Steady } from '../runtime/steady.ts'
import { type Asked, makeDecider } from './rate-limit/decider.ts'
import { askedOf, type KeysAndCosts, keysAndCosts } from './rate-limit/keys-and-costs.ts'
import { addressKey, headerDetail } from './rate-limit/limit-key.ts'
import { type CompiledLimit, type RateLimitOptions, readLimits } from './rate-limit/limit-options.ts'
import { waitTurn } from './rate-limit/wait-turn.ts'

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
  const { limits, store, maxKeys, timeout, onStoreError } = checked
  const readClock = clockOf(checked.now)
  const decider = reading('rateLimit', 'store', store, () =>
    makeDecider(limits, { name: common.name, store, maxKeys, timeout, onStoreError }),
  )
  /** The delays of requests judged in a dry run of `protect`: they wait only when they reach the rule in the app. */
  const delays = new WeakMap<Request, number>()
  const dropsUnknown = checked.noAddress !== 'pass'
  const countedAddress = (req: Request) => addressOf(req, common, checked.address)
  const first = limits[0] as CompiledLimit

  /** The judgement for a decision; a promise if the request has to wait its turn. */
  function judgementOf(
    req: Request,
    res: Response,
    { index, key }: Asked,
    decision: Decision,
    isTrial: boolean,
  ): Judgement | Promise<undefined> {
    if (!decision.allowed) return findingOf(limits[index] as CompiledLimit, key, decision)
    // As with nginx's limit_req_dry_run, a request that would wait passes at once.
    if (decision.delay === 0 || common.dryRun) return undefined
    if (!isTrial) return waitTurn(req, res, decision.delay)
    delays.set(req, decision.delay)
    return undefined
  }

  function decide(req: Request, res: Response, counted: KeysAndCosts, isTrial: boolean) {
    if (dropsUnknown && counted.keys.includes(undefined)) return { reason: Reason.NO_ADDRESS }
    const asked = askedOf(counted)
    const [only] = asked
    if (!only) return undefined
    const time = readClock()
    const decision = asked.length === 1 ? decider.one(only, time) : decider.all(asked, time)
    const judged = (known: Decision) => judgementOf(req, res, asked[known.limit ?? 0] ?? only, known, isTrial)
    return isThenable(decision) ? promiseOf(decision).then(judged) : judged(decision)
  }

  function judgeAll(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const { isDryRun } = stateOf(req)
    const counted = keysAndCosts(limits, req, countedAddress)
    if (counted instanceof Promise) return counted.then(known => decide(req, res, known, isDryRun))
    return decide(req, res, counted, isDryRun)
  }

  /** {@link judgeAll} without lists, for a single limit by address, which nearly every rule has. */
  function judgeAddress(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const key = countedAddress(req)
    if (!key) return dropsUnknown ? { reason: Reason.NO_ADDRESS } : undefined
    const { isDryRun } = stateOf(req)
    const asked = { index: 0, key, cost: first.cost as number }
    const decision = decider.one(asked, readClock())
    if (isThenable(decision))
      return promiseOf(decision).then(known => judgementOf(req, res, asked, known, isDryRun))
    return judgementOf(req, res, asked, decision, isDryRun)
  }

  function waitWhatIsOwed(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const delay = delays.get(req)
    return delay === undefined ? undefined : waitTurn(req, res, delay)
  }

  const isPlain = limits.length === 1 && first.key === 'address' && typeof first.cost === 'number'
  return makeRule(common, isPlain ? judgeAddress : judgeAll, { onEnforce: waitWhatIsOwed })
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

function findingOf(limit: CompiledLimit, key: string | Address, decision: Decision): Finding {
  const retryAfter = Number.isFinite(decision.retryAfter) ? decision.retryAfter : undefined
  if (decision.isUnknown) return { reason: Reason.STORE_DOWN, retryAfter }
  return { reason: Reason.RATE_LIMITED, detail: detailOf(limit, key), retryAfter }
}

function detailOf(limit: CompiledLimit, key: string | Address): string {
  if (typeof key !== 'string') return addressKey(key, limit)
  return typeof limit.key === 'object' ? headerDetail(key, limit.key.header) : key
}
