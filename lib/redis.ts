/** The sub-path `drop444/redis`: limits and bans shared by several processes, in Redis or Valkey, over the app's own client. */

export type { RedisStore } from './stores/redis/limits/scoped-store.ts'
export type { RedisStoreOptions, SendCommand, SendCommandCluster } from './stores/redis/redis-options.ts'
export { redisStore } from './stores/redis/redis-store.ts'
