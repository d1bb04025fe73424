/** A store's answer for a key that it has counted. */
export interface Hits {
  totalHits: number
  resetTime?: Date | undefined
}

/** The part of express-rate-limit's `Store` that is used here. */
export interface ExpressRateLimitStore {
  // biome-ignore lint/suspicious/noExplicitAny: the type of express-rate-limit's options, which is not imported
  init?: ((options: any) => unknown) | undefined
  increment(key: string): Hits | PromiseLike<Hits>
  decrement(key: string): unknown
  resetAll?: (() => unknown) | undefined
  /** Whether it counts in this process's memory. */
  localKeys?: boolean | undefined
}

/** A store for express-rate-limit before version 6, which later versions still take. */
export interface LegacyExpressRateLimitStore {
  incr(
    key: string,
    callback: (error: Error | undefined, totalHits: number, resetTime: Date | undefined) => void,
  ): void
  decrement(key: string): unknown
}

/** The store itself, or a wrapper around a store of the old kind; undefined if it is neither. */
export function asStore(given: unknown): ExpressRateLimitStore | undefined {
  const store = given as Partial<ExpressRateLimitStore & LegacyExpressRateLimitStore> | null | undefined
  if (typeof store?.decrement !== 'function') return undefined
  if (typeof store.increment === 'function') return store as ExpressRateLimitStore
  return typeof store.incr === 'function' ? promising(store as LegacyExpressRateLimitStore) : undefined
}

function promising(store: LegacyExpressRateLimitStore): ExpressRateLimitStore {
  return {
    increment: key =>
      new Promise((resolve, reject) => {
        store.incr(key, (error, totalHits, resetTime) =>
          error ? reject(error) : resolve({ totalHits, resetTime }),
        )
      }),
    decrement: key => store.decrement(key),
  }
}
