import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ClientRateLimitInfo,
  type LegacyStore,
  MemoryStore,
  type Options,
  type Store,
} from 'express-rate-limit'
import fc from 'fast-check'
import { fromExpressRateLimit, OptionsError, type RateLimitStore, rateLimit } from '../../lib/index.ts'
import { storeKey } from '../../lib/stores/express-rate-limit/store-key.ts'
import { brief, sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'

const site = sites()

/** 5r/m in nginx's units, and what a `burst` adds. */
const perMinute = (requests: number, burst = 0) => ({
  rate: Math.trunc((requests * 1000) / 60),
  burst: burst * 1000,
  delay: Number.POSITIVE_INFINITY,
})
const five = perMinute(5)

/** A store that remembers all it was asked, and fails or answers otherwise where it is told to. */
class Spy implements Store {
  readonly counts = new Map<string, number>()
  readonly calls: string[] = []
  readonly given: Options[] = []
  answer: (hits: number, key: string) => ClientRateLimitInfo = totalHits => ({
    totalHits,
    resetTime: undefined,
  })

  init(options: Options): void | Promise<void> {
    this.given.push(options)
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    this.calls.push(`+${key}`)
    const hits = (this.counts.get(key) ?? 0) + 1
    const reply = this.answer(hits, key)
    this.counts.set(key, hits)
    await settle(1)
    return reply
  }

  async decrement(key: string): Promise<void> {
    this.calls.push(`-${key}`)
    this.counts.set(key, (this.counts.get(key) ?? 0) - 1)
  }

  async resetKey(): Promise<void> {}
}

const hits = async (store: RateLimitStore, count: number, key = 'a', cost = 1) => {
  let passed = 0
  for (let i = 0; i < count; i++) passed += (await store.hit(key, five, 0, cost)).allowed ? 1 : 0
  return passed
}

describe('the window', () => {
  test('what a rate lets through in one, or limit', async () => {
    for (const [options, bucket, limit] of [
      [{}, five, 5],
      [{}, perMinute(7), 7],
      [{}, perMinute(10, 5), 15],
      [{ windowMs: 1_000 }, { ...five, rate: 10_000 }, 10],
      [{ windowMs: 1_000 }, five, 1],
      [{ windowMs: 3_600_000 }, { ...five, rate: (600 * 1000) / 3600 }, 600],
      [{ limit: 3 }, five, 3],
      [{ limit: 30, windowMs: 1_000 }, five, 30],
    ] as const) {
      const store = fromExpressRateLimit(new Spy(), options)
      let passed = 0
      while ((await store.hit('a', bucket, 0)).allowed) passed++
      assert.equal(passed, limit, JSON.stringify([options, bucket]))
    }
  })

  test('retryAfter is the end of the window, or all of it', async () => {
    const spy = new Spy()
    const store = fromExpressRateLimit(spy, { limit: 1, windowMs: 30_000 })
    assert.deepEqual(await store.hit('a', five, 0), { allowed: true, delay: 0, retryAfter: 0 })
    assert.deepEqual(await store.hit('a', five, 0), { allowed: false, delay: 0, retryAfter: 30_000 })
    spy.answer = totalHits => ({ totalHits, resetTime: new Date(Date.now() + 5_000) })
    const { retryAfter } = await store.hit('a', five, 0)
    assert.ok(retryAfter > 4_000 && retryAfter <= 5_000, `${retryAfter}`)
    spy.answer = totalHits => ({ totalHits, resetTime: new Date(Date.now() - 5_000) })
    assert.equal((await store.hit('a', five, 0)).retryAfter, 1)
    spy.answer = totalHits => ({ totalHits, resetTime: new Date(Number.NaN) })
    assert.equal((await store.hit('a', five, 0)).retryAfter, 30_000)
  })

  test('keys, scopes and limits count apart', async () => {
    const spy = new Spy()
    const store = fromExpressRateLimit(spy)
    const login = store.scope?.('login page') as RateLimitStore
    const nested = login.scope?.('a:b') as RateLimitStore
    for (const each of [store, login, nested]) {
      assert.equal(await hits(each, 7), 5)
      assert.equal(await hits(each, 7, 'b'), 5)
      assert.equal((await each.hit('a', perMinute(9), 0)).allowed, true)
    }
    assert.deepEqual([...spy.counts.keys()].slice(0, 4), ['5:a', '5:b', '9:a', 'login%20page:5:a'])
  })
})

describe('keys', () => {
  test('what Memcached can not take is hashed, and nothing meets anything', () => {
    const plain = 'rateLimit:5:2001:db8::/64'
    assert.equal(storeKey(plain), plain)
    const odd = ['a b', 'a\nb', 'a\u007fb', 'ä', '', 'a'.repeat(151), 'a'.repeat(10_000), storeKey('a b')]
    for (const key of odd) assert.match(storeKey(key), /^sha256-[\w-]{43}$/)
    assert.equal(new Set(odd.map(storeKey)).size, odd.length)
  })
})

describe('cost', () => {
  test('all of it passes, or none of it counts', async () => {
    const spy = new Spy()
    const store = fromExpressRateLimit(spy)
    assert.equal(await hits(store, 1, 'a', 3), 1)
    assert.equal(await hits(store, 1, 'a', 3), 0)
    assert.equal(spy.counts.get('5:a'), 3)
    assert.equal(await hits(store, 2, 'a', 2), 1)
    assert.equal(await hits(store, 1), 0)
  })

  test('above the limit the store is not asked', async () => {
    const spy = new Spy()
    const decision = await fromExpressRateLimit(spy).hit('a', five, 0, 6)
    assert.deepEqual(decision, { allowed: false, delay: 0, retryAfter: Number.POSITIVE_INFINITY })
    assert.deepEqual(spy.calls, [])
  })

  test('a great one is counted in parts, no further than there is room', async () => {
    const spy = new Spy()
    const store = fromExpressRateLimit(spy, { limit: 1_000 })
    assert.equal(await hits(store, 1, 'a', 950), 1)
    spy.calls.length = 0
    assert.equal(await hits(store, 1, 'a', 900), 0)
    assert.equal(spy.counts.get('1000:a'), 950)
    assert.ok(spy.calls.length <= 2 * 101, `${spy.calls.length}`)
    assert.equal(await hits(store, 60), 50)
  })

  test('a failure in the middle takes back what was counted', async () => {
    const spy = new Spy()
    let left = 3
    spy.answer = totalHits => {
      if (left-- === 0) throw new Error('gone')
      return { totalHits, resetTime: undefined }
    }
    await assert.rejects(async () => fromExpressRateLimit(spy).hit('a', five, 0, 5), /gone/)
    assert.equal(spy.counts.get('5:a'), 0)
  })
})

describe('several limits', () => {
  const all = (store: RateLimitStore, ...asked: [key: string, limit: number, cost?: number][]) =>
    store.hitAll?.(
      asked.map(([key, limit, cost = 1]) => ({ key, bucket: perMinute(limit), cost })),
      0,
    )

  test('if one rejects, none is charged', async () => {
    const spy = new Spy()
    const store = fromExpressRateLimit(spy)
    for (let i = 0; i < 4; i++) await all(store, ['a', 9, 2], ['b', 2])
    assert.equal(spy.counts.get('9:a'), 4)
    assert.deepEqual(await all(store, ['a', 9], ['c', 2]), {
      allowed: true,
      delay: 0,
      retryAfter: 0,
      limit: 0,
    })
  })

  test('the one that takes longest decides', async () => {
    const spy = new Spy()
    spy.answer = (totalHits, key) => ({
      totalHits,
      resetTime: new Date(Date.now() + (key === '1:b' ? 50_000 : 9_000)),
    })
    const store = fromExpressRateLimit(spy)
    await all(store, ['a', 1], ['b', 1], ['c', 1])
    const decision = await all(store, ['a', 1], ['b', 1], ['c', 1])
    assert.deepEqual([decision?.allowed, decision?.limit], [false, 1])
    assert.deepEqual((await all(store, ['a', 1], ['d', 2, 3]))?.limit, 1)
  })

  test('two that are alike count apart', async () => {
    const store = fromExpressRateLimit(new Spy())
    assert.equal((await all(store, ['a', 1], ['a', 1]))?.allowed, true)
    assert.equal((await all(store, ['a', 1], ['a', 1]))?.allowed, false)
  })

  test('a failure of one takes the others back', async () => {
    const spy = new Spy()
    spy.answer = (totalHits, key) => {
      if (key === '2:b') throw new Error('gone')
      return { totalHits, resetTime: undefined }
    }
    await assert.rejects(async () => all(fromExpressRateLimit(spy), ['a', 5, 2], ['b', 2]), /gone/)
    assert.equal(spy.counts.get('5:a'), 0)
  })

  test('a model of windows says the same', async () => {
    const limits = [2, 3, 5, 8]
    const asked = fc.tuple(
      fc.constantFrom('a', 'b'),
      fc.constantFrom(...limits),
      fc.integer({ min: 1, max: 4 }),
    )
    const requests = fc.array(
      fc.uniqueArray(asked, { minLength: 1, maxLength: 3, selector: ([key, limit]) => key + limit }),
    )
    await fc.assert(
      fc.asyncProperty(requests, async sequence => {
        const store = fromExpressRateLimit(new MemoryStore())
        const model = new Map<string, number>()
        for (const request of sequence) {
          const count = (key: string, limit: number) => model.get(key + limit) ?? 0
          const passes = request.every(([key, limit, cost]) => count(key, limit) + cost <= limit)
          if (passes)
            for (const [key, limit, cost] of request) model.set(key + limit, count(key, limit) + cost)
          assert.equal((await all(store, ...request))?.allowed, passes)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('the store', () => {
  test('is initialised once, with the window', () => {
    const spy = new Spy()
    fromExpressRateLimit(spy, { windowMs: 5_000, limit: 9 })
    fromExpressRateLimit(spy, { windowMs: 5_000, limit: 3 })
    assert.deepEqual(
      spy.given.map(({ windowMs, limit, store }) => [windowMs, limit, store === spy]),
      [[5_000, 9, true]],
    )
    assert.throws(
      () => fromExpressRateLimit(spy, { windowMs: 6_000 }),
      error => error instanceof OptionsError && error.option === 'windowMs' && /5000/.test(error.message),
    )
  })

  test('what init throws, goes out; where it rejects, it is called again', async () => {
    const broken = Object.assign(new Spy(), {
      init() {
        throw new Error('no such table')
      },
    })
    assert.throws(() => fromExpressRateLimit(broken), /no such table/)
    let calls = 0
    const late = Object.assign(new Spy(), {
      async init() {
        if (++calls < 3) throw new Error('not yet')
      },
    })
    const store = fromExpressRateLimit(late)
    await settle()
    await assert.rejects(async () => store.hit('a', five, 0), /not yet/)
    await Promise.all([store.hit('a', five, 0), store.probe?.()])
    assert.equal(calls, 3)
    await store.hit('a', five, 0)
    assert.equal(calls, 3)
  })

  test('of old, with callbacks, is one too', async () => {
    const counts = new Map<string, number>()
    const legacy: LegacyStore = {
      incr(key, callback) {
        if (key === '5:bad') return callback(new Error('gone'), 0, undefined)
        counts.set(key, (counts.get(key) ?? 0) + 1)
        callback(undefined, counts.get(key) as number, undefined)
      },
      decrement: key => void counts.set(key, (counts.get(key) as number) - 1),
      resetKey: () => {},
    }
    const store = fromExpressRateLimit(legacy)
    assert.equal(await hits(store, 8), 5)
    await assert.rejects(async () => store.hit('bad', five, 0), /gone/)
  })

  test('that throws, or gives no number, rejects', async () => {
    const replies = [undefined, null, {}, { totalHits: '1' }, { totalHits: Number.NaN }]
    for (const reply of replies) {
      const store = fromExpressRateLimit({ increment: () => reply as never, decrement() {} })
      await assert.rejects(
        async () => store.hit('a', five, 0),
        /fromExpressRateLimit: the store gave no number of hits/,
      )
    }
    const throws = fromExpressRateLimit({
      increment() {
        throw new Error('gone')
      },
      decrement() {},
    })
    await assert.rejects(throws.hit('a', five, 0) as Promise<unknown>, /gone/)
    await assert.rejects(throws.probe?.() as Promise<unknown>, /gone/)
  })

  test("that can't take back decides all the same", async () => {
    const spy = Object.assign(new Spy(), {
      decrement() {
        throw new Error('gone')
      },
    })
    assert.equal((await fromExpressRateLimit(spy).hit('a', five, 0, 4)).allowed, true)
    assert.equal((await fromExpressRateLimit(spy).hit('a', five, 0, 4)).allowed, false)
  })

  test('a slip is refused', () => {
    const given = (store: unknown, options?: unknown) => () =>
      fromExpressRateLimit(store as never, options as never)
    for (const store of [
      undefined,
      null,
      'memory',
      {},
      { increment() {} },
      { incr() {} },
      { decrement() {} },
      MemoryStore,
    ])
      assert.throws(given(store), error => error instanceof OptionsError && error.option === 'store')
    for (const [options, option] of [
      [{ windowMs: 0 }, 'windowMs'],
      [{ windowMs: 2 ** 31 }, 'windowMs'],
      [{ windowMs: '1m' }, 'windowMs'],
      [{ limit: 0 }, 'limit'],
      [{ limit: () => 5 }, 'limit'],
      [{ max: 5 }, 'max'],
    ] as const)
      assert.throws(
        given(new Spy(), options),
        error => error instanceof OptionsError && error.option === option,
      )
  })
})

describe("express-rate-limit's MemoryStore", () => {
  test('passes as many as express-rate-limit would, also all at once', async () => {
    const store = fromExpressRateLimit(new MemoryStore())
    const decisions = await Promise.all(Array.from({ length: 20 }, () => store.hit('a', five, 0)))
    assert.deepEqual(
      decisions.map(({ allowed }) => allowed),
      Array.from({ length: 20 }, (_, i) => i < 5),
    )
  })

  test('a new window begins when the old one ends', async () => {
    const store = fromExpressRateLimit(new MemoryStore(), { windowMs: 300, limit: 2 })
    assert.equal(await hits(store, 4), 2)
    await settle(350)
    assert.equal(await hits(store, 4), 2)
  })

  test('a clock that is set back makes nobody wait for it: windows begin anew, and none is longer than it is', async t => {
    const systemNow = Date.now
    t.after(() => {
      Date.now = systemNow
    })
    const store = fromExpressRateLimit(new MemoryStore(), { windowMs: 60_000, limit: 2 })
    assert.equal(await hits(store, 4), 2)
    for (const by of [1_000, 61_000, 3_600_000]) {
      const before = Date.now
      Date.now = () => before() - by
      assert.equal(await hits(store, 4), 2)
    }
    // One that is on another machine, whose clock was right.
    const resetTime = new Date(systemNow() + 30_000)
    const remote = fromExpressRateLimit(
      { increment: () => ({ totalHits: 5, resetTime }), decrement() {} },
      { windowMs: 60_000, limit: 2 },
    )
    assert.deepEqual(await remote.hit('a', remote.bucket as never, 0), {
      allowed: false,
      delay: 0,
      retryAfter: 60_000,
    })
  })

  test('on the wire, with a rate and with a limit of its own', async () => {
    const byRate = rateLimit({ rate: '5r/m', store: fromExpressRateLimit(new MemoryStore()) })
    const own = fromExpressRateLimit(new MemoryStore(), { windowMs: 60_000, limit: 5 })
    for (const limit of [byRate, rateLimit({ store: own })]) {
      const to = await site([limit])
      for (let i = 0; i < 5; i++) assert.equal(await to.ask(), 'pass')
      for (let i = 0; i < 3; i++) assert.equal(brief(await to.ask()), 'rate-limited: 127.0.0.1')
    }
    const to = await site([rateLimit({ store: own, name: 'other', status: 429 })])
    for (let i = 0; i < 5; i++) await to.ask()
    const { data } = await to.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const [, seconds] = /^HTTP\/1\.1 429 .*\r\nretry-after: (\d+)\r\n/is.exec(data.toString()) ?? []
    assert.ok(Number(seconds) > 50 && Number(seconds) <= 60, data.toString())
  })

  test('several limits on the wire', async () => {
    const store = fromExpressRateLimit(new MemoryStore())
    const limits = [{ rate: '2r/m', key: { header: 'X-Key' } }, { rate: '5r/m' }]
    const to = await site([rateLimit({ limits, store })])
    const seen = []
    for (const key of ['a', 'a', 'a', 'a', 'b', 'b', 'c', 'd'])
      seen.push(brief(await to.ask('/', { 'X-Key': key })).split(':')[0])
    assert.deepEqual(seen, [
      'pass',
      'pass',
      'rate-limited',
      'rate-limited',
      'pass',
      'pass',
      'pass',
      'rate-limited',
    ])
  })
})
