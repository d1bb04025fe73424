import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { onDrop, onStoreChange, type RepeatOffender, rateLimit, repeatOffender } from '../../../lib/index.ts'
import { redisStore } from '../../../lib/redis.ts'
import { settle } from '../../support/events.ts'
import { judge } from '../../support/judge.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { requireTool } from '../../support/tools.ts'
import { type Client, connectNodeRedis } from './clients.ts'

const BASE = 'drop444:{offenders}:repeatOffender:'
const limitKey = (address: string) => `drop444:site:1000:{${address}}`

describe('what stands under a key and is not ours', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let client: Client
  const events: string[] = []
  const warnings: (Error & { code?: string })[] = []
  const open: RepeatOffender[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  let ends: (() => void)[]
  before(async () => {
    redis = await startRedis()
    client = await connectNodeRedis([redis.port])
    process.on('warning', onWarning)
    ends = [
      onStoreChange(({ state, error }) => void events.push(`${state} ${error?.message}`)),
      onDrop(() => {}),
    ]
  })
  after(async () => {
    for (const end of ends) end()
    process.off('warning', onWarning)
    client?.close()
    await redis?.close()
  })
  beforeEach(() => redis.cli('FLUSHALL'))
  afterEach(() => {
    for (const offenders of open.splice(0)) offenders.close()
    assert.deepEqual(events.splice(0), [], 'no outage')
  })

  const storeOf = () => redisStore({ ...client.options, timeout: 2_000 })
  const foreign: [type: string, put: (key: string) => unknown][] = [
    ['list', key => redis.cli('RPUSH', key, 'mine')],
    ['hash', key => redis.cli('HSET', key, 'a', 'mine')],
    ['set', key => redis.cli('SADD', key, 'mine')],
    ['zset', key => redis.cli('ZADD', key, '1', 'mine')],
    ['stream', key => redis.cli('XADD', key, '*', 'a', 'mine')],
  ]

  const passes = async (limit: ReturnType<typeof rateLimit>, address: string) => {
    let isDropped = false
    const end = onDrop(() => {
      isDropped = true
    })
    await judge(limit, {}, address)
    end()
    return !isDropped
  }

  for (const [type, put] of foreign) {
    test(`a limit's key that is a ${type} is left alone, and costs itself alone`, async () => {
      put(limitKey('192.0.2.1'))
      const dump = redis.cli('DUMP', limitKey('192.0.2.1'))
      const store = storeOf()
      const limit = rateLimit({ name: 'site', rate: '1r/s', store, onStoreError: 'drop' })
      assert.equal(await passes(limit, '192.0.2.1'), false)
      assert.equal(await passes(limit, '192.0.2.2'), true)
      // All that is asked in one tick, in one call.
      const asked = ['3', '1', '4', '1', '5'].map(last =>
        store.scope('site').hit(`192.0.2.${last}`, { rate: 1000, burst: 0, delay: 0 }, 0),
      )
      const results = await Promise.allSettled(asked)
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      )
      const memory = rateLimit({ name: 'site', rate: '1r/s', burst: 1, store })
      assert.deepEqual(
        [
          await passes(memory, '192.0.2.1'),
          await passes(memory, '192.0.2.1'),
          await passes(memory, '192.0.2.1'),
        ],
        [true, true, false],
      )
      assert.equal(redis.cli('DUMP', limitKey('192.0.2.1')), dump)
    })
  }

  test('of several limits, none counts where the key of one is of another type', async () => {
    redis.cli('RPUSH', 'drop444:site:2000:{192.0.2.1}', 'mine')
    const store = storeOf()
    const limits = [
      { rate: '1r/s', burst: 3 },
      { rate: '2r/s', burst: 9 },
    ]
    const limit = rateLimit({ name: 'site', limits, store, onStoreError: 'drop' })
    assert.equal(await passes(limit, '192.0.2.1'), false)
    assert.equal(redis.cli('EXISTS', limitKey('192.0.2.1')), '0')
    await store.probe(['192.0.2.1'])
    redis.cli('RPUSH', 'drop444:probe:{a}', 'mine')
    await store.probe(['a'])
    assert.equal(redis.cli('TYPE', 'drop444:probe:{a}'), 'list')
  })

  const damaged = [
    ...[
      'nonsense',
      '',
      '5',
      '-5 3',
      '5 -3',
      'nan nan',
      'inf 1',
      '1 2 3',
      '1e20 5',
      '1.5 3',
      '0x10 5',
      ' 1 2',
      '1  2',
      '1 2\n',
    ],
    ...[
      '999999999999999999999 5',
      '5 99999999999999999999999',
      '1'.repeat(100_000),
      '\u0001',
      '9007199254740993 1',
    ],
  ]
  for (const value of damaged) {
    test(`a limit's value that is ${JSON.stringify(value.slice(0, 30))} is overwritten`, async () => {
      redis.cli('SET', limitKey('192.0.2.1'), value)
      const limit = rateLimit({
        name: 'site',
        rate: '1r/s',
        burst: 1,
        store: storeOf(),
        onStoreError: 'drop',
      })
      assert.equal(await passes(limit, '192.0.2.1'), true)
      assert.match(redis.cli('GET', limitKey('192.0.2.1')), /^0 \d{13}$/)
      assert.ok(Number(redis.cli('PTTL', limitKey('192.0.2.1'))) > 0)
      assert.deepEqual([await passes(limit, '192.0.2.1'), await passes(limit, '192.0.2.1')], [true, false])
    })
  }

  const offendersOf = async () => {
    const offenders = repeatOffender({ store: storeOf(), limit: 1 })
    open.push(offenders)
    await offenders.flush()
    return offenders
  }
  const known = () => redis.cli('HGETALL', `${BASE}bans`)

  for (const value of [
    ...[
      'nonsense',
      '',
      '1 2 3',
      '1 1 1 1',
      '1 1 x 1 y',
      'nan nan nan nan x',
      '1e20 1 1 1 x',
      '-1 -1 -1 -1 x',
    ],
    ...['99999999999999999999 1 1 1 x', '1 99999999999999999999 1 1 x', '1 1 1 99999 x', 'x'.repeat(100_000)],
  ]) {
    test(`a ban that is ${JSON.stringify(value.slice(0, 30))} in Redis is none, and is overwritten`, async () => {
      const first = await offendersOf()
      first.ban('192.0.2.1')
      first.ban('192.0.2.2')
      await first.flush()
      redis.cli('HSET', `${BASE}bans`, '192.0.2.1', value)
      const second = await offendersOf()
      assert.deepEqual(
        second.list().map(({ address }) => address),
        ['192.0.2.2'],
      )
      second.ban('192.0.2.1', { reason: 'again' })
      await second.flush()
      await first.flush()
      assert.match(known(), /192\.0\.2\.1\n\d+ \d+ \d+ \d+ again/)
      assert.equal(first.list().length, 2)
    })
  }

  test('a ban in Redis until the year that no date has ends in 200 years', async () => {
    const first = await offendersOf()
    first.ban('192.0.2.1')
    await first.flush()
    redis.cli('HSET', `${BASE}bans`, '192.0.2.1', '1 1 100000000000000000000 1 x')
    const second = await offendersOf()
    const [ban] = second.list()
    assert.match(new Date(ban?.until ?? Number.NaN).toISOString(), /^22\d\d-/)
    assert.equal(await passes(second as never, '192.0.2.1'), false)
    assert.equal(second.lift('192.0.2.1'), true)
    await second.flush()
    assert.match(known(), /lifted/)
  })

  for (const value of [
    'nonsense',
    '99999999999999999999 5',
    '5 99999999999999999999999',
    '7 5 99999999999999999999',
    '',
    '-1 5',
  ]) {
    test(`a sequence number that is ${JSON.stringify(value)} begins anew, and no ban is lost`, async () => {
      const first = await offendersOf()
      first.ban('192.0.2.1')
      await first.flush()
      redis.cli('SET', `${BASE}seq`, value)
      for (let i = 0; i < 3; i++) await first.flush()
      assert.match(redis.cli('GET', `${BASE}seq`), /^\d{16} \d{16}$/)
      const second = await offendersOf()
      const [ban] = second.list()
      assert.ok(ban && Math.abs(ban.until - Date.now() - 600_000) < 60_000, JSON.stringify(ban))
      // It is not told again and again.
      const before = redis.cli('GET', `${BASE}seq`)
      for (let i = 0; i < 3; i++) await first.flush()
      assert.equal(redis.cli('GET', `${BASE}seq`), before)
    })
  }

  test('scores that are none of ours spoil nothing', async () => {
    const first = await offendersOf()
    first.ban('192.0.2.1')
    await first.flush()
    for (const set of ['changes', 'forgets', 'ends'])
      redis.cli('ZADD', `${BASE}${set}`, 'inf', '192.0.2.1', 'inf', 'x', '-inf', 'y', '1e300', 'z', '-1', 'w')
    first.ban('192.0.2.2')
    await first.flush()
    assert.ok(Number(redis.cli('PTTL', `${BASE}bans`)) > 60_000)
    const second = await offendersOf()
    assert.equal(second.list().length, 2)
    second.lift('192.0.2.1')
    await second.flush()
    await first.flush()
    assert.deepEqual(
      first.list().map(({ address }) => address),
      ['192.0.2.2'],
    )
  })

  const fail = async (offenders: RepeatOffender, times: number) => {
    for (let i = 0; i < times; i++) {
      // Three drops in different processes are offences of one address: told to Redis alone.
      await offenders.flush()
      await judgeDrop()
    }
    await offenders.flush()
  }
  const judgeDrop = () => judge(rateLimitOfNone, {}, '192.0.2.9')
  const rateLimitOfNone = rateLimit({ name: 'none', rate: '1r/d', key: () => 'all' })

  test("offences: a damaged list is begun anew, somebody else's key is left alone", async () => {
    await judgeDrop()
    const offenders = repeatOffender({
      store: storeOf(),
      limit: 2,
      countLimited: true,
      countPageRequests: true,
    })
    open.push(offenders)
    await offenders.flush()
    for (const value of ['nonsense', 'nan', '', 'inf', '-5', '1e20']) {
      redis.cli('DEL', `${BASE}of:192.0.2.9`)
      offenders.lift('192.0.2.9')
      await offenders.flush()
      redis.cli('RPUSH', `${BASE}of:192.0.2.9`, value, value, value)
      await fail(offenders, 1)
      assert.equal(redis.cli('TYPE', `${BASE}of:192.0.2.9`), 'list', value)
      await fail(offenders, 2)
      assert.equal(offenders.isBanned('192.0.2.9'), true, value)
    }
    for (const [, put] of foreign) {
      redis.cli('DEL', `${BASE}of:192.0.2.9`)
      offenders.lift('192.0.2.9')
      await offenders.flush()
      put(`${BASE}of:192.0.2.9`)
      const type = redis.cli('TYPE', `${BASE}of:192.0.2.9`)
      if (type === 'list') continue
      const dump = redis.cli('DUMP', `${BASE}of:192.0.2.9`)
      await fail(offenders, 3)
      assert.equal(offenders.isBanned('192.0.2.9'), true)
      offenders.forgive('192.0.2.9')
      offenders.lift('192.0.2.9')
      offenders.ban('192.0.2.9')
      await offenders.flush()
      assert.equal(redis.cli('DUMP', `${BASE}of:192.0.2.9`), dump)
      assert.match(known(), /192\.0\.2\.9/)
    }
  })

  for (const [place, name] of ['seq', 'bans', 'changes', 'forgets', 'ends', 'probe'].entries()) {
    test(`${name} of another type: left alone, each process for itself, until it is gone`, async () => {
      const offenders = await offendersOf()
      offenders.ban('192.0.2.1')
      await offenders.flush()
      redis.cli('DEL', BASE + name)
      const [type, put] = foreign[(place + 1) % 2 === 0 ? 0 : 2] as (typeof foreign)[0]
      put(BASE + name)
      offenders.ban('192.0.2.2')
      await offenders.flush()
      await offenders.flush()
      assert.equal(offenders.list().length, 2)
      const limit = rateLimit({ name: 'site', rate: '1r/s', store: storeOf(), onStoreError: 'drop' })
      assert.equal(await passes(limit, '192.0.2.3'), true)
      assert.equal(redis.cli('TYPE', BASE + name), type)
      redis.cli('DEL', BASE + name)
      for (let tries = 0; tries < 100 && !known().includes('192.0.2.2'); tries++) await settle(50)
      assert.match(known(), /192\.0\.2\.2/)
    })
  }

  test('each was said once', async () => {
    await settle(50)
    const codes = warnings.map(({ code }) => code).sort()
    assert.deepEqual(codes, ['DROP444_DAMAGED_VALUE', 'DROP444_FOREIGN_KEY'])
  })
})
