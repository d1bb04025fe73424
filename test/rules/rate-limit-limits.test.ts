import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Limit, MemoryStore, OptionsError, type RateLimitOptions, rateLimit } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { LimitZone } from '../support/reference/limit-zone.ts'
import { bucket, times } from '../support/reference/limits.ts'

const site = sites()
const proxied = { trustProxy: 'loopback', handOff: 'close' as const }
const as = (address: string) => ({ 'X-Forwarded-For': address })
const store = () => new MemoryStore(100)
/** Stores that count the same: one a limit, one that all share, one that promises. */
const stores: Record<string, () => RateLimitOptions['store']> = {
  'memory of its own': () => undefined,
  'a shared one': store,
  'a promising one': () => {
    const inner = store()
    return {
      hit: async (...hit: Parameters<MemoryStore['hit']>) => inner.hit(...hit),
      hitAll: async (...all: Parameters<MemoryStore['hitAll']>) => inner.hitAll(...all),
    }
  },
}

for (const [name, newStore] of Object.entries(stores)) {
  describe(`several limits, ${name}`, () => {
    const limited = async (limits: readonly Limit[], options: Partial<RateLimitOptions> = {}) => {
      const clock = { ms: 1_000_000 }
      const to = await site([rateLimit({ limits, ...options, store: newStore(), now: () => clock.ms })])
      const ask = async (fields = {}) => brief(await to.ask('/', fields)).split(':')[0]
      return { to, clock, ask }
    }

    test('if one rejects, none counts it', async () => {
      const { clock, ask } = await limited([
        { rate: '1r/s', burst: 1 },
        { rate: '1r/m', burst: 3 },
      ])
      const seen = []
      // The first limit rejects all but two: the second has room for two more.
      for (let i = 0; i < 10; i++) seen.push(await ask())
      assert.deepEqual(seen.slice(0, 3), ['pass', 'pass', 'rate-limited'])
      clock.ms += 2000
      assert.deepEqual([await ask(), await ask(), await ask()], ['pass', 'pass', 'rate-limited'])
      clock.ms += 2000
      // Now the second one rejects, and the first counts none of these.
      for (let i = 0; i < 5; i++) assert.equal(await ask(), 'rate-limited')
      clock.ms += 70_000
      assert.deepEqual([await ask(), await ask()], ['pass', 'rate-limited'])
    })

    test('each limit by its own key: the header of one, the network of the other', async () => {
      const { to, ask } = await limited(
        [
          { rate: '1r/m', key: { header: 'X-API-Key' } },
          { rate: '1r/m', burst: 2, ipv4Subnet: 24, ipv6Subnet: 48 },
        ],
        proxied,
      )
      const from = (address: string, key: string) => ({ ...as(address), 'X-API-Key': key })
      assert.equal(await ask(from('203.0.113.1', 'a')), 'pass')
      assert.match(
        brief(await to.ask('/', from('203.0.113.2', 'a'))),
        /^rate-limited: x-api-key ca978112ca1b$/,
      )
      assert.equal(await ask(from('203.0.113.2', 'b')), 'pass')
      assert.equal(await ask(from('203.0.113.3', 'c')), 'pass')
      assert.equal(brief(await to.ask('/', from('203.0.113.4', 'd'))), 'rate-limited: 203.0.113.0')
      assert.equal(await ask(from('203.0.114.4', 'd')), 'pass')
      // Without the header the address is the key: there is no way around.
      assert.equal(await ask(as('198.51.100.1')), 'pass')
      assert.equal(brief(await to.ask('/', as('198.51.100.1'))), 'rate-limited: 198.51.100.1')
    })

    test('the value of a header is nobody’s address', async () => {
      const { ask } = await limited([{ rate: '1r/m', key: { header: 'x-key' } }, { rate: '9r/s' }], proxied)
      assert.equal(await ask({ ...as('203.0.113.1'), 'X-Key': '203.0.113.9' }), 'pass')
      assert.equal(await ask(as('203.0.113.9')), 'pass')
    })

    test('cost: as so many requests at once', async () => {
      const { clock, ask } = await limited([{ rate: '1r/s', burst: 9, cost: 5 }])
      assert.deepEqual([await ask(), await ask(), await ask()], ['pass', 'pass', 'rate-limited'])
      clock.ms += 4999
      assert.equal(await ask(), 'rate-limited')
      clock.ms += 1
      assert.equal(await ask(), 'pass')
      // Nobody saves more than the burst.
      clock.ms += 1_000_000
      assert.deepEqual([await ask(), await ask(), await ask()], ['pass', 'pass', 'rate-limited'])
    })

    test('cost by a function, a promise too; 0 is not counted; what can never pass has no Retry-After', async () => {
      for (const wrap of [(cost: number) => cost, async (cost: number) => cost]) {
        const { to, ask } = await limited([{ rate: '1r/s', burst: 3 }], {
          cost: req => wrap(Number(req.headers['x-cost'])),
          status: 429,
        })
        const answer = async (cost: number) => {
          const bytes = `GET / HTTP/1.1\r\nHost: h\r\nX-Cost: ${cost}\r\nConnection: close\r\n\r\n`
          return (await to.send(bytes)).data.toString()
        }
        assert.equal(await ask({ 'X-Cost': '4' }), 'pass')
        assert.equal(await ask({ 'X-Cost': '0' }), 'pass')
        assert.match(await answer(1), / 429 [\s\S]*\r\nRetry-After: 1\r\n/)
        assert.match(await answer(4), / 429 [\s\S]*\r\nRetry-After: 4\r\n/)
        assert.doesNotMatch(await answer(5), /Retry-After/)
        assert.match(await answer(-1), / 500 [\s\S]*cost must return a whole number/)
        assert.match(await answer(0.5), / 500 /)
      }
    })

    test('the longest delay wins', async () => {
      const { to } = await limited([
        { rate: '20r/s', burst: 5, delay: 'all' },
        { rate: '4r/s', burst: 5, delay: 'all' },
      ])
      await to.ask()
      const started = performance.now()
      assert.equal(brief(await to.ask()), 'pass')
      assert.ok(performance.now() - started > 200, String(performance.now() - started))
    })

    test('limits of one rate do not meet, whatever they count by and whichever are asked', async () => {
      const networks = await limited(
        [
          { rate: '1r/m', burst: 3 },
          { rate: '1r/m', burst: 9, ipv6Subnet: 48 },
        ],
        proxied,
      )
      for (let i = 1; i <= 6; i++) assert.equal(await networks.ask(as(`2001:db8:1:${i}::1`)), 'pass')
      assert.equal(await networks.ask(as('2001:db8:1:0::9')), 'pass')
      const costs = await limited([
        { rate: '1r/m', burst: 2, cost: req => (req.headers['x-free'] ? 0 : 1) },
        { rate: '1r/m', burst: 20 },
      ])
      for (let i = 0; i < 6; i++) assert.equal(await costs.ask({ 'X-Free': '1' }), 'pass')
      assert.equal(await costs.ask(), 'pass')
    })

    test('what two limits share is called once; what one promises is heard though the next throws', async () => {
      let calls = 0
      const key = () => `key ${++calls}`
      const shared = await limited([{ rate: '1r/m' }, { rate: '2r/m', burst: 3 }], { key })
      assert.equal(await shared.ask(), 'pass')
      assert.equal(calls, 1)
      const { to } = await limited([
        { rate: '1r/m', key: () => Promise.reject(new Error('late')) },
        {
          rate: '2r/m',
          key: () => {
            throw new Error('at once')
          },
        },
      ])
      const wire = await to.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
      assert.match(wire.data.toString(), / 500 [\s\S]*at once/)
    })

    test('functions of two limits do not meet, nor those of an address', async () => {
      const { ask } = await limited(
        [
          { rate: '1r/m', key: () => '203.0.113.1' },
          { rate: '1r/m', key: () => '203.0.113.1' },
          { rate: '1r/m' },
        ],
        proxied,
      )
      assert.equal(await ask(as('203.0.113.1')), 'pass')
      assert.equal(await ask(as('203.0.113.1')), 'rate-limited')
    })
  })
}

