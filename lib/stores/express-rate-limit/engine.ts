/** What a store says of a key that it has counted. */
export interface Hits {
  totalHits: number
  resetTime?: Date | undefined
}

/** A `Store` of express-rate-limit: what is used of it. */
export interface ExpressRateLimitStore {
  // biome-ignore lint/suspicious/noExplicitAny: the type of express-rate-limit's options, which is not imported
  init?: ((options: any) => unknown) | undefined
  increment(key: string): Hits | PromiseLike<Hits>
  decrement(key: string): unknown
  resetAll?: (() => unknown) | undefined
  /** That it is in this process's memory. */
  localKeys?: boolean | undefined
}

/** A store for express-rate-limit before version 6, which that still takes. */
export interface LegacyExpressRateLimitStore {
  incr(
    key: string,
    callback: (error: Error | undefined, totalHits: number, resetTime: Date | undefined) => void,
  ): void
  decrement(key: string): unknown
}

/** The store itself, or one of today around a store of old; undefined where it is neither. */
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
