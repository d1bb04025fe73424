import { isThenable } from '../callback.ts'
import { refuse } from '../errors.ts'
import type { Bucket, Decision } from '../match/leaky-bucket.ts'
import { integer, oneOf } from '../options.ts'
import { breakerOf } from './guard-breakers.ts'
import { Waits } from './guard-waits.ts'
import { MemoryStore } from './memory-store.ts'
import type { Hit, OnStoreError, RateLimitStore } from './rate-limit-store.ts'

type Answer = Decision | PromiseLike<Decision>

/** A store that always decides, and in time. */
export interface GuardedStore {
  hit(key: string, bucket: Bucket, now: number, cost?: number): Answer
  hitAll(hits: readonly Hit[], now: number): Answer
}

export interface GuardOptions {
  /** How long a decision may wait for the store, in milliseconds. Default: what the store says, else 50. */
  readonly timeout?: number | undefined
  /** What is done while the store is down. Default: what the store says, else `'memory'`. */
  readonly onStoreError?: OnStoreError | undefined
  /** How many keys are counted in memory meanwhile. Default 100,000. */
  readonly maxKeys?: number | undefined
  /** The rule's, for events. Default `rateLimit`. */
  readonly name?: string | undefined
  /** The store that `store` is a scope of: it goes down as one. */
  readonly root?: RateLimitStore | undefined
}

const passes: Decision = Object.freeze({ allowed: true, delay: 0, retryAfter: 0 })

/**
 * Has a store decide, unless it fails or takes longer than `timeout`: then it is down, `onStoreError` decides, and the store
 * is not asked again before it answered a probe (or, where it has none, one request). With `'memory'` this process has been
 * counting all along what it let through, so that an outage is no new burst.
 *
 * @throws OptionsError where the store's own `timeout` or `onStoreError` can't be used
 */
export function guardStore(store: RateLimitStore, options: GuardOptions = {}): GuardedStore {
  const { name = 'rateLimit', maxKeys = 100_000, root = store } = options
  const timeout = options.timeout ?? timeoutOf(store) ?? timeoutOf(root) ?? 50
  const onStoreError = options.onStoreError ?? modeOf(store) ?? modeOf(root) ?? 'memory'
  const probed = root.probe ? root : store
  const probe = probed.probe && (() => probed.probe?.() as PromiseLike<unknown>)
  const breaker = breakerOf(root, { name, onStoreError, timeout, probe })
  const memory = onStoreError === 'memory' ? new MemoryStore(maxKeys) : undefined
  const waits = new Waits(timeout, true)

  /** @param settle decides on what failed, which came before what is waiting */
  function failed<T>(era: number, error: unknown, settle: () => T): T {
    const isFirst = breaker.failed(era, error)
    const settled = settle()
    // What else was asked of it need not wait.
    if (isFirst) waits.giveUp()
    return settled
  }

  /** @param locally decides, and counts, without the store */
  function decide(ask: () => Answer, locally: () => Decision): Answer {
    if (!breaker.admits()) return locally()
    const { era } = breaker
    let answer: Answer
    try {
      answer = ask()
    } catch (error) {
      return failed(era, error, locally)
    }
    if (isThenable(answer)) return inTime(answer, era, locally)
    breaker.succeeded(era)
    return counted(answer, locally)
  }

  function inTime(answer: PromiseLike<Decision>, era: number, locally: () => Decision): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const stray = breaker.isOpen ? 1 : 0
      const wait = waits.add(() => {
        breaker.strays += stray
        const error = new Error(`the store did not answer within ${timeout} ms`)
        failed(era, error, () => resolve(locally()))
      })
      /** Whether it has come in time; what comes later decides nothing. */
      const isInTime = () => {
        const isWaiting = waits.delete(wait)
        if (!isWaiting) breaker.strays -= stray
        return isWaiting
      }
      Promise.resolve(answer).then(
        decision => {
          if (!isInTime()) return
          breaker.succeeded(era)
          try {
            resolve(counted(decision, locally))
          } catch (error) {
            reject(error)
          }
        },
        error => {
          if (!isInTime()) return
          failed(era, error, () => resolve(locally()))
        },
      )
    })
  }

  /** Takes a decision of the store's down in memory. */
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

  return {
    hit: (key, bucket, now, cost = 1) =>
      decide(
        () => store.hit(key, bucket, now, cost),
        () => (memory ? memory.hit(localKey(key, bucket), bucket, now, cost) : unknown()),
      ),
    hitAll: (hits, now) =>
      decide(
        () => (store.hitAll as NonNullable<RateLimitStore['hitAll']>)(hits, now),
        () => (memory ? memory.hitAll(hits.map(localHit), now) : unknown()),
      ),
  }
}

/** As in a store with scopes: limits of different rates do not meet in a key. */
const localKey = (key: string, { rate }: Bucket) => `${rate} ${key}`

const localHit = (hit: Hit): Hit => ({ ...hit, key: localKey(hit.key, hit.bucket) })

function timeoutOf({ timeout }: RateLimitStore): number | undefined {
  if (timeout === undefined) return undefined
  return integer(1, 60_000)(timeout, expected => refuse('rateLimit', 'store.timeout', timeout, expected))
}

function modeOf({ onStoreError: mode }: RateLimitStore): OnStoreError | undefined {
  if (mode === undefined) return undefined
  const check = oneOf<OnStoreError>('memory', 'pass', 'drop')
  return check(mode, expected => refuse('rateLimit', 'store.onStoreError', mode, expected))
}
