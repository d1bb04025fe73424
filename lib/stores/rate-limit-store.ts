import type { Bucket, Decision } from '../match/leaky-bucket.ts'

/** Where the state of rate limits lives. */
export interface RateLimitStore {
  /**
   * Decides on one request of a key, and counts it unless it is rejected. Synchronous where it can be: an `await` costs
   * more than the decision.
   *
   * @param now milliseconds; a store that has a clock of its own may ignore it
   */
  hit(key: string, bucket: Bucket, now: number): Decision | PromiseLike<Decision>
}
