import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type RateLimitOptions, rateLimit } from '../../../lib/index.ts'
import { redisStore, type SendCommand } from '../../../lib/redis.ts'
import { collectDrops } from '../../support/events.ts'
import { exchange, get } from '../../support/raw-client.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { type RunningServer, start } from '../../support/servers.ts'
import { requireTool } from '../../support/tools.ts'
import { type Client, connectNodeRedis } from './clients.ts'
import { type Spy, spyOn } from './spy.ts'

describe('rateLimit with redisStore, on two servers', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let client: Client
  let spy: Spy
  let servers: RunningServer[] = []
  const drops = collectDrops()

  before(async () => {
    redis = await startRedis()
    client = await connectNodeRedis([redis.port])
  })
  after(async () => {
    drops.stop()
    client?.close()
    await redis?.close()
  })
  beforeEach(() => {
    redis.cli('flushall')
    drops.events.length = 0
    spy = spyOn(client.options.sendCommand as SendCommand)
  })

  /** Each has a store, and so a memory, of its own. */
  async function withServers(options: RateLimitOptions, use: () => Promise<void>): Promise<void> {
    const one = () =>
      start(
        { server: 'http', app: 'express5' },
        // What a busy machine takes its time for is no outage.
        [rateLimit({ timeout: 5000, ...options, store: redisStore({ sendCommand: spy.sendCommand }) })],
        (_req, res) => res.end('served'),
      )
    servers = [await one(), await one()]
    try {
      await use()
    } finally {
      await Promise.all(servers.map(server => server.close()))
    }
  }

  async function ask(count: number, headers: Record<string, string> = {}): Promise<number> {
    const bytes = get('/', { Connection: 'close', ...headers })
    const port = (i: number) => (servers[i % 2] as RunningServer).port
    const wires = await Promise.all(
      Array.from({ length: count }, (_, i) => exchange({ port: port(i) }, bytes)),
    )
    const served = wires.filter(({ wireBytes }) => wireBytes > 0)
    for (const { data } of served) assert.match(String(data), /served/)
    return served.length
  }

  test('together they let through what one would, and the rest gets no byte', async () => {
    await withServers({ name: 'site', rate: '1r/m', burst: 3 }, async () => {
      assert.equal(await ask(20), 4)
      assert.equal(drops.events.length, 16)
      for (const { action, reason, detail } of drops.events) {
        assert.deepEqual([action, reason, detail], ['close', 'rate-limited', '127.0.0.1'])
      }
      assert.equal(redis.cli('keys', '*'), 'drop444:site:16:{127.0.0.1}')
      // Each server learns of it at most once, and then needs no Redis.
      await ask(4)
      spy.names()
      assert.equal(await ask(10), 0)
      assert.deepEqual(spy.names(), [])
    })
  })

  test('several limits, by address and by key, and a cost', async () => {
    const limits = [
      { rate: '1r/m', burst: 9 },
      { rate: '1r/h', burst: 4, key: { header: 'x-api-key' }, cost: 2 },
    ]
    await withServers({ name: 'api', limits }, async () => {
      assert.equal(await ask(6, { 'X-Api-Key': 'one' }), 2)
      assert.equal(await ask(6, { 'X-Api-Key': 'two' }), 2)
      assert.equal(redis.cli('get', 'drop444:api:16:{127.0.0.1}').split(' ')[0]?.length, 4, 'about 3000')
      assert.ok(!redis.cli('keys', '*').includes('one'), 'a secret is not there')
      assert.equal(await ask(20, {}), 2, 'without a key the address is counted: burst of 4, at 2 each')
    })
  })

  test('429 says when, also from memory', async () => {
    await withServers({ name: 'login', rate: '1r/m', status: 429 }, async () => {
      await ask(1)
      const [{ port }] = servers as [RunningServer]
      for (let i = 0; i < 3; i++) {
        const { data } = await exchange({ port }, get('/', { Connection: 'close' }))
        assert.match(String(data), /^HTTP\/1\.1 429 /)
        const [, seconds] = /^Retry-After: (\d+)\r$/m.exec(String(data)) ?? []
        assert.ok(Number(seconds) > 30 && Number(seconds) <= 63, String(seconds))
      }
    })
  })
})
