import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type RedisStore, redisStore, type SendCommand } from '../../../lib/redis.ts'
import { slotOf } from '../../../lib/stores/redis/cluster-slot.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { requireTool } from '../../support/tools.ts'
import { bucket } from '../contract.ts'
import { type Client, clusterClients } from './clients.ts'
import { type Spy, spyOn } from './spy.ts'

const limit = bucket(0.01, 10)
const tight = bucket(0.02, 0)

describe('a Redis Cluster', { skip: requireTool('redis-server') }, () => {
  let cluster: RedisCluster
  const open: Client[] = []
  before(async () => {
    cluster = await startRedisCluster()
  })
  after(async () => {
    for (const client of open) client.close()
    await cluster?.close()
  })

  /** Over a client that does not tell that there is a Cluster. */
  async function unaware(prefix: string): Promise<{ spy: Spy; store: RedisStore }> {
    const client = await (clusterClients['ioredis Cluster'] as NonNullable<(typeof clusterClients)[string]>)(
      cluster.ports,
    )
    open.push(client)
    const spy = spyOn(client.options.sendCommand as SendCommand)
    return { spy, store: redisStore({ sendCommand: spy.sendCommand, prefix }) }
  }

  test('slots are those of the servers', () => {
    for (const key of ['a', '192.0.2.1', '2001:db8::', 'x/y@z_-.', '#Zm9v-_', '1234567890'.repeat(6)]) {
      const name = `drop444:rateLimit:1000:{${key}}:more`
      assert.equal(slotOf(name), Number(cluster.nodes[0]?.cli('cluster', 'keyslot', name)))
    }
  })

  test('all limits of one client are one round trip', async () => {
    const { spy, store } = await unaware('one:')
    await store.hit('warm', limit, 0)
    spy.names()
    const several = [limit, tight, bucket(3, 3)].map(bucket => ({ key: '192.0.2.1', bucket }))
    assert.equal((await store.hitAll(several, 0)).allowed, true)
    assert.ok(spy.names().length <= 2, 'one, and NOSCRIPT of that node')
    await store.hitAll([{ key: '192.0.2.1', bucket: limit }], 0)
    assert.deepEqual(spy.names(), ['EVALSHA'])
  })

  test('that it is one is learnt from a reply, and nothing counts twice', async () => {
    const { spy, store } = await unaware('learn:')
    const all = () => Promise.all(Array.from({ length: 60 }, (_, i) => store.hit(`k${i % 20}`, limit, 0)))
    for (const { allowed } of await all()) assert.equal(allowed, true)
    const keys = Array.from({ length: 20 }, (_, i) => `learn:10:{k${i}}`)
    for (const key of keys)
      assert.match(cluster.nodeOf(key).cli('get', key), /^(2000|19\d\d) /, 'three requests')
    await all()
    spy.names()
    await all()
    assert.equal(spy.names().length, new Set(keys.map(slotOf)).size, 'one call a slot from then on')
    assert.match(cluster.nodeOf(keys[0] as string).cli('get', keys[0] as string), /^(8000|79\d\d) /)
  })

  test('limits in several slots: asked, then counted, and if one rejects none counts', async () => {
    const { spy, store } = await unaware('torn:')
    const hits = [
      { key: '192.0.2.1', bucket: limit },
      { key: 'somebody else', bucket: tight },
      { key: '192.0.2.1', bucket: bucket(0.01, 5), cost: 2 },
    ]
    assert.deepEqual(await store.hitAll(hits, 0), { allowed: true, delay: 0, retryAfter: 0, limit: 0 })
    assert.equal((await store.hitAll([hits[1] as (typeof hits)[0]], 0)).allowed, false)
    // Of one that does not know: what rejects is asked.
    const other = await unaware('torn:')
    for (let i = 0; i < 3; i++) {
      const { allowed, limit: place } = await other.store.hitAll(hits, 0)
      assert.deepEqual([allowed, place], [false, 1])
    }
    const [plain, second] = ['torn:10:{192.0.2.1}', 'torn:10:{192.0.2.1}2']
    assert.match(cluster.nodeOf(plain).cli('get', plain), /^0 /)
    assert.match(cluster.nodeOf(second).cli('get', second), /^(1000|9\d\d) /)
    spy.names()
    assert.equal(
      (await store.hitAll([hits[0], { ...hits[1], key: 'a third' }] as typeof hits, 0)).allowed,
      true,
    )
    assert.equal(spy.names().filter(name => name === 'EVALSHA').length, 4, 'two trips, of two nodes each')
  })

  test('what is asked at once is counted by each limit, though they are in several slots', async () => {
    const { store } = await unaware('rush:')
    const hits = (i: number) => [
      { key: `address-${i}`, bucket: limit },
      { key: 'network', bucket: bucket(0.01, 9) },
    ]
    const decisions = await Promise.all(Array.from({ length: 40 }, (_, i) => store.hitAll(hits(i), 0)))
    assert.equal(decisions.filter(({ allowed }) => allowed).length, 10)
  })

  test('probe asks the node that failed', async () => {
    const { spy, store } = await unaware('probe:')
    const node = cluster.nodes[1] as RedisCluster['nodes'][0]
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
    const [there = '', elsewhere = ''] = [true, false].map(isThere =>
      keys.find(key => (cluster.nodeOf(`probe:10:{${key}}`) === node) === isThere),
    )
    node.cli('config', 'set', 'maxmemory', '1')
    try {
      await store.hit(elsewhere, limit, 0)
      await assert.rejects(async () => store.hit(there, limit, 0), /OOM/)
      await assert.rejects(store.probe(), /OOM/)
    } finally {
      node.cli('config', 'set', 'maxmemory', '0')
    }
    await store.probe()
    assert.ok(spy.sent.at(-1)?.includes(`probe:probe:{${there}}`))
  })
})
