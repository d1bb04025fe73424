import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { Cluster, Redis as IoRedis } from 'ioredis'
import { onStoreChange } from '../../../lib/events/store-outages.ts'
import { onDrop, rateLimit } from '../../../lib/index.ts'
import { redisStore } from '../../../lib/redis.ts'
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.ts'
import { settle, uncaught } from '../../support/events.ts'
import { judge } from '../../support/judge.ts'
import { type Program, startProgram } from '../../support/program.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { requireTool } from '../../support/tools.ts'
import { bucket } from '../contract.ts'
import { sentinelClients } from '../outage-clients.ts'
import { type Client, clients, clusterClients } from './clients.ts'

const limit = bucket(0.01, 1_000)
const KEY = 'drop444:10:{a}'
const CUTS = 5

/** How often a key was counted that was counted once before: the state says one less. */
const countOf = (redis: Redis) => Math.round(Number(redis.cli('GET', KEY).split(' ')[0]) / 1000) + 1

/** Asks a few times, each answer lost with its connection; how often each was counted. */
async function cutOff(
  client: Client,
  proxy: CuttingProxy,
  redis: Redis,
): Promise<{ asked: number; counted: number }> {
  const store = redisStore(client.options)
  await store.hit('a', limit, 0)
  let asked = 1
  for (let i = 0; i < CUTS; i++) {
    const cuts = proxy.cuts
    proxy.cut(KEY)
    // Some clients never say what came of it.
    void Promise.resolve(store.hit('a', limit, 0)).catch(() => {})
    asked++
    for (let tries = 0; proxy.cuts === cuts && tries < 200; tries++) await settle(10)
    assert.equal(proxy.cuts, cuts + 1)
    // It is back, and answers; what it would send again it has sent before.
    for (let tries = 0; ; tries++) {
      const counted = countOf(redis)
      const back = await Promise.race([Promise.resolve(store.hit('a', limit, 0)), settle(2_000)]).catch(
        () => undefined,
      )
      if (back) break
      assert.ok(tries < 20, 'it is not back')
      // That one may have been lost too, before it was sent or after.
      asked += countOf(redis) - counted
      await settle(50)
    }
    asked++
  }
  return { asked, counted: countOf(redis) }
}

describe('a connection that is cut before the answer', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let proxy: CuttingProxy
  before(async () => {
    redis = await startRedis()
    proxy = await startCuttingProxy(redis.port)
  })
  afterEach(() => {
    redis.cli('FLUSHALL')
    assert.deepEqual(uncaught.splice(0), [])
  })
  after(async () => {
    await proxy?.close()
    await redis?.close()
  })

  for (const [name, connect] of Object.entries(clients)) {
    it(`has nothing counted twice: ${name}`, async () => {
      const client = await connect([proxy.port])
      try {
        const { asked, counted } = await cutOff(client, proxy, redis)
        assert.equal(counted, asked)
      } finally {
        client.close()
      }
    })
  }

  it('has it counted twice by an ioredis that sends again, which is its default', async () => {
    const client = new IoRedis(proxy.port).on('error', () => {})
    const options = { sendCommand: (command: string, ...args: string[]) => client.call(command, ...args) }
    try {
      const { asked, counted } = await cutOff({ options, close: () => {} }, proxy, redis)
      assert.ok(counted > asked, `${counted} of ${asked}`)
    } finally {
      client.disconnect()
    }
  })

  for (const [name, connect] of Object.entries(clients)) {
    it(`has onStoreError decide on what was in flight: ${name}`, async () => {
      const client = await connect([proxy.port])
      const events: string[] = []
      const stop = onStoreChange(({ state }) => void events.push(state))
      try {
        const store = redisStore({ ...client.options, timeout: 300 })
        const passed: boolean[] = []
        const rule = rateLimit({
          name: 'cut',
          rate: '1r/d',
          burst: 9,
          key: () => 'a',
          store,
          onStoreError: 'drop',
        })
        const ask = async () => {
          let isDropped = false
          const pending = judge(rule).then(() => isDropped)
          const end = onDrop(() => {
            isDropped = true
          })
          passed.push(!(await pending))
          end()
        }
        await ask()
        proxy.cut('drop444:cut:')
        await ask()
        assert.deepEqual(passed, [true, false])
        for (let tries = 0; events.length < 2 && tries < 300; tries++) await settle(20)
        assert.deepEqual(events, ['down', 'up'])
        await ask()
        assert.equal(passed[2], true)
      } finally {
        stop()
        client.close()
      }
    })
  }

  describe('by a Sentinel', () => {
    let sentinel: Program
    before(async () => {
      sentinel = await startProgram({
        tool: 'redis-server',
        args: ({ directory }) => [`${directory}/sentinel.conf`, '--sentinel'],
        files: ({ port }) => ({
          'sentinel.conf': `port ${port}\nbind 127.0.0.1\nsentinel monitor fleet 127.0.0.1 ${proxy.port} 1\n`,
        }),
      })
    })
    after(() => sentinel?.close())

    for (const [name, connect] of Object.entries(sentinelClients)) {
      it(`has nothing counted twice: ${name}`, async () => {
        const { send, close } = connect(sentinel.port, 'fleet')
        try {
          const { asked, counted } = await cutOff({ options: { sendCommand: send }, close }, proxy, redis)
          assert.equal(counted, asked)
        } finally {
          close()
        }
      })
    }
  })
})

describe('a connection of a Cluster that is cut before the answer', {
  skip: requireTool('redis-server'),
}, () => {
  let cluster: RedisCluster
  let proxies: CuttingProxy[] = []
  before(async () => {
    cluster = await startRedisCluster()
    proxies = await Promise.all(cluster.ports.map(startCuttingProxy))
    for (const [i, node] of cluster.nodes.entries())
      node.cli('CONFIG', 'SET', 'cluster-announce-port', String(proxies[i]?.port))
    const ours = proxies.map(({ port }) => String(port))
    const isKnown = () =>
      cluster.nodes.every(node => ours.every(port => node.cli('CLUSTER', 'NODES').includes(`:${port}@`)))
    for (let tries = 0; !isKnown() && tries < 200; tries++) await settle(50)
    assert.ok(isKnown())
  })
  afterEach(() => {
    for (const node of cluster.nodes) node.cli('FLUSHALL')
    assert.deepEqual(uncaught.splice(0), [])
  })
  after(async () => {
    for (const proxy of proxies) await proxy.close()
    await cluster?.close()
  })

  const cutNode = (client: Client) => {
    const node = cluster.nodeOf(KEY)
    return cutOff(client, proxies[cluster.nodes.indexOf(node)] as CuttingProxy, node)
  }

  for (const [name, connect] of Object.entries(clusterClients)) {
    it(`has nothing counted twice: ${name}`, async () => {
      const client = await connect(proxies.map(({ port }) => port))
      try {
        const { asked, counted } = await cutNode(client)
        assert.equal(counted, asked)
      } finally {
        client.close()
      }
    })
  }

  it('has it counted twice by a Cluster of ioredis that sends again, which is its default', async () => {
    const client = new Cluster(proxies.map(({ port }) => ({ host: '127.0.0.1', port }))).on('error', () => {})
    const options = { sendCommand: (command: string, ...args: string[]) => client.call(command, ...args) }
    try {
      const { asked, counted } = await cutNode({ options, close: () => {} })
      assert.ok(counted > asked, `${counted} of ${asked}`)
    } finally {
      client.disconnect()
    }
  })
})
