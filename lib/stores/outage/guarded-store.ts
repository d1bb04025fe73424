import type { Bucket, Decision } from '../../counting/leaky-bucket.ts'
import { isKeyError } from '../../diagnostics/key-error.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import type { Hit, RateLimitStore } from '../rate-limit-store.ts'
import type { Breaker } from './breaker.ts'
import { type GuardOptions, readGuardOptions } from './guard-options.ts'
import { LocalLimits } from './local-limits.ts'
import { viewOf } from './shared-breakers.ts'

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

/** What waits for an answer. Whoever has yet to answer holds this alone: it may be for ever, and a rule has much memory. */
interface Asked {
  /** Undefined once it waits no longer. */
  waiting: { answered(decision: Decision): void; failed(error: unknown): void } | undefined
  readonly breaker: Breaker
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
  const { name, onStoreError } = user
  const view = viewOf(root, user)
  const { breaker, waits } = view
  const memory = onStoreError === 'memory' ? new LocalLimits(maxKeys) : undefined

  function failed<T>({ era, asked }: Question, error: unknown, settle: () => T): T {
    if (isKeyError(error)) {
      breaker.succeeded(era)
      return settle()
    }
    return view.failed({ era, error, keys: keysOf(asked) }, settle)
  }

  function decide(asked: Question['asked'], ask: () => Answer, locally: () => Decision): Answer {
    if (!breaker.admits()) return locally()
    const question = { asked, era: breaker.era, locally }
    let answer: Answer
    let promised: Promise<Decision> | undefined
    try {
      answer = ask()
      if (isThenable(answer)) promised = promiseOf(answer)
    } catch (error) {
      return failed(question, asError(error), locally)
    }
    if (promised) return inTime(promised, question)
    breaker.succeeded(question.era)
    return counted(answer as Decision, locally)
  }

  function inTime(answer: Promise<Decision>, question: Question): Promise<Decision> {
    const { era, locally } = question
    const isTrial = breaker.isOpen
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        breaker,
        waiting: {
          answered(decision) {
            waits.delete(wait)
            breaker.succeeded(era)
            try {
              resolve(counted(decision, locally))
            } catch (error) {
              reject(error)
            }
          },
          failed(error) {
            waits.delete(wait)
            failed(question, error, () => resolve(locally()))
          },
        },
      }
      const wait = waits.add(() => {
        asked.waiting = undefined
        if (isTrial && breaker.era === era) breaker.strays.add(asked)
        failed(question, undefined, () => resolve(locally()))
      })
      hear(answer, asked)
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

/** What comes when nothing waits for it any longer decides nothing. */
function hear(answer: Promise<Decision>, asked: Asked): void {
  const take = () => {
    const { waiting } = asked
    asked.waiting = undefined
    if (!waiting) asked.breaker.strays.delete(asked)
    return waiting
  }
  answer.then(
    decision => take()?.answered(decision),
    error => take()?.failed(asError(error)),
  )
}

/** A store may fail with nothing at all. */
const asError = (error: unknown) => (error === undefined ? new Error('the store failed') : error)

const keysOf = (asked: Question['asked']) =>
  typeof asked === 'string' ? [asked] : [...new Set(asked.map(({ key }) => key))]
