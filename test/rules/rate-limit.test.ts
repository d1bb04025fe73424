import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryStore, type RateLimitOptions, rateLimit } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { get, SOON } from '../support/raw-client.ts'

const site = sites()
const proxied = { trustProxy: 'loopback', handOff: 'close' as const }
const as = (address: string) => ({ 'X-Forwarded-For': address })

describe('rateLimit', () => {
  /** A limit with a clock in our hands. */
  const limited = async (options: Partial<RateLimitOptions>) => {
    const clock = { ms: 1_000_000 }
    const to = await site([rateLimit({ rate: '1r/s', ...options, now: () => clock.ms })])
    const ask = async (fields = {}) => brief(await to.ask('/', fields)).split(':')[0]
    return { to, clock, ask }
  }

  test("'1r/s' without burst", async () => {
    const { clock, ask } = await limited({})
    assert.equal(await ask(), 'pass')
    assert.equal(await ask(), 'rate-limited')
    clock.ms += 999
    assert.equal(await ask(), 'rate-limited')
    clock.ms += 1
    assert.equal(await ask(), 'pass')
  })

  test('burst: so many more at once, and a rejected one is not counted', async () => {
    const { clock, ask } = await limited({ burst: 2 })
    const seen = []
    for (let i = 0; i < 6; i++) seen.push(await ask())
    assert.deepEqual(seen, ['pass', 'pass', 'pass', 'rate-limited', 'rate-limited', 'rate-limited'])
    clock.ms += 1000
    assert.equal(await ask(), 'pass')
    assert.equal(await ask(), 'rate-limited')
  })

  test("'1r/m' is 16 thousandths a second, as in nginx", async () => {
    const { clock, ask } = await limited({ rate: '1r/m' })
    assert.equal(await ask(), 'pass')
    clock.ms += 62_499
    assert.equal(await ask(), 'rate-limited')
    clock.ms += 1
    assert.equal(await ask(), 'pass')
  })

  test('each client has its own; IPv6 as /64, mapped IPv4 as IPv4', async () => {
    const { ask } = await limited(proxied)
    assert.equal(await ask(as('203.0.113.1')), 'pass')
    assert.equal(await ask(as('203.0.113.2')), 'pass')
    assert.equal(await ask(as('::ffff:203.0.113.1')), 'rate-limited')
    assert.equal(await ask(as('2001:db8::1')), 'pass')
    assert.equal(await ask(as('2001:db8::ffff:0:2')), 'rate-limited')
    assert.equal(await ask(as('2001:db8:0:1::1')), 'pass')
  })

  test('ipv6Subnet', async () => {
    const narrow = await limited({ ...proxied, ipv6Subnet: 128 })
    assert.equal(await narrow.ask(as('2001:db8::1')), 'pass')
    assert.equal(await narrow.ask(as('2001:db8::2')), 'pass')
    const eighty = await limited({ ...proxied, ipv6Subnet: 80 })
    assert.equal(await eighty.ask(as('2001:db8::1:0:0:1')), 'pass')
    assert.equal(await eighty.ask(as('2001:db8::1:0:0:2')), 'rate-limited')
    assert.equal(await eighty.ask(as('2001:db8:0:0:2::1')), 'pass')
    const twenty = await limited({ ...proxied, ipv6Subnet: 20 })
    assert.equal(await twenty.ask(as('2001:d00::1')), 'pass')
    assert.equal(await twenty.ask(as('2001:dff:ffff:ffff::1')), 'rate-limited')
    assert.equal(await twenty.ask(as('2001:e00::1')), 'rate-limited')
    assert.equal(await twenty.ask(as('2001:1000::1')), 'pass')
    const wide = await limited({ ...proxied, ipv6Subnet: 48 })
    assert.equal(await wide.ask(as('2001:db8:0:1::1')), 'pass')
    assert.equal(await wide.ask(as('2001:db8:0:2::1')), 'rate-limited')
  })

  test('the detail names the address, or its network', async () => {
    for (const store of [undefined, { hit: () => ({ allowed: false, delay: 0, retryAfter: 1 }) }]) {
      const { to, ask } = await limited({ ...proxied, store })
      for (const [address, detail] of [
        ['203.0.113.1', '203.0.113.1'],
        ['::ffff:203.0.113.2', '203.0.113.2'],
        ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
      ] as const) {
        await ask(as(address))
        assert.equal(brief(await to.ask('/', as(address))), `rate-limited: ${detail}`)
      }
    }
  })

  test('IPv4 and IPv6 with the same bits are two clients', async () => {
    const { ask } = await limited({ ...proxied, ipv6Subnet: 64 })
    for (const address of ['0.0.0.9', '::9', '9::', '0:9::', '0:0:0:9::', 'ffff:0:0:9::'])
      assert.equal(await ask(as(address)), 'pass', address)
  })

  test('a store that two share counts for both, and one with a hit of its own is asked', async () => {
    const store = new MemoryStore(10)
    const [one, two] = [await limited({ store }), await limited({ store })]
    assert.equal(await one.ask(), 'pass')
    assert.equal(await two.ask(), 'rate-limited')
    const keys: string[] = []
    class Noting extends MemoryStore {
      override hit(...hit: Parameters<MemoryStore['hit']>) {
        keys.push(hit[0])
        return super.hit(...hit)
      }
    }
    const noted = await limited({ ...proxied, store: new Noting(10) })
    assert.equal(await noted.ask(as('2001:db8::1')), 'pass')
    assert.equal(await noted.ask(as('2001:db8::2')), 'rate-limited')
    assert.deepEqual(keys, ['2001:db8::', '2001:db8::'])
  })

  test("key: what is counted; '' is not limited; a promise will do", async () => {
    const key = async (req: { headers: Record<string, unknown> }) => String(req.headers['x-key'] ?? '')
    for (const options of [
      { key: (req: never) => String((req as Parameters<typeof key>[0]).headers['x-key'] ?? '') },
      { key: key as never },
    ]) {
      const { to, ask } = await limited(options)
      assert.equal(await ask({ 'X-Key': 'a' }), 'pass')
      assert.equal(brief(await to.ask('/', { 'X-Key': 'a' })), 'rate-limited: a')
      assert.equal(await ask({ 'X-Key': 'b' }), 'pass')
      assert.equal(await ask(), 'pass')
      assert.equal(await ask(), 'pass')
    }
  })

  test('status: 429 sends Retry-After, in whole seconds', async () => {
    const { to, clock } = await limited({ rate: '6r/m', status: 429 })
    await to.ask()
    const text = (await to.send(get('/', { Connection: 'close' }))).data.toString()
    assert.match(text, /^HTTP\/1\.1 429 Too Many Requests\r\n/)
    assert.match(text, /\r\nRetry-After: 10\r\n/)
    clock.ms += 9_500
    const later = (await to.send(get('/', { Connection: 'close' }))).data.toString()
    assert.match(later, /\r\nRetry-After: 1\r\n/)
    assert.equal(to.events.length, 2)
  })

  test('an answered 444 has no Retry-After: it is silence', async () => {
    const { to } = await limited({})
    await to.ask()
    assert.equal((await to.send(get('/'))).wireBytes, 0)
  })

  test('dryRun counts, passes, and delays nobody', async () => {
    const { to } = await limited({ dryRun: true, burst: 1, delay: 'all' })
    const started = performance.now()
    for (let i = 0; i < 4; i++) await to.send(get('/', { Connection: 'close' }))
    assert.ok(performance.now() - started < SOON)
    assert.equal(to.calls.length, 4)
    assert.deepEqual(
      to.events.map(({ action, reason }) => `${action} ${reason}`),
      ['dry-run rate-limited', 'dry-run rate-limited'],
    )
  })

  test('maxKeys and store', async () => {
    const store = new MemoryStore(2)
    const { ask } = await limited({ ...proxied, store })
    for (let i = 1; i <= 5; i++) assert.equal(await ask(as(`203.0.113.${i}`)), 'pass')
    assert.equal(store.size, 2)
    assert.equal(await ask(as('203.0.113.5')), 'rate-limited')
    assert.equal(await ask(as('203.0.113.1')), 'pass')
    const small = await limited({ ...proxied, maxKeys: 1 })
    assert.equal(await small.ask(as('203.0.113.1')), 'pass')
    assert.equal(await small.ask(as('203.0.113.2')), 'pass')
    assert.equal(await small.ask(as('203.0.113.1')), 'pass')
  })

  test('an asynchronous store', async () => {
    const memory = new MemoryStore(10)
    const { ask } = await limited({ store: { hit: async (...hit) => memory.hit(...hit) } })
    assert.equal(await ask(), 'pass')
    assert.equal(await ask(), 'rate-limited')
  })
})

