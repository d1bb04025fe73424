/** The sub-path `drop444/redis`: what a fleet shares, in Redis or Valkey, over the client that the app has. */

export type { RedisStoreOptions, SendCommand, SendCommandCluster } from './stores/redis/redis-options.ts'
export { redisStore } from './stores/redis/redis-store.ts'
export type { RedisStore } from './stores/redis/scoped-store.ts'
