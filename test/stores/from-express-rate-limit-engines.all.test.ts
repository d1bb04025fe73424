import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Store } from 'express-rate-limit'
import { Redis as IORedis } from 'ioredis'
import Client from 'memcached'
import { MemcachedStore } from 'rate-limit-memcached'
import { RedisStore, type SendCommandFn } from 'rate-limit-redis'
import { createClient } from 'redis'
import { fromExpressRateLimit, type RateLimitOptions, type Request, rateLimit } from '../../lib/index.ts'
import { root } from '../package/tree.ts'
import { brief, type Site, sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'
import { type Memcached, startMemcached } from '../support/memcached.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { requireTool } from '../support/tools.ts'

const site = sites()
/** Nothing is decided but by the engine, however busy the machine: a failure would be seen. */
const patient = { timeout: 5_000, onStoreError: 'drop' } as const

const limited = (store: Store, options: RateLimitOptions = { rate: '5r/m' }) =>
  site([rateLimit({ ...patient, ...options, store: fromExpressRateLimit(store) })])

async function ask(to: Site, count: number, headers: Record<string, string> = {}): Promise<string> {
  const seen: string[] = []
  for (let i = 0; i < count; i++) seen.push(brief(await to.ask('/', headers)).split(':')[0] as string)
  return seen.map(each => (each === 'pass' ? 'p' : each === 'rate-limited' ? 'r' : each)).join('')
}

/** What each engine has to do, with stores that share what they know. */
function behaves(newStore: (prefix: string) => Store): void {
  test('on the wire: two processes pass as many as one', async () => {
    const sitesOfOne = [await limited(newStore('wire:')), await limited(newStore('wire:'))] as const
    assert.equal(await ask(sitesOfOne[0], 3), 'ppp')
    assert.equal(await ask(sitesOfOne[1], 4), 'pprr')
    assert.equal(await ask(sitesOfOne[0], 2), 'rr')
    for (const { events } of sitesOfOne) for (const { detail } of events) assert.equal(detail, '127.0.0.1')
  })

  test('several limits and costs: who is rejected is charged by none', async () => {
    const limits = [{ rate: '4r/m', key: { header: 'X-Key' }, burst: 5, cost: 3 }, { rate: '7r/m' }]
    const to = await limited(newStore('several:'), { limits })
    assert.equal(await ask(to, 5, { 'X-Key': 'a' }), 'ppprr')
    // Three of seven are charged.
    assert.equal(await ask(to, 3, { 'X-Key': 'b' }), 'ppp')
    assert.equal(await ask(to, 3, { 'X-Key': 'c' }), 'prr')
  })

  test('any key: blanks, control characters, kilobytes', async () => {
    const odd = [
      'a b',
      'a\r\nb',
      'flush_all\r\n',
      'ä€',
      'x'.repeat(5_000),
      'x'.repeat(5_001),
      '\0',
      '*',
      '{a}',
    ]
    const key = ({ url }: Request) => odd[Number(url?.slice(1))] as string
    const to = await limited(newStore('keys:'), { rate: '1r/m', key })
    for (const [i] of odd.entries()) {
      assert.equal(brief(await to.ask(`/${i}`)), 'pass', odd[i])
      assert.equal(brief(await to.ask(`/${i}`)).split(':')[0], 'rate-limited', odd[i])
    }
    assert.deepEqual(
      to.events.map(({ reason }) => reason),
      Array(odd.length).fill('rate-limited'),
    )
  })

  test('a window of a second ends', async () => {
    const store = fromExpressRateLimit(newStore('second:'), { windowMs: 1_000, limit: 2 })
    const to = await site([rateLimit({ ...patient, store })])
    assert.equal(await ask(to, 4), 'pprr')
    // A second of Memcached's may be nearly two.
    await settle(2_100)
    assert.equal(await ask(to, 4), 'pprr')
  })
}

describe('rate-limit-redis', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let node: ReturnType<typeof createClient>
  let io: IORedis
  before(async () => {
    redis = await startRedis()
    node = createClient({ url: redis.url })
    node.on('error', () => {})
    await node.connect()
    io = new IORedis(redis.port, { host: '127.0.0.1' })
    io.on('error', () => {})
  })
  after(async () => {
    node.destroy()
    io.disconnect()
    await redis.close()
  })

  const senders: Record<string, SendCommandFn> = {
    'node-redis': (...command) => node.sendCommand(command),
    ioredis: (command, ...rest) => io.call(command, ...rest) as never,
  }
  for (const [name, sendCommand] of Object.entries(senders)) {
    describe(name, () => behaves(prefix => new RedisStore({ sendCommand, prefix: `${name}:${prefix}` })))
  }

  test('no server at start, and it works once there is one', async () => {
    let isUp = false
    const sendCommand: SendCommandFn = async (...command) => {
      if (!isUp) throw new Error('no server')
      return node.sendCommand(command)
    }
    const to = await limited(new RedisStore({ sendCommand, prefix: 'late:' }), {
      rate: '1r/m',
      onStoreError: 'drop',
    })
    assert.equal(brief(await to.ask()), 'store-down')
    isUp = true
    let outcome = 'store-down'
    for (let tries = 0; outcome === 'store-down' && tries < 100; tries++) {
      await settle(50)
      outcome = brief(await to.ask())
    }
    assert.equal(outcome, 'pass')
    assert.equal(await ask(to, 1), 'r')
  })
})