describe('what can go wrong goes to next(err)', () => {
  for (const [name, options, message] of [
    ['a clock that gives no number', { now: () => Number.NaN }, /milliseconds, not NaN/],
    [
      'a store that gives no decision',
      { store: { hit: () => undefined as never } },
      /must return a decision/,
    ],
  ] as const) {
    test(name, async () => {
      const to = await site([rateLimit({ rate: '1r/s', ...options })])
      const text = (await to.send(get('/', { Connection: 'close' }))).data.toString()
      assert.match(text, /^HTTP\/1\.1 500 /)
      assert.match(text, message)
      assert.equal(to.calls.length, 0)
    })
  }
})

test('mounted under a path, the rest is not counted', async t => {
  const { default: express } = await import('express')
  const { createServer } = await import('node:http')
  const { listen } = await import('../support/servers.ts')
  const { exchange } = await import('../support/raw-client.ts')
  const app = express()
  app.use('/login', rateLimit({ rate: '1r/m' }) as never)
  app.use((_req, res) => void res.end('fine'))
  const server = await listen(createServer(app))
  t.after(() => server.close())
  const ask = async (path: string) =>
    (await exchange({ port: server.port }, get(path, { Connection: 'close' }))).data.length > 0
  assert.deepEqual(
    [await ask('/login'), await ask('/'), await ask('/'), await ask('/login')],
    [true, true, true, false],
  )
})
