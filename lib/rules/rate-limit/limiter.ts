import type { Decision } from '../../counting/leaky-bucket.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import type { Judge, Judgement } from '../../judgement.ts'
import type { Address } from '../../match/addresses/address.ts'
import { type Finding, Reason } from '../../reasons.ts'
import type { Request, Response } from '../../request/http-types.ts'
import { stateOf } from '../../request/request-state.ts'
import type { Asked, Decider } from './decider.ts'
import { askedOf, type KeysAndCosts, keysAndCosts } from './keys-and-costs.ts'
import { addressKey, headerDetail } from './limit-key.ts'
import type { CompiledLimit } from './limit-options.ts'
import { waitTurn } from './wait-turn.ts'

export interface LimiterOptions {
  readonly limits: readonly CompiledLimit[]
  readonly decider: Decider
  /** The clock of the rule, in milliseconds. */
  readonly readClock: () => number
  /** The address that the rule counts by. */
  readonly countedAddress: (req: Request) => Address | undefined
  /** Whether to drop a request that has no address. */
  readonly dropsUnknown: boolean
  /** The rule's own, not that of `protect`. */
  readonly isDryRun: boolean
}

/** Judges requests by the limits of one rule. */
export class Limiter {
  /** Judges a request that the rule meets for the first time. */
  readonly judge: Judge
  readonly #options: LimiterOptions
  /** The delays of requests judged in a dry run of `protect`: they wait only when they reach the rule in the app. */
  readonly #delays = new WeakMap<Request, number>()

  constructor(options: LimiterOptions) {
    const { limits } = options
    const [{ key, cost }] = limits as readonly [CompiledLimit]
    const isPlain = limits.length === 1 && key === 'address' && typeof cost === 'number'
    this.#options = options
    this.judge = isPlain
      ? (req, res) => this.#judgeAddress(req, res, cost)
      : (req, res) => this.#judgeAll(req, res)
  }

  /** Lets a request wait that a dry run of `protect` has judged. */
  waitWhatIsOwed(req: Request, res: Response): Promise<undefined> | undefined {
    const delay = this.#delays.get(req)
    return delay === undefined ? undefined : waitTurn(req, res, delay)
  }

  #judgeAll(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const { isDryRun } = stateOf(req)
    const counted = keysAndCosts(this.#options.limits, req, this.#options.countedAddress)
    if (counted instanceof Promise) return counted.then(known => this.#decide(req, res, known, isDryRun))
    return this.#decide(req, res, counted, isDryRun)
  }

  /** `#judgeAll` without lists, for a single limit by address, which nearly every rule has. */
  #judgeAddress(req: Request, res: Response, cost: number): Judgement | PromiseLike<Judgement> {
    const { decider, readClock, countedAddress, dropsUnknown } = this.#options
    const key = countedAddress(req)
    if (!key) return dropsUnknown ? { reason: Reason.NO_ADDRESS } : undefined
    const { isDryRun } = stateOf(req)
    const asked = { index: 0, key, cost }
    const decision = decider.one(asked, readClock())
    if (isThenable(decision))
      return promiseOf(decision).then(known => this.#judgementOf(req, res, asked, known, isDryRun))
    return this.#judgementOf(req, res, asked, decision, isDryRun)
  }

  #decide(
    req: Request,
    res: Response,
    counted: KeysAndCosts,
    isTrial: boolean,
  ): Judgement | Promise<Judgement> {
    const { decider, readClock, dropsUnknown } = this.#options
    if (dropsUnknown && counted.keys.includes(undefined)) return { reason: Reason.NO_ADDRESS }
    const asked = askedOf(counted)
    const [only] = asked
    if (!only) return undefined
    const time = readClock()
    const decision = asked.length === 1 ? decider.one(only, time) : decider.all(asked, time)
    const judged = (known: Decision) =>
      this.#judgementOf(req, res, asked[known.limit ?? 0] ?? only, known, isTrial)
    return isThenable(decision) ? promiseOf(decision).then(judged) : judged(decision)
  }

  /** The judgement for a decision; a promise if the request has to wait its turn. */
  #judgementOf(
    req: Request,
    res: Response,
    { index, key }: Asked,
    decision: Decision,
    isTrial: boolean,
  ): Judgement | Promise<undefined> {
    const { limits, isDryRun } = this.#options
    if (!decision.allowed) return findingOf(limits[index] as CompiledLimit, key, decision)
    // As with nginx's limit_req_dry_run, a request that would wait passes at once.
    if (decision.delay === 0 || isDryRun) return undefined
    if (!isTrial) return waitTurn(req, res, decision.delay)
    this.#delays.set(req, decision.delay)
    return undefined
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
