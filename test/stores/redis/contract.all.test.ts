import { after, before, describe } from 'node:test'
import { type RedisStore, redisStore } from '../../../lib/redis.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { requireTool } from '../../support/tools.ts'
import { testStore } from '../contract.ts'
import { type Client, clients, clusterClients } from './clients.ts'

const skip = requireTool('redis-server')

describe('the contract of stores: Redis', { skip }, () => {
  let redis: Redis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis?.close())

  for (const [name, connect] of Object.entries(clients)) {
    describe(name, () => {
      let client: Client
      let store: RedisStore
      before(async () => {
        client = await connect([redis.port])
        store = redisStore(client.options).scope(name)
      })
      after(() => client?.close())
      testStore(() => store)
    })
  }
})

describe('the contract of stores: Redis Cluster', { skip }, () => {
  let cluster: RedisCluster
  before(async () => {
    cluster = await startRedisCluster()
  })
  after(() => cluster?.close())

  for (const [name, connect] of Object.entries(clusterClients)) {
    describe(name, () => {
      let client: Client
      let store: RedisStore
      before(async () => {
        client = await connect(cluster.ports)
        store = redisStore(client.options).scope(name)
      })
      after(() => client?.close())
      testStore(() => store)
    })
  }
})
