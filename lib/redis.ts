/** The sub-path `drop444/redis`: what a fleet shares, in Redis or Valkey, over the client that the app has. */

export type { RedisStore } from './stores/redis/limits/scoped-store.ts'
export type { RedisStoreOptions, SendCommand, SendCommandCluster } from './stores/redis/redis-options.ts'
export { redisStore } from './stores/redis/redis-store.ts'
