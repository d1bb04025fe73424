import { redisOffenders } from './bans/redis-offenders.ts'
import { Batches } from './limits/batches.ts'
import { Rejects } from './limits/recent-rejects.ts'
import { type RedisStore, ScopedStore } from './limits/scoped-store.ts'
import { type RedisStoreOptions, readRedisOptions } from './redis-options.ts'

/** Keys that are remembered as rejected. */
const MAX_REJECTS = 10_000
/** After this many milliseconds nobody waits for a decision: see {@link Batches}. */
const LATE = 1000

/**
 * Keeps rate limits in Redis or Valkey, for all processes that use the same one: `rateLimit({ store: redisStore(...) })`.
 *
 * nginx's leaky bucket, in a script, by Redis's clock: one round trip a decision, and one for all decisions of a tick. What
 * is rejected writes nothing, and is remembered here until it can pass.
 *
 * @example
 * const client = await createClient({ url: 'redis://127.0.0.1:6379' }).connect()
 * const store = redisStore({ sendCommand: (...args) => client.sendCommand(args) })
 * app.use(rateLimit({ rate: '10r/s', burst: 20, store }))
 *
 * @throws OptionsError
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  const { send, isCluster, prefix, timeout, onStoreError } = readRedisOptions(options)
  const batches = new Batches({ send, isCluster, late: Math.max(LATE, timeout ?? 0) })
  const rejects = new Rejects(MAX_REJECTS)
  const offenders = redisOffenders(send, prefix)
  return new ScopedStore({ batches, rejects, offenders, timeout, onStoreError }, prefix)
}
