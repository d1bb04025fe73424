import type { Bucket, Decision } from '../../counting/leaky-bucket.ts'
import { isKeyError } from '../../diagnostics/key-error.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import { asError } from '../../outage/timed-call.ts'
import type { Hit, RateLimitStore } from '../rate-limit-store.ts'
import { type GuardOptions, readGuardOptions } from './guard-options.ts'
import { LocalLimits } from './local-limits.ts'
import { viewOf } from './shared-breakers.ts'

type Answer = Decision | PromiseLike<Decision>

/** A store that always decides, and in time. */
export interface GuardedStore {
  hit(key: string, bucket: Bucket, now: number, cost?: number): Answer
  hitAll(hits: readonly Hit[], now: number): Answer
}

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
 *
 * @throws OptionsError where the store's own `timeout` or `onStoreError` can't be used
 */
export function guardStore(store: RateLimitStore, options: GuardOptions = {}): GuardedStore {
  const { root, maxKeys, ...user } = readGuardOptions(store, options)
  const { name, onStoreError } = user
  const view = viewOf(root, user)
  const { breaker, deadlines } = view
  const memory = onStoreError === 'memory' ? new LocalLimits(maxKeys) : undefined

  function failed<T>({ era, asked }: LimitCall, error: unknown, decideWithout: () => T): T {
    if (isKeyError(error)) {
      breaker.succeeded(era)
      return decideWithout()
    }
    return view.failed({ era, error, keys: keysOf(asked) }, decideWithout)
  }

  function decide(asked: LimitCall['asked'], ask: () => Answer, locally: () => Decision): Answer {
    if (!breaker.admits()) return locally()
    const call = { asked, era: breaker.era, locally }
    let answer: Answer
    let promised: Promise<Decision> | undefined
    try {
      answer = ask()
      if (isThenable(answer)) promised = promiseOf(answer)
    } catch (error) {
      return failed(call, asError(error), locally)
    }
    if (promised) return inTime(promised, call)
    breaker.succeeded(call.era)
    return counted(answer as Decision, locally)
  }

  function inTime(answer: Promise<Decision>, call: LimitCall): Promise<Decision> {
    const { era, locally } = call
    return new Promise((resolve, reject) => {
      breaker.hear(
        answer,
        { era, deadlines },
        {
          answered(decision) {
            breaker.succeeded(era)
            try {
              resolve(counted(decision, locally))
            } catch (error) {
              reject(error)
            }
          },
          failed(error) {
            failed(call, error, () => resolve(locally()))
          },
        },
      )
    })
  }

  /** Counts in memory what the store has let through. */
  function counted(decision: Decision, locally: () => Decision): Decision {
    if (typeof decision?.allowed !== 'boolean')
      throw new TypeError('rateLimit: the store must return a decision')
    if (memory && decision.allowed) locally()
    return decision
  }

  function unknown(): Decision {
    if (onStoreError === 'pass') return passes
    return { allowed: false, delay: 0, retryAfter: breaker.untilNext, isUnknown: true }
  }

  const guarded: GuardedStore = {
    hit: (key, bucket, now, cost = 1) =>
      decide(
        key,
        () => store.hit(key, bucket, now, cost),
        () => (memory ? memory.hit(key, bucket, now, cost) : unknown()),
      ),
    hitAll: (hits, now) =>
      decide(
        hits,
        () => store.hitAll?.(hits, now) as Answer,
        () => (memory ? memory.hitAll(hits, now) : unknown()),
      ),
  }
  view.add({ name, onStoreError }, guarded)
  return guarded
}

const keysOf = (asked: LimitCall['asked']) =>
  typeof asked === 'string' ? [asked] : [...new Set(asked.map(({ key }) => key))]
