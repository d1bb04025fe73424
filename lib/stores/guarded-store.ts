import { isThenable } from '../callback.ts'
import type { Bucket, Decision } from '../match/leaky-bucket.ts'
import { breakerOf } from './guard-breakers.ts'
import { type GuardOptions, readGuardOptions } from './guard-options.ts'
import { Waits } from './guard-waits.ts'
import { LocalLimits } from './local-limits.ts'
import type { Hit, RateLimitStore } from './rate-limit-store.ts'

type Answer = Decision | PromiseLike<Decision>

/** A store that always decides, and in time. */
export interface GuardedStore {
  hit(key: string, bucket: Bucket, now: number, cost?: number): Answer
  hitAll(hits: readonly Hit[], now: number): Answer
}

/** What the store is asked, and what is done without it. */
interface Question {
  readonly asked: string | readonly Hit[]
  /** The breaker's, when it was asked. */
  readonly era: number
  /** Decides, and counts, in this process. */
  readonly locally: () => Decision
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
  const { root, maxKeys, ...user } = readGuardOptions(store, options)
  const { timeout, onStoreError } = user
  const { breaker, giveUps } = breakerOf(root, user)
  const memory = onStoreError === 'memory' ? new LocalLimits(maxKeys) : undefined
  const waits = new Waits(timeout, true)
  giveUps.add(() => waits.giveUp())

  /** @param settle decides on what failed, which came before what is waiting */
  function failed<T>({ era, asked }: Question, error: unknown, settle: () => T): T {
    const isFirst = breaker.failed(era, error, keysOf(asked))
    const settled = settle()
    // What else was asked of it, by whatever rule, need not wait.
    if (isFirst) for (const giveUp of giveUps) giveUp()
    return settled
  }

  function decide(asked: Question['asked'], ask: () => Answer, locally: () => Decision): Answer {
    if (!breaker.admits()) return locally()
    const question = { asked, era: breaker.era, locally }
    let answer: Answer
    try {
      answer = ask()
    } catch (error) {
      return failed(question, error, locally)
    }
    if (isThenable(answer)) return inTime(answer, question)
    breaker.succeeded(question.era)
    return counted(answer, locally)
  }

  function inTime(answer: PromiseLike<Decision>, question: Question): Promise<Decision> {
    const { era, locally } = question
    return new Promise((resolve, reject) => {
      const stray = breaker.isOpen ? 1 : 0
      const wait = waits.add(() => {
        breaker.strays += stray
        const error = new Error(`the store did not answer within ${timeout} ms`)
        failed(question, error, () => resolve(locally()))
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
          failed(question, error, () => resolve(locally()))
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
}

const keysOf = (asked: Question['asked']) =>
  typeof asked === 'string' ? [asked] : [...new Set(asked.map(({ key }) => key))]
