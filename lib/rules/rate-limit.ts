import type { Decision } from '../counting/leaky-bucket.ts'
import { show } from '../diagnostics/show.ts'
import { isThenable, promiseOf } from '../diagnostics/thenable.ts'
import type { Judgement, Rule } from '../judgement.ts'
import type { Address } from '../match/addresses/address.ts'
import { addressOf } from '../options/address-options.ts'
import { commonOf } from '../options/common-options.ts'
import { reading, refuseRequest } from '../options/read-options.ts'
import { Reason } from '../reasons.ts'
import type { Request, Response } from '../request/http-types.ts'
import { stateOf } from '../request/request-state.ts'
import { makeRule } from '../rule.ts'
import { Steady } from '../runtime/steady.ts'
import { type Asked, makeDecider } from './rate-limit/decider.ts'
import { addressKey, headerDetail, headerKey } from './rate-limit/limit-key.ts'
import { type CompiledLimit, type RateLimitOptions, readLimits } from './rate-limit/limit-options.ts'
import { waitTurn } from './rate-limit/wait-turn.ts'

type Key = string | Address | undefined
/** A key, or a cost. */
type Gathered = Key | number

/**
 * Limits how often one client asks: nginx's `limit_req`, with the same arithmetic.
 *
 * Silence is for floods. For a person who clicks too fast set `status: 429`: it is answered with `Retry-After`.
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
  const { limits, store, maxKeys, timeout, onStoreError, now } = checked
  const steady = new Steady()
  /** What requests have to wait that were judged in a dry run of `protect`, should they meet the rule in the app. */
  const delays = new WeakMap<Request, number>()
  const decider = reading('rateLimit', 'store', store, () =>
    makeDecider(limits, { name: common.name, store, maxKeys, timeout, onStoreError }),
  )
  const dropsUnknown = checked.noAddress !== 'pass'
  const first = limits[0] as CompiledLimit
  // What nearly everybody has needs no list.
  const isPlain = limits.length === 1 && first.key === 'address' && typeof first.cost === 'number'

  function settle(
    req: Request,
    res: Response,
    { index, key }: Asked,
    decision: Decision,
    isTrial: boolean,
  ): Judgement | Promise<undefined> {
    if (!decision.allowed) {
      const retryAfter = Number.isFinite(decision.retryAfter) ? decision.retryAfter : undefined
      if (decision.isUnknown) return { reason: Reason.STORE_DOWN, retryAfter }
      return {
        reason: Reason.RATE_LIMITED,
        detail: detailOf(limits[index] as CompiledLimit, key),
        retryAfter,
      }
    }
    // nginx's limit_req_dry_run: what would wait, passes.
    if (decision.delay === 0 || common.dryRun) return undefined
    if (!isTrial) return waitTurn(req, res, decision.delay)
    delays.set(req, decision.delay)
    return undefined
  }

  function readClock(): number {
    if (!now) return performance.now()
    const time = now()
    if (!Number.isFinite(time))
      throw new TypeError(`rateLimit: now must return milliseconds, not ${show(time)}`)
    return steady.follow(time)
  }

  function keyOf(req: Request, { key }: CompiledLimit): Key | PromiseLike<Key> {
    if (typeof key === 'function') {
      const own = key(req)
      return isThenable(own) ? promiseOf(own).then(checkKey) : checkKey(own)
    }
    const ofHeader = key === 'address' ? undefined : headerKey(req, key.header)
    return ofHeader ?? addressOf(req, common, checked.address)
  }

  function decide(
    req: Request,
    res: Response,
    keys: readonly Key[],
    costs: readonly number[],
    isTrial: boolean,
  ) {
    if (dropsUnknown && keys.includes(undefined)) return { reason: Reason.NO_ADDRESS }
    const asked: Asked[] = []
    for (const [index, key] of keys.entries()) {
      const cost = checkCost(costs[index])
      if (key !== undefined && key !== '' && cost > 0) asked.push({ index, key, cost })
    }
    const [only] = asked
    if (!only) return undefined
    const time = readClock()
    const decision = asked.length === 1 ? decider.one(only, time) : decider.all(asked, time)
    const settled = (known: Decision) => settle(req, res, asked[known.limit ?? 0] ?? only, known, isTrial)
    return isThenable(decision) ? promiseOf(decision).then(settled) : settled(decision)
  }

  /** The keys of all limits, then their costs, or a promise of them; a function that several limits share is called once. */
  function gather(req: Request): readonly Gathered[] | Promise<Gathered[]> {
    const keys: (Key | PromiseLike<Key>)[] = []
    const costs: (number | PromiseLike<number>)[] = []
    try {
      for (const limit of limits) {
        const { cost, sameKey, sameCost } = limit
        keys.push(sameKey === undefined ? keyOf(req, limit) : keys[sameKey])
        const known = sameCost === undefined ? undefined : costs[sameCost]
        costs.push(known ?? (typeof cost === 'number' ? cost : cost(req)))
      }
      const gathered = [...keys, ...costs]
      return gathered.some(isThenable) ? Promise.all(gathered.map(promiseOf)) : (gathered as Gathered[])
    } catch (error) {
      // Nobody will hear of these: a rejection would end the process.
      for (const each of [...keys, ...costs]) promiseOf(each).catch(() => {})
      throw error
    }
  }

  function judgeAll(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const { isDryRun } = stateOf(req)
    const gathered = gather(req)
    const judge = (known: readonly Gathered[]) => {
      const keys = known.slice(0, limits.length) as Key[]
      return decide(req, res, keys, known.slice(limits.length) as number[], isDryRun)
    }
    return gathered instanceof Promise ? gathered.then(judge) : judge(gathered)
  }

  function judgeAddress(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const key = addressOf(req, common, checked.address)
    if (!key) return dropsUnknown ? { reason: Reason.NO_ADDRESS } : undefined
    const { isDryRun } = stateOf(req)
    const asked = { index: 0, key, cost: first.cost as number }
    const decision = decider.one(asked, readClock())
    if (isThenable(decision))
      return promiseOf(decision).then(known => settle(req, res, asked, known, isDryRun))
    return settle(req, res, asked, decision, isDryRun)
  }

  function waitWhatIsOwed(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const delay = delays.get(req)
    return delay === undefined ? undefined : waitTurn(req, res, delay)
  }

  return makeRule(common, isPlain ? judgeAddress : judgeAll, { onEnforce: waitWhatIsOwed })
}

function checkKey(key: unknown): string {
  if (typeof key !== 'string') throw new TypeError(`rateLimit: key must return a string, not ${typeof key}`)
  return key
}

function checkCost(cost: unknown): number {
  if (Number.isSafeInteger(cost) && (cost as number) >= 0 && (cost as number) <= 1e6) return cost as number
  throw new TypeError('rateLimit: cost must return a whole number from 0 to 1000000')
}

function detailOf(limit: CompiledLimit, key: string | Address): string {
  if (typeof key !== 'string') return addressKey(key, limit)
  return typeof limit.key === 'object' ? headerDetail(key, limit.key.header) : key
}
