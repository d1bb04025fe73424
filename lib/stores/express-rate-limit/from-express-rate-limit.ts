import { refuse } from '../../options/options-error.ts'
import { type Check, integer, reading, readOptions } from '../../options/read-options.ts'
import type { RateLimitStore } from '../rate-limit-store.ts'
import { asStore, type ExpressRateLimitStore, type LegacyExpressRateLimitStore } from './engine.ts'
import { WindowCounter } from './window-counter.ts'
import { WindowStore } from './window-store.ts'

/** Options of {@link fromExpressRateLimit}. */
export interface FromExpressRateLimitOptions {
  /** How long a window is, in milliseconds, 1 to 2,147,483,647; some stores take whole seconds only. Default 60,000. */
  windowMs?: number | undefined
  /** Requests of one key in one window, 1 to 1,000,000,000. Default: what `rate` and `burst` let through in that time. */
  limit?: number | undefined
}

const checks = () =>
  ({
    windowMs: integer(1, 2 ** 31 - 1),
    limit: integer(1, 1e9),
  }) satisfies Record<keyof FromExpressRateLimitOptions, Check<unknown>>

/** The window of each store: a store has only one, and is initialised once. */
const counters = new WeakMap<object, { counter: WindowCounter; windowMs: number }>()

/**
 * Makes a store for `rateLimit` of any `Store` of express-rate-limit: Memcached, MongoDB, PostgreSQL, cluster memory. It
 * counts as express-rate-limit does: so many requests in a fixed window, without delays. With `limit`, `rateLimit` needs no `rate`.
 *
 * @param store its `init` is called at once; if that rejects, again before the next request
 *
 * @example
 * const store = fromExpressRateLimit(new MemcachedStore({ locations }), { windowMs: 60_000, limit: 100 })
 * app.use(rateLimit({ store }))
 *
 * @throws OptionsError, also if the store was given another window before; whatever `init` throws
 */
export function fromExpressRateLimit(
  store: ExpressRateLimitStore | LegacyExpressRateLimitStore,
  options?: FromExpressRateLimitOptions,
): RateLimitStore {
  const engine =
    reading('fromExpressRateLimit', 'store', store, () => asStore(store)) ??
    refuse('fromExpressRateLimit', 'store', store, "express-rate-limit's: with increment() and decrement()")
  const { windowMs = 60_000, limit } = readOptions('fromExpressRateLimit', options, checks())
  const settings = limit === undefined ? { windowMs } : { windowMs, limit }
  const known = counters.get(store)
  if (known && known.windowMs !== windowMs) {
    const expected = `${known.windowMs}, which this store was given before: a store has one window`
    refuse('fromExpressRateLimit', 'windowMs', windowMs, expected)
  }
  const counter = known?.counter ?? new WindowCounter(engine, settings)
  if (!known) counter.start()
  counters.set(store, { counter, windowMs })
  return new WindowStore(counter, settings, '')
}
