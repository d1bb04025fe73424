import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, afterEach, before, describe, test } from 'node:test'
import express from 'express'
import { createClient } from 'redis'
import { badAgent, OptionsError, pathAllowlist, protect, rule } from '../../lib/index.ts'
import { type RedisStore, redisStore } from '../../lib/redis.ts'
import type { RepeatOffenderOptions } from '../../lib/rules/repeat-offender/offender-options.ts'
import { type RepeatOffender, repeatOffender } from '../../lib/rules/repeat-offender.ts'
import { within } from '../offenders/fleet.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { type Handler, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { closed, hooks } from '../support/watch.ts'

const who = '127.0.0.1'
const made: RepeatOffender[] = []

/** Rules as an app makes them, closed after the test. */
function offender(options: RepeatOffenderOptions): RepeatOffender {
  const own = repeatOffender(options)
  made.push(own)
  return own
}

/** A path that nobody has asked for before. */
let paths = 0
const nothing = () => `/nothing-${paths++}`

const notFound: Handler = (_req, res) => {
  res.statusCode = 404
  res.end()
}

const wanted = pathAllowlist(['/', '/404'])
let asked = 0
const limited = rule('limited', req => req.url === '/limited' && asked++ > 0 && 'limited', { status: 403 })

describe('several repeatOffender of one store and name', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let client: ReturnType<typeof createClient>
  let store: RedisStore
  before(async () => {
    redis = await startRedis()
    client = createClient({ url: redis.url })
    await client.connect()
  })
  after(async () => {
    client?.destroy()
    await redis?.close()
  })
  hooks()
  afterEach(() => {
    for (const each of made.splice(0)) each.close()
    redis.cli('FLUSHALL')
  })

  const newStore = () => redisStore({ sendCommand: (...args) => client.sendCommand(args) })
  const counted = (name = 'repeatOffender') =>
    Number(redis.cli('LLEN', `drop444:{offenders}:${name}:of:${who}`))
  const all = (rules: readonly RepeatOffender[]) => Promise.all(rules.map(each => each.flush()))

  async function site(setUp: (app: express.Express) => void, guards: readonly RepeatOffender[] = []) {
    const app = express()
    setUp(app)
    app.get('/', (_req, res) => void res.send('fine'))
    const server = closed(await start({ server: 'http', app: 'bare' }, [app as never], notFound))
    if (guards.length > 0) protect(server.server, { rules: guards })
    const ask = async (path: string, more: Record<string, string> = {}) => {
      const wire = await exchange({ port: server.port }, get(path, { Connection: 'close', ...more }))
      return wire.data.length === 0 ? 'dropped' : Number(/^HTTP\/1.1 (\d+)/.exec(wire.data.toString())?.[1])
    }
    return { ask, port: server.port, server: server.server }
  }

  /** Where the rules of one process can stand. */
  const places: Record<string, (options: RepeatOffenderOptions, next: () => RedisStore) => Promise<unknown>> =
    {
      'one rule': async options => {
        const own = offender(options)
        return [await site(app => app.use(own, wanted)), [own]]
      },
      'one rule, mounted twice and in protect': async options => {
        const own = offender(options)
        return [await site(app => app.use(own, own, wanted), [own]), [own]]
      },
      'two rules before what drops': async options => {
        const rules = [offender(options), offender(options)] as const
        return [await site(app => app.use(...rules, wanted)), rules]
      },
      'two rules around what drops': async options => {
        const rules = [offender(options), offender(options)] as const
        return [await site(app => app.use(rules[0], wanted, rules[1])), rules]
      },
      'one rule in protect, one in the app': async options => {
        const rules = [offender(options), offender(options)] as const
        return [await site(app => app.use(rules[0], wanted), [rules[1]]), rules]
      },
      'an app within an app': async options => {
        const rules = [offender(options), offender(options)] as const
        const inner = express().use(rules[1], wanted)
        return [await site(app => app.use(rules[0], inner)), rules]
      },
      'ten apps, of which one is asked': async options => {
        const rules = Array.from({ length: 10 }, () => offender(options))
        return [await site(app => app.use(rules[4] as RepeatOffender, wanted)), rules]
      },
      'two stores over one client': async (options, next) => {
        const rules = [offender(options), offender({ ...options, store: next() })] as const
        return [await site(app => app.use(...rules, wanted)), rules]
      },
      'an app that was made anew, the old one thrown away': async (options, next) => {
        const make = (own: RepeatOffenderOptions) => {
          const rule = offender(own)
          return { rule, app: express().use(rule, wanted) }
        }
        const [old, young] = [make(options), make({ ...options, store: next() })]
        return [await site(app => app.use(young.app)), [old.rule, young.rule]]
      },
    }

  for (const [place, build] of Object.entries(places)) {
    test(`one request is one offence: ${place}`, async () => {
      store = newStore()
      const [{ ask }, rules] = (await build({ store, limit: 4 }, newStore)) as [
        Awaited<ReturnType<typeof site>>,
        readonly RepeatOffender[],
      ]
      await all(rules)
      assert.equal(await ask(nothing()), 'dropped')
      await all(rules)
      assert.equal(counted(), 1)
      assert.equal(await ask('/404'), 404)
      await all(rules)
      assert.equal(counted(), 2)
      for (const number of [3, 4]) {
        assert.equal(await ask(nothing()), 'dropped')
        await all(rules)
        assert.equal(counted(), number)
      }
      const banned = () => rules.map(each => each.isBanned(who))
      assert.deepEqual(new Set(banned()), new Set([false]))
      assert.equal(await ask('/'), 200)
      await ask(nothing())
      await within(5_000, () => !banned().includes(false))
      for (const { address, level, reason } of rules.flatMap(each => each.list())) {
        assert.deepEqual([address, level, reason], [who, 1, 'unlisted-path'])
      }
      assert.equal(await ask('/'), 'dropped')
    })
  }

  test('a request that a rule answers, and one on a connection without any, are one offence too', async () => {
    store = newStore()
    const rules = [offender({ store }), offender({ store }), offender({ store: newStore() })]
    const { ask, port } = await site(app => app.use(...rules, limited, wanted), [rules[0] as RepeatOffender])
    await all(rules)
    await ask('/limited')
    assert.equal(await ask('/limited'), 403)
    await all(rules)
    // The first was dropped by the list.
    assert.equal(counted(), 2)
    const broken = await RawClient.open({ port })
    broken.send('rubbish\r\n\r\n')
    assert.equal((await broken.ended()).wireBytes, 0)
    broken.destroy()
    await all(rules)
    assert.equal(counted(), 3)
  })

  test('streams of HTTP/2 are one offence each', async () => {
    store = newStore()
    const rules = [offender({ store }), offender({ store })]
    const server = closed(
      await start({ server: 'h2c', app: 'bare' }, rules, (_req, res) => {
        res.statusCode = 404
        res.end()
      }),
    )
    protect(server.server, { rules })
    await all(rules)
    const http2 = await openHttp2({ port: server.port, tls: false })
    for (const id of [1, 3, 5]) http2.send(headers(id, `/${id}`))
    await within(5_000, () => counted() >= 3)
    await all(rules)
    assert.equal(counted(), 3)
    http2.destroy()
  })

  test('each rule has its own exceptions, and its own way to say no', async () => {
    store = newStore()
    const strict = offender({ store, limit: 1 })
    const mild = offender({ store, limit: 1, status: 429, except: [who] })
    const { ask } = await site(app => app.use('/strict', strict).use('/mild', mild).use(wanted))
    await all([strict, mild])
    for (let i = 0; i < 2; i++) await ask(nothing())
    assert.deepEqual([strict.isBanned(who), mild.isBanned(who)], [true, true])
    assert.deepEqual([await ask('/strict'), await ask('/mild'), await ask('/')], ['dropped', 'dropped', 200])
    mild.lift(who)
    assert.deepEqual([strict.isBanned(who), strict.list()], [false, []])
  })

  for (const [term, value] of [
    ['limit', 5],
    ['window', '1m'],
    ['ban', '5m'],
    ['maxBan', '2d'],
    ['decay', '2d'],
    ['statuses', []],
    ['statuses', [404]],
    ['ipv4Subnet', 24],
    ['ipv6Subnet', 56],
    ['maxKeys', 5],
    ['maxBans', 5],
  ] as const) {
    test(`another ${term} (${JSON.stringify(value)}) under one name is refused, and says to give a name`, () => {
      store = newStore()
      const options = { store, [term]: value } as RepeatOffenderOptions
      const refused = (error: unknown) =>
        error instanceof OptionsError &&
        error.code === 'DROP444_INVALID_OPTION' &&
        error.option === 'name' &&
        error.message.includes(`"${term}"`) &&
        /give this rule a "name" of its own/.test(error.message)
      offender({ store })
      assert.throws(() => offender(options), refused)
      offender({ ...options, name: 'other' })
      assert.throws(() => offender({ store, name: 'other' }), refused)
      // In another store, in memory, and in a trial it is another rule.
      offender({ ...options, store: newStore() })
      offender({ ...options, store: undefined })
      offender({ ...options, dryRun: true })
      assert.throws(() => offender({ store, dryRun: true }), refused)
    })
  }

  test('the same terms, said in another way, are the same', () => {
    store = newStore()
    offender({ store })
    offender({
      store: store.offenders,
      limit: 50,
      window: '10m',
      ban: 600_000,
      maxBan: '24h',
      decay: '1440m',
    })
    offender({ store: store.scope('x'), statuses: [404, 403, 401], ipv4Subnet: 32, ipv6Subnet: 64 })
    offender({ store, maxKeys: 10_000, maxBans: 100_000, name: 'repeatOffender' })
  })

  test('once the rules of a name are closed, the next has what terms it likes, and the bans that there were', async () => {
    store = newStore()
    const [first, second] = [offender({ store }), offender({ store })]
    await all([first, second])
    first.ban(who)
    await first.flush()
    first.close()
    first.close()
    assert.throws(() => offender({ store, limit: 5 }), OptionsError)
    // The other goes on to count and to exchange.
    const { ask } = await site(app => app.use(wanted))
    second.lift(who)
    await second.flush()
    await ask(nothing())
    await second.flush()
    assert.equal(counted(), 1)
    second.ban(who)
    await second.flush()
    second.close()
    const third = offender({ store, limit: 5 })
    await third.flush()
    assert.deepEqual([third.isBanned(who), first.isBanned(who)], [true, true])
    third.lift(who)
    await third.flush()
    for (let i = 0; i < 2; i++) await ask(nothing())
    await third.flush()
    assert.equal(counted(), 2)
  })

  test('a rule that its app has thrown away is as one that was closed; nobody asks the store for it', () => {
    const script = `
      import { repeatOffender } from './lib/rules/repeat-offender.ts'
      let reads = 0
      const news = { now: 0, last: 0, born: '', cursor: 0, isLate: false, records: [] }
      const store = {
        scope: () => ({ ...store }), write: async () => news, probe: async () => {},
        read: async () => (reads++, news),
      }
      const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
      const later = async isSo => {
        for (let i = 0; i < 100 && !isSo(); i++) { await pause(20); globalThis.gc(); await pause(20) }
        return isSo()
      }
      ;(() => { repeatOffender({ store }); repeatOffender({ store }) })()
      let next
      const isFree = () => { try { next ??= repeatOffender({ store, limit: 5 }); return true } catch { return false } }
      console.log(await later(isFree))
      next = undefined
      let before = -1
      console.log(await later(() => { const quiet = before === reads; before = reads; return quiet }))
      await pause(900)
      const then = reads
      await pause(900)
      console.log(reads === then)`
    const args = ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script]
    const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
    assert.deepEqual([child.stdout.trim(), child.status], ['true\ntrue\ntrue', 0], child.stderr)
  })
})

describe('repeatOffender without a store', () => {
  hooks()
  test('each rule counts by itself, by terms of its own, a request once', async () => {
    const [strict, mild] = [offender({ limit: 2 }), offender({ limit: 4 })]
    const app = express().use(strict, badAgent(), mild)
    const server = closed(await start({ server: 'http', app: 'bare' }, [app as never], () => {}))
    const ask = (agent: string) =>
      exchange({ port: server.port }, get('/', { Connection: 'close', 'User-Agent': agent }))
    for (let i = 0; i < 2; i++) await ask('sqlmap/1.0')
    assert.deepEqual([strict.isBanned(who), mild.isBanned(who)], [false, false])
    await ask('sqlmap/1.0')
    assert.deepEqual([strict.isBanned(who), mild.isBanned(who)], [true, false])
    strict.lift(who)
    await ask('sqlmap/1.0')
    assert.equal(mild.isBanned(who), false)
    await ask('sqlmap/1.0')
    assert.equal(mild.isBanned(who), true)
    for (const each of made.splice(0)) each.close()
  })
})