test('several limits decide as nginx’s, one after the other, on random traffic', () => {
  fc.assert(
    fc.property(fc.array(bucket, { minLength: 2, maxLength: 3 }), times, (buckets, at) => {
      const zones = buckets.map(() => new LimitZone(1))
      const memory = new MemoryStore(100)
      for (const now of at) {
        for (const zone of zones) zone.heed(now)
        const hits = buckets.map((limit, i) => ({ key: String(i), bucket: limit }))
        const each = zones.map((zone, i) => zone.copy().hit('k', buckets[i] as never, now))
        const allowed = each.every(decision => decision.allowed)
        if (allowed) for (const [i, zone] of zones.entries()) zone.hit('k', buckets[i] as never, now)
        const decision = memory.hitAll(hits, now)
        assert.equal(decision.allowed, allowed)
        assert.equal(decision.delay, allowed ? Math.max(...each.map(({ delay }) => delay)) : 0)
        const waits = each.filter(one => !one.allowed).map(({ retryAfter }) => retryAfter)
        assert.equal(decision.retryAfter, allowed ? 0 : Math.max(...waits))
      }
    }),
  )
})

describe('options', () => {
  const fails = (options: unknown, option: string, message: RegExp) =>
    assert.throws(
      () => rateLimit(options as RateLimitOptions),
      (error: unknown) => {
        assert.ok(error instanceof OptionsError)
        assert.equal(error.option, option)
        assert.match(error.message, message)
        return true
      },
    )

  test('what means nothing is refused at start', () => {
    fails({}, 'rate', /is required/)
    fails({ limits: [] }, 'limits', /at least one limit/)
    fails({ limits: 'x' }, 'limits', /list|array/)
    fails({ limits: [{}] }, 'rate', /is required/)
    fails({ limits: [{ rate: '1r/w' }] }, 'rate', /minute, hour or day/)
    fails({ limits: [{ rate: '1r/s', bursts: 1 }] }, 'bursts', /Did you mean "burst"/)
    fails({ limits: [{ rate: '1r/s', status: 429 }] }, 'status', /unknown option/)
    fails({ limits: [{ rate: '1r/s' }], rate: '1r/s' }, 'limits', /each limit has its own/)
    fails({ limits: [{ rate: '1r/s' }], burst: 1 }, 'limits', /each limit has its own/)
    fails({ rate: '1r/s', key: 'host' }, 'key', /'address'/)
    fails({ rate: '1r/s', key: { header: 'x y' } }, 'key', /header/)
    fails({ rate: '1r/s', cost: 2 }, 'cost', /burst \+ 1, which is 1/)
    fails({ rate: '1r/s', cost: 0 }, 'cost', /whole number from 1/)
    fails({ rate: '1r/s', ipv4Subnet: 0 }, 'ipv4Subnet', /from 1 to 32/)
    fails({ rate: '1r/s', timeout: 0 }, 'timeout', /from 1/)
    fails({ rate: '1r/s', onStoreError: 'open' }, 'onStoreError', /'memory' or 'pass' or 'drop'/)
    fails({ limits: [{ rate: '1r/s' }, { rate: '1r/m' }], store: { hit() {} } }, 'store', /hitAll/)
    fails({ rate: '1r/s', limit: 5 }, 'limit', /Did you mean "rate"/)
  })

  test('an hour and a day are not rounded', () => {
    const rates: number[] = []
    const noting = { hit: (_: string, { rate }: { rate: number }) => rates.push(rate) as never }
    for (const rate of ['600r/h', '10r/m', '1r/h', '1r/d'])
      rateLimit({ rate, store: noting, key: () => 'a' })({ headers: {} } as never, {} as never, () => {})
    assert.deepEqual(rates, [600_000 / 3600, 166, 1000 / 3600, 1000 / 86_400])
  })
})