describe('rate-limit-memcached', { skip: requireTool('memcached') }, () => {
  let memcached: Memcached
  const clients: Client[] = []
  before(async () => {
    memcached = await startMemcached()
  })
  after(async () => {
    for (const client of clients) client.end()
    await memcached.close()
  })

  // The last one keeps a process alive; its types do not know it.
  const soon = {
    retries: 0,
    retry: 100,
    reconnect: 100,
    failures: 1_000,
    timeout: 500,
    failuresTimeout: 1_000,
  }
  const newStore = (prefix: string, { location } = memcached) => {
    const client = new Client(location, soon)
    clients.push(client)
    return new MemcachedStore({ prefix, client })
  }

  behaves(newStore)

  test('killed in the middle: no request hangs; back again it counts', async () => {
    const own = await startMemcached()
    const store = newStore('own:', own)
    const to = await limited(store, { rate: '5r/m', timeout: 300, onStoreError: 'memory' })
    assert.equal(await ask(to, 3), 'ppp')
    own.signal('SIGKILL')
    const started = performance.now()
    // This process goes on where it was: a bucket, which has no more for a second than the rate.
    assert.match(await ask(to, 10), /^p?r+$/)
    assert.ok(performance.now() - started < 5_000)
    await own.close()
    const again = await startMemcached(own.port)
    try {
      let seen = ''
      for (let tries = 0; !seen.startsWith('pp') && tries < 100; tries++) {
        await settle(100)
        seen = await ask(to, 2)
      }
      assert.match(seen, /^pp/)
    } finally {
      await again.close()
    }
  })

  test('frozen: no request waits longer than the timeout', async () => {
    const own = await startMemcached()
    const store = newStore('own:', own)
    const to = await limited(store, { rate: '5r/m', timeout: 100, onStoreError: 'pass' })
    try {
      assert.equal(await ask(to, 6), 'pppppr')
      own.signal('SIGSTOP')
      const started = performance.now()
      assert.equal(await ask(to, 5), 'ppppp')
      assert.ok(performance.now() - started < 3_000)
    } finally {
      await own.close()
    }
  })
})

test('cluster-memory-store: two workers pass as many as one process', () => {
  const child = fileURLToPath(new URL('cluster-memory-child.ts', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', child], {
    cwd: root,
    encoding: 'utf8',
    timeout: 30_000,
  })
  assert.equal(status, 0, stderr)
  const [one = 0, other = 0] = JSON.parse(stdout) as number[]
  assert.equal(one + other, 5)
})
