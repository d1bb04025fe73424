import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type RedisStore, redisStore, type SendCommand } from '../../../lib/redis.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { requireTool } from '../../support/tools.ts'
import { bucket } from '../contract.ts'
import { type Client, connectNodeRedis } from './clients.ts'
import { type Spy, spyOn } from './spy.ts'

const limit = bucket(1, 1000)
const tight = bucket(0.1, 0)

describe('what goes to Redis, and what stays there', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let client: Client
  let spy: Spy
  let store: RedisStore

  before(async () => {
    redis = await startRedis()
    client = await connectNodeRedis([redis.port])
  })
  after(async () => {
    client?.close()
    await redis?.close()
  })
  beforeEach(async () => {
    redis.cli('flushall')
    spy = spyOn(client.options.sendCommand as SendCommand)
    store = redisStore({ sendCommand: spy.sendCommand })
    // Redis knows the script from here on.
    await store.hit('first', limit, 0)
    spy.names()
  })

  const hits = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => store.hit(`k${i}`, limit, 0)))

  test('one decision is one round trip', async () => {
    await store.hit('a', limit, 0)
    assert.deepEqual(spy.names(), ['EVALSHA'])
    await store.hitAll(
      [limit, tight, bucket(3, 3)].map(bucket => ({ key: 'a', bucket })),
      0,
    )
    assert.deepEqual(spy.names(), ['EVALSHA'])
  })

  test('the decisions of a tick are one call, of whatever limits and scopes', async () => {
    await hits(100)
    assert.deepEqual(spy.names(), ['EVALSHA'])
    const other = store.scope('other')
    await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => store.hit(`a${i}`, limit, 0, (i % 3) + 1)),
      ...Array.from({ length: 20 }, (_, i) => other.hit(`a${i}`, tight, 0)),
      store.hitAll(
        [limit, tight].map(bucket => ({ key: 'b', bucket })),
        0,
      ),
    ])
    assert.deepEqual(spy.names(), ['EVALSHA'])
  })

  test('at most 128 keys a call', async () => {
    await hits(300)
    assert.deepEqual(spy.names(), ['EVALSHA', 'EVALSHA', 'EVALSHA'])
    for (const [, , keys] of spy.sent) assert.ok(Number(keys) <= 128, keys)
  })

  test('one that is alone for long goes at once', async () => {
    for (let i = 0; i < 20; i++) await store.hit(`a${i}`, limit, 0)
    spy.names()
    const decision = store.hit('b', limit, 0)
    assert.deepEqual(spy.names(), ['EVALSHA'])
    await Promise.all([decision, hits(50)])
    assert.deepEqual(spy.names(), ['EVALSHA'], 'and those that come meanwhile go together')
  })

  test('a flood from one key costs no round trip, whatever its cost', async () => {
    await store.hit('a', tight, 0)
    const { retryAfter } = await store.hit('a', tight, 0)
    spy.names()
    for (let i = 0; i < 1000; i++) {
      const decision = store.hit('a', i % 2 ? tight : bucket(0.1, 2), 0, i % 2 ? 1 : 3)
      assert.ok(!(decision instanceof Promise))
      assert.equal(decision.allowed, false)
      assert.ok(decision.retryAfter > 0 && decision.retryAfter <= retryAfter, String(decision.retryAfter))
    }
    assert.deepEqual(spy.names(), [])
    assert.equal((await store.hit('b', tight, 0)).allowed, true, 'of that key')
  })

  test('who has more room is asked for, though less was rejected', async () => {
    const wide = bucket(0.1, 5)
    await store.hit('a', wide, 0, 4)
    assert.equal((await store.hit('a', wide, 0, 4)).allowed, false)
    assert.equal((await store.hit('a', wide, 0, 1)).allowed, true)
    assert.equal((await store.hit('a', wide, 0, 4)).allowed, false)
  })

  test('several limits: what one rejects is known of it alone', async () => {
    const all = (...keys: string[]) =>
      store.hitAll(
        keys.map((key, i) => ({ key, bucket: i ? tight : limit })),
        0,
      )
    await all('a', 'b')
    assert.deepEqual((await all('a', 'b')).limit, 1)
    spy.names()
    const known = all('c', 'b')
    assert.ok(!(known instanceof Promise))
    assert.deepEqual([known.allowed, known.limit], [false, 1])
    assert.equal((await all('a', 'd')).allowed, true)
  })

  test('once it can pass again Redis is asked', async () => {
    const quick = bucket(2, 0)
    await store.hit('a', quick, 0)
    const { allowed, retryAfter } = await store.hit('a', quick, 0)
    assert.equal(allowed, false)
    await pause(retryAfter + 2)
    assert.equal((await store.hit('a', quick, 0)).allowed, true)
  })

  test('what is rejected writes nothing', async () => {
    const key = 'drop444:100:{a}'
    await store.hit('a', tight, 0)
    const before = [redis.cli('get', key), redis.cli('pexpiretime', key)]
    const writes = () => /cmdstat_set:calls=(\d+)/.exec(redis.cli('info', 'commandstats'))?.[1]
    const count = writes()
    // Each of a process of its own: the first one knows.
    for (let i = 0; i < 5; i++) {
      const other = redisStore({ sendCommand: spy.sendCommand })
      assert.equal((await other.hit('a', tight, 0)).allowed, false)
      const several = [limit, tight].map(bucket => ({ key: 'a', bucket }))
      assert.equal((await redisStore({ sendCommand: spy.sendCommand }).hitAll(several, 0)).allowed, false)
    }
    assert.equal(writes(), count)
    assert.deepEqual([redis.cli('get', key), redis.cli('pexpiretime', key)], before)
    assert.deepEqual(redis.cli('keys', '*').split('\n').sort(), ['drop444:1000:{first}', key])
  })

  test('keys go when they are as good as new, and not before', async () => {
    await Promise.all([1, 2, 3].map(() => store.hit('a', bucket(4, 5), 0)))
    const left = Number(await client.options.sendCommand?.('PTTL', 'drop444:4000:{a}'))
    assert.ok(left <= 750 && left > 0, `${left} ms for three requests at 4r/s`)
    await pause(left + 20)
    assert.equal(redis.cli('exists', 'drop444:4000:{a}'), '0')
    await store.hit('day', { ...tight, rate: 1000 / 86_400 }, 0)
    const day = Number(redis.cli('pttl', `drop444:${1000 / 86_400}:{day}`))
    assert.ok(day > 86_390_000 && day <= 86_400_001, String(day))
    // Where Redis's clock was set back, as of now.
    const future = Date.now() + 30_000
    redis.cli('set', 'drop444:10000:{b}', `0 ${future}`)
    await store.hit('b', bucket(10, 5), 0)
    const late = Number(redis.cli('pttl', 'drop444:10000:{b}'))
    assert.ok(late > 0 && late <= 200, String(late))
  })

  test('a script that Redis forgot is sent once more, and only then', async () => {
    redis.cli('script', 'flush')
    assert.deepEqual(
      (await hits(50)).map(({ allowed }) => allowed),
      Array(50).fill(true),
    )
    assert.deepEqual(spy.names(), ['EVALSHA', 'EVAL'])
    await hits(50)
    assert.deepEqual(spy.names(), ['EVALSHA'])
    redis.cli('set', 'drop444:1000:{k0}', 'nonsense')
    redis.cli('del', 'drop444:1000:{k1}')
    redis.cli('lpush', 'drop444:1000:{k1}', 'a list')
    assert.equal((await store.hit('k0', limit, 0)).allowed, true)
    await assert.rejects(async () => store.hit('k1', limit, 0), /WRONGTYPE/)
    assert.deepEqual(spy.names(), ['EVALSHA', 'EVALSHA'])
  })

  test('keys: the prefix, the name of the rule, the rate and the client', async () => {
    const rule = redisStore({ sendCommand: spy.sendCommand, prefix: 'app:' }).scope('login')
    await rule.hit('192.0.2.1', limit, 0)
    await rule.hit('x-api-key secret', limit, 0)
    await rule.hitAll(
      [
        { key: 'a', bucket: limit },
        { key: 'a', bucket: { ...limit, burst: 0 } },
      ],
      0,
    )
    const keys = redis.cli('keys', 'app:*').split('\n').sort()
    assert.equal(keys.length, 4)
    assert.match(keys[0] as string, /^app:login:1000:\{#[\w-]{43}\}$/)
    assert.deepEqual(keys.slice(1), [
      'app:login:1000:{192.0.2.1}',
      'app:login:1000:{a}',
      'app:login:1000:{a}1',
    ])
  })

  test('probe writes what is gone at once, and fails where Redis can only be read', async () => {
    await store.probe()
    assert.deepEqual(spy.names(), ['EVALSHA'])
    const failing = /READONLY|OOM/
    redis.cli('replicaof', '127.0.0.1', '1')
    redis.cli('config', 'set', 'replica-serve-stale-data', 'yes')
    await assert.rejects(store.probe(), failing)
    redis.cli('replicaof', 'no', 'one')
    await store.probe()
    redis.cli('config', 'set', 'maxmemory', '1')
    await assert.rejects(store.probe(), failing)
    await assert.rejects(async () => store.hit('a', limit, 0), failing)
    redis.cli('config', 'set', 'maxmemory', '0')
    await store.probe()
    await pause(10)
    assert.deepEqual(redis.cli('keys', '*probe*'), '')
  })
})
