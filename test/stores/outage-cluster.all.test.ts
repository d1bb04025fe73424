import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { onStoreChange } from '../../lib/events/store-outages.ts'
import { redisStore } from '../../lib/redis.ts'
import { GuardedStore } from '../../lib/stores/guarded/guarded-store.ts'
import { settle, uncaught } from '../support/events.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { requireTool } from '../support/tools.ts'
import { watchPatience } from './outage-patience.ts'
import { lasting, TIMEOUT, until } from './outage-site.ts'
import { clusterClients } from './redis/clients.ts'

describe('outages of one node of a Cluster', { skip: requireTool('redis-server') }, () => {
  let cluster: RedisCluster
  before(async () => {
    cluster = await startRedisCluster()
  })
  after(() => cluster?.close())
  afterEach(() => assert.deepEqual(uncaught.splice(0), []))

  for (const [client, connect] of Object.entries(clusterClients)) {
    it(`are one outage, until that very node is back: ${client}`, async () => {
      const { options, close } = await connect(cluster.ports)
      const states: string[] = []
      const stop = onStoreChange(({ store, state }) => store === client && states.push(state))
      const root = redisStore(options)
      const guarded = new GuardedStore(root.scope(client), { root, name: client, timeout: TIMEOUT })
      const waits: number[] = []
      const ask = async (key: string) => {
        const at = performance.now()
        const { allowed } = await guarded.hit(key, lasting(5), at)
        waits.push(performance.now() - at)
        return allowed
      }
      // So many keys are on all of the nodes.
      const visit = () => Promise.all(Array.from({ length: 30 }, (_, i) => ask(`key-${i}`)))
      const patience = watchPatience()
      const frozen = cluster.nodes[1]
      try {
        await until('it decides', () => {
          void ask('first')
          return waits.length > 0 && states.at(-1) !== 'down'
        })
        await visit()
        states.length = 0
        frozen?.signal('SIGSTOP')
        const passed: boolean[][] = []
        for (let i = 0; i < 15; i++) {
          passed.push(await visit())
          await settle(100)
        }
        assert.deepEqual(states, ['down'])
        // Each key has had one of six, and has no more than the other five now.
        for (let key = 0; key < 30; key++) {
          const more = passed.filter(visited => visited[key]).length
          assert.ok(more >= 4 && more <= 5, `${more} of key ${key}`)
        }
        frozen?.signal('SIGCONT')
        await until('it is up', () => states.length > 1)
        const after = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(`after-${i % 3}`)))
        assert.equal(after.filter(Boolean).length, 18)
        assert.deepEqual(states, ['down', 'up'])
        const most = TIMEOUT + patience()
        assert.ok(Math.max(...waits) < most, `somebody waited for ${Math.max(...waits)} ms, not ${most}`)
      } finally {
        frozen?.signal('SIGCONT')
        stop()
        close()
      }
    })
  }
})
