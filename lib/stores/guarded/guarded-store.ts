import type { Bucket, Decision } from '../../counting/leaky-bucket.ts'
import { isKeyError } from '../../diagnostics/key-error.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import { asError, type Outcome } from '../../outage/timed-call.ts'
import type { Hit, OnStoreError, RateLimitStore } from '../rate-limit-store.ts'
import { type GuardOptions, readGuardOptions } from './guard-options.ts'
import { LocalLimits } from './local-limits.ts'
import { type StoreView, viewOf } from './shared-breakers.ts'

type Answer = Decision | PromiseLike<Decision>

/** One call of the store, and what decides in its place. */
interface LimitCall {
  readonly asked: string | readonly Hit[]
  /** The breaker's era when the call was made. */
  readonly era: number
  /** Decides, and counts, in this process. */
  readonly locally: () => Decision
}

const passes: Decision = /* @__PURE__ */ Object.freeze({ allowed: true, delay: 0, retryAfter: 0 })

/**
 * Lets a store decide, unless it fails or takes longer than `timeout`. Then it is down: `onStoreError` decides, and the store
 * is not called again until it has answered a probe (without a probe: one request). With `'memory'` this process counts
 * all along what it lets through, so that an outage is no new burst.
 */
export class GuardedStore {
  readonly #store: RateLimitStore
  readonly #onStoreError: OnStoreError
  readonly #view: StoreView
  readonly #memory: LocalLimits | undefined

  /** @throws OptionsError where the store's own `timeout` or `onStoreError` can't be used */
  constructor(store: RateLimitStore, options: GuardOptions = {}) {
    const { root, maxKeys, ...user } = readGuardOptions(store, options)
    const { name, onStoreError } = user
    this.#store = store
    this.#onStoreError = onStoreError
    this.#view = viewOf(root, user)
    this.#memory = onStoreError === 'memory' ? new LocalLimits(maxKeys) : undefined
    this.#view.add({ name, onStoreError }, this)
  }

  hit(key: string, bucket: Bucket, now: number, cost = 1): Answer {
    return this.#decide(
      key,
      () => this.#store.hit(key, bucket, now, cost),
      () => this.#memory?.hit(key, bucket, now, cost) ?? this.#unknown(),
    )
  }

  hitAll(hits: readonly Hit[], now: number): Answer {
    return this.#decide(
      hits,
      () => this.#store.hitAll?.(hits, now) as Answer,
      () => this.#memory?.hitAll(hits, now) ?? this.#unknown(),
    )
  }

  #decide(asked: LimitCall['asked'], ask: () => Answer, locally: () => Decision): Answer {
    const { breaker } = this.#view
    if (!breaker.admits()) return locally()
    const call = { asked, era: breaker.era, locally }
    let answer: Answer
    let promised: Promise<Decision> | undefined
    try {
      answer = ask()
      if (isThenable(answer)) promised = promiseOf(answer)
    } catch (error) {
      return this.#failed(call, asError(error), locally)
    }
    if (promised) return this.#inTime(promised, call)
    breaker.succeeded(call.era)
    return this.#counted(answer as Decision, locally)
  }

  #inTime(answer: Promise<Decision>, call: LimitCall): Promise<Decision> {
    const { era, locally } = call
    const { breaker, deadlines } = this.#view
    return new Promise((resolve, reject) => {
      const outcome: Outcome<Decision> = {
        answered: decision => {
          breaker.succeeded(era)
          try {
            resolve(this.#counted(decision, locally))
          } catch (error) {
            reject(error)
          }
        },
        failed: error => this.#failed(call, error, () => resolve(locally())),
      }
      breaker.hear(answer, { era, deadlines }, outcome)
    })
  }

  #failed<T>({ era, asked }: LimitCall, error: unknown, decideWithout: () => T): T {
    if (isKeyError(error)) {
      this.#view.breaker.succeeded(era)
      return decideWithout()
    }
    return this.#view.failed({ era, error, keys: keysOf(asked) }, decideWithout)
  }

  /** Counts in memory what the store has let through. */
  #counted(decision: Decision, locally: () => Decision): Decision {
    if (typeof decision?.allowed !== 'boolean')
      throw new TypeError('rateLimit: the store must return a decision')
    if (this.#memory && decision.allowed) locally()
    return decision
  }

  #unknown(): Decision {
    if (this.#onStoreError === 'pass') return passes
    return { allowed: false, delay: 0, retryAfter: this.#view.breaker.untilNext, isUnknown: true }
  }
}

const keysOf = (asked: LimitCall['asked']) =>
  typeof asked === 'string' ? [asked] : [...new Set(asked.map(({ key }) => key))]
