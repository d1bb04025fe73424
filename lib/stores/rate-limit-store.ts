import type { Bucket, Decision } from '../counting/leaky-bucket.ts'

/** One limit's share in a decision by several. */
export interface Hit {
  /** The key of the client, as the limit's `key` gives it. */
  readonly key: string
  /** The rate and burst of the limit. */
  readonly bucket: Bucket
  /** As how many requests it counts. Default 1. */
  readonly cost?: number | undefined
}

/** What to do while a store does not answer: count in this process, let requests pass, or drop them. */
export type OnStoreError = 'memory' | 'pass' | 'drop'

/** Where the state of rate limits lives. */
export interface RateLimitStore {
  /**
   * Decides on one request of a key, and counts it unless it is rejected. Synchronous where it can be: an `await` costs
   * more than the decision.
   *
   * @param now milliseconds; a store that has a clock of its own may ignore it
   * @param cost the request counts as so many at once, a whole number from 1. Default 1
   */
  hit(key: string, bucket: Bucket, now: number, cost?: number): Decision | PromiseLike<Decision>
  /**
   * Decides on one request by several limits: if one rejects it, none counts it. The decision is that of the limit that
   * takes longest: `limit` is its index in `hits`. Needed for `rateLimit({ limits })`.
   */
  hitAll?(hits: readonly Hit[], now: number): Decision | PromiseLike<Decision>
  /** The same store with `name` before each key, so that limits which share it do not mix. Called once for each limit. */
  scope?(name: string): RateLimitStore
  /**
   * Resolves if the store can count again. Called while it is down; without it single requests are sent to try.
   *
   * @param keys of the request at which the store went down, as `hit` had them: in a cluster they tell which node to ask
   */
  probe?(keys?: readonly string[]): PromiseLike<unknown>
  /** A limit of the store's own, as the bucket that is nearest to it; then `rateLimit` needs no `rate`. */
  readonly bucket?: Bucket | undefined
  /** How long a decision may take, in milliseconds, if `rateLimit` does not say. */
  readonly timeout?: number | undefined
  /** What is done while it is down, if `rateLimit` does not say. */
  readonly onStoreError?: OnStoreError | undefined
}
