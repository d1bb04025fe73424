import type { Bucket, Decision } from '../../lib/counting/leaky-bucket.ts'
import type { RateLimitStore } from '../../lib/stores/rate-limit-store.ts'

export const allowed: Decision = Object.freeze({ allowed: true, delay: 0, retryAfter: 0 })

export const rejected: Decision = Object.freeze({ allowed: false, delay: 0, retryAfter: 500 })

/** So many requests a second, and so many beyond. */
export const bucketOf = (rate: number, burst: number): Bucket => ({
  rate: rate * 1000,
  burst: burst * 1000,
  delay: Number.POSITIVE_INFINITY,
})

/** An answer that never comes. */
export const pending = () => new Promise<never>(() => {})

/** A store that answers as it is told. */
export class StubStore implements RateLimitStore {
  asked = 0
  answer: () => Decision | PromiseLike<Decision>

  constructor(answer: () => Decision | PromiseLike<Decision>) {
    this.answer = answer
  }

  hit(): Decision | PromiseLike<Decision> {
    this.asked++
    return this.answer()
  }

  hitAll(): Decision | PromiseLike<Decision> {
    return this.hit()
  }
}
