import type { Bucket, Decision } from '../counting/leaky-bucket.ts'

/** What a request is counted by in one of several limits. */
export interface Hit {
  /** The client, as the limit names it. */
  readonly key: string
  /** The limit. */
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
   * takes longest: its `limit` is the place among `hits`. Needed for `rateLimit({ limits })`.
   */
  hitAll?(hits: readonly Hit[], now: number): Decision | PromiseLike<Decision>
  /** The same store with a name before each key: one that many limits share keeps them apart so. Asked once a limit. */
  scope?(name: string): RateLimitStore
  /**
   * Resolves if the store can count again. Asked while it is down; without it, requests are let try.
   *
   * @param keys of the request at which it went down, as `hit` had them: of many nodes theirs may be the one that is gone
   */
  probe?(keys?: readonly string[]): PromiseLike<unknown>
  /** The nearest that a bucket comes to a limit of the store's own: `rateLimit` needs no `rate` then. */
  readonly bucket?: Bucket | undefined
  /** How long a decision may take, in milliseconds, if `rateLimit` does not say. */
  readonly timeout?: number | undefined
  /** What is done while it is down, if `rateLimit` does not say. */
  readonly onStoreError?: OnStoreError | undefined
}
