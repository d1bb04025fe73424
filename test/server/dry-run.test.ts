import assert from 'node:assert/strict'
import http, { type RequestListener } from 'node:http'
import http2 from 'node:http2'
import type { Server, Socket } from 'node:net'
import { after, afterEach, describe, test } from 'node:test'
import connect from 'connect'
import express from 'express'
import {
  badAgent,
  denyCidr,
  noHost,
  type ProtectOptions,
  protect,
  type Rule,
  rateLimit,
  rule,
} from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { listen, type RunningServer } from '../support/servers.ts'
import { compareWithBare } from './dry-run-corpus.ts'

const drops = collectDrops()
const running: RunningServer[] = []
afterEach(() => {
  drops.events.length = 0
  assert.deepEqual(uncaught.splice(0), [])
})
after(async () => {
  for (const server of running) await server.close()
})
const told = () => drops.events.splice(0).map(({ rule, action }) => `${rule} ${action}`)

async function up(server: Server, options?: ProtectOptions) {
  if (options) protect(server, { dryRun: true, ...options })
  const started = await listen(server)
  running.push(started)
  return { port: started.port }
}

type App = { use(...args: unknown[]): unknown } & RequestListener
const apps: [string, () => App][] = [
  ['Express', express as unknown as () => App],
  ['Connect', connect as unknown as () => App],
]
const fine = (_req: unknown, res: http.ServerResponse) => res.end('fine')
const appOf = (create: () => App, ...rules: unknown[]) => {
  const app = create()
  for (const each of [...rules, fine]) app.use(each)
  return app
}

const bad = get('/', { 'User-Agent': 'sqlmap/1', Connection: 'close' })
const late = (value?: unknown) =>
  new Promise<never>((resolve, reject) =>
    setTimeout(() => (value === undefined ? reject(new Error('late')) : resolve(value as never)), 1),
  )

for (const [name, create] of apps) {
  describe(`a dry run of protect leaves a rule alone that the app mounts itself: ${name}`, () => {
    const rules: [string, () => Rule, string[]][] = [
      ['badAgent', () => badAgent(), ['badAgent dry-run', 'badAgent close']],
      ['an asynchronous one', () => rule('late', () => late('bad')), ['late dry-run', 'late close']],
      ['denyCidr', () => denyCidr(['127.0.0.1']), ['denyCidr dry-run', 'denyCidr close']],
    ]
    for (const [which, make, events] of rules) {
      test(`${which} drops, and is asked once`, async () => {
        const each = make()
        const wire = await exchange(await up(http.createServer(appOf(create, each)), { rules: [each] }), bad)
        assert.deepEqual([wire.wireBytes, told()], [0, events])
      })
    }

    test('a rule that throws, or rejects, lets nothing pass', async () => {
      const boom = () => {
        throw new Error('boom')
      }
      for (const broken of [rule('broken', boom), rule('broken', () => late())]) {
        const to = await up(http.createServer(appOf(create, broken)), { rules: [broken] })
        const wire = await exchange(to, bad)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 500 /)
        assert.deepEqual(told(), ['broken dry-run'])
      }
    })

    test('a limit counts once, and drops the fourth request of three', async () => {
      for (const isMounted of [true, false]) {
        const limit = rateLimit({ rate: '1r/m', burst: 2 })
        const app = isMounted ? appOf(create, limit) : appOf(create)
        const to = await up(http.createServer(app), { rules: [limit] })
        const sizes: boolean[] = []
        for (let i = 0; i < 4; i++) sizes.push((await exchange(to, bad)).wireBytes > 0)
        assert.deepEqual(sizes, [true, true, true, !isMounted])
        assert.deepEqual(told(), isMounted ? ['rateLimit dry-run', 'rateLimit close'] : ['rateLimit dry-run'])
      }
    })

    test('a limit that delays does so in the app alone', async () => {
      const waits = async (isMounted: boolean) => {
        const limit = rateLimit({ rate: '2r/s', burst: 5, delay: 0 })
        const app = isMounted ? appOf(create, limit) : appOf(create)
        const to = await up(http.createServer(app), { rules: [limit] })
        await exchange(to, bad)
        const begin = performance.now()
        await exchange(to, bad)
        return performance.now() - begin
      }
      assert.ok((await waits(true)) > 400)
      assert.ok((await waits(false)) < 400)
    })

    test('a rule with dryRun of its own, in protect and in the app, is asked and told once', async () => {
      let asked = 0
      const each = rule('trial', () => ++asked > 0 && 'bad', { dryRun: true })
      for (const dryRun of [true, false]) {
        const to = await up(http.createServer(appOf(create, each)), { dryRun, rules: [each] })
        assert.match((await exchange(to, bad)).data.toString(), /fine$/)
        assert.deepEqual([asked, told()], [1, ['trial dry-run']])
        asked = 0
      }
    })

    test('noHost at the root of the app is silent; elsewhere Node answers, and each is told', async () => {
      const bare = 'GET / HTTP/1.1\r\n\r\n'
      const host = noHost()
      const mounted = await exchange(
        await up(http.createServer(appOf(create, host)), { rules: [host] }),
        bare,
      )
      assert.deepEqual([mounted.wireBytes, told()], [0, ['noHost dry-run', 'noHost close']])
      const other = await exchange(await up(http.createServer(appOf(create)), { rules: [host] }), bare)
      assert.match(other.data.toString(), /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n/)
      assert.deepEqual(told(), ['noHost dry-run'])
    })
  })
}

describe('a dry run ends and keeps connections as Node does', () => {
  test('pipelined requests run at once: one may wait for what a later one does', async () => {
    let release = () => {}
    const server = http.createServer((req, res) => {
      if (req.url === '/wait') release = () => res.end('waited')
      else {
        res.end('second')
        release()
      }
    })
    const wire = await exchange(
      await up(server, { rules: [badAgent()] }),
      get('/wait') + get('/go', { Connection: 'close' }),
    )
    assert.match(wire.data.toString(), /waited[\s\S]*second$/)
  })

  test('an upgrade comes while an earlier response is pending', async () => {
    const server = http.createServer(() => {})
    let isUpgraded = false
    server.on('upgrade', (_req, socket: Socket) => {
      isUpgraded = true
      socket.destroy()
    })
    const rules = [badAgent({ status: 403 })]
    const upgrade = get('/ws', { Connection: 'Upgrade', Upgrade: 'x', 'User-Agent': 'sqlmap' })
    await exchange(await up(server, { rules }), get('/never') + upgrade)
    assert.deepEqual([isUpgraded, told()], [true, ['badAgent dry-run']])
  })

  test("a proxy's connection has the server's own keepAliveTimeout", async () => {
    const server = http.createServer(fine)
    server.keepAliveTimeout = 50
    const client = await RawClient.open(await up(server, { trustProxy: 'loopback' }))
    client.send(get('/', { 'X-Forwarded-For': '192.0.2.1' }))
    assert.equal((await client.ended()).end, 'fin')
  })

  test('HTTP/2 is greeted before it has said anything; what is none is told by its name', async () => {
    const to = await up(http2.createServer(fine as never), {})
    const client = await RawClient.open(to)
    // Elsewhere a dry run waits for a client's first bytes, but for a second.
    let hasWaited = false
    const timer = setTimeout(() => {
      hasWaited = true
    }, 900)
    assert.ok(await client.until(() => parseFrames(client.data).some(({ type }) => type === 'SETTINGS')))
    clearTimeout(timer)
    assert.equal(hasWaited, false)
    client.send(get('/'))
    await client.ended()
    await settle()
    assert.deepEqual(
      drops.events.map(({ reason, action }) => [reason, action]),
      [['not-http2', 'dry-run']],
    )
  })

  test('what a rule has yet to find out holds up no request, also where garbage follows', async () => {
    const order =
      'POST /order HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.9\r\nContent-Length: 4\r\n\r\nabcdXYZ\r\n\r\n'
    const seen: string[] = []
    const slow = rule('slow', () => late('late'))
    const store = { hit: () => late({ allowed: true, delay: 60_000, retryAfter: 0 }) }
    const rules = [
      rule('first', () => late(false)),
      rateLimit({ rate: '1r/m', burst: 9, delay: 0, store }),
      denyCidr(['192.0.2.0/24']),
      rule('skipped', () => 'no', { skip: () => late(true) }),
    ]
    for (const options of [undefined, { trustProxy: 'loopback', rules: [...rules, slow] }]) {
      let count = 0
      const server = http.createServer((_req, res) => {
        count++
        res.end('made')
      })
      const wire = await exchange(await up(server, options), order)
      seen.push(`${wire.data.toString().replace(/^Date: .*\r\n/gm, '')} ${count} ${wire.end}`)
    }
    assert.match(seen[0] as string, /^HTTP\/1\.1 200 OK.*made.*HTTP\/1\.1 400 Bad Request.* 1 fin$/s)
    assert.equal(seen[1], seen[0])
    for (let i = 0; i < 200 && !drops.events.some(event => event.rule === 'slow'); i++) await late(true)
    const events = drops.events.splice(0)
    assert.deepEqual(events.map(event => `${event.rule} ${event.action} ${event.clientAddress}`).sort(), [
      'denyCidr dry-run 192.0.2.9',
      'protect dry-run 127.0.0.1',
      'slow dry-run 192.0.2.9',
    ])
  })

  test('a function among the rules is waited for: it may answer by itself', async () => {
    const own = (_req: unknown, res: http.ServerResponse, next: () => void) =>
      void setTimeout(() => (res.headersSent ? next() : res.writeHead(401).end()), 5)
    const server = http.createServer(() => assert.fail('answered twice'))
    const wire = await exchange(
      await up(server, { rules: [own as never] }),
      get('/', { Connection: 'close' }),
    )
    assert.match(wire.data.toString(), /^HTTP\/1\.1 401 /)
  })

  test('nobody is blamed who leaves when he has his answer', async () => {
    const app = (_req: unknown, res: http.ServerResponse) => res.writeHead(413).end('too large')
    for (const options of [{}, undefined]) {
      const server = http.createServer(app)
      const to = await up(options ? server : protect(server), options)
      const client = await RawClient.open(to)
      client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf')
      assert.ok(await client.until(() => client.text.includes('too large')))
      const closed = new Promise(resolve => server.once('clientError', resolve))
      client.tcp.end()
      await (options ? closed : client.until(() => client.end !== 'open'))
      client.destroy()
      await settle()
      assert.deepEqual(told(), [])
    }
  })

  test('100 Continue is said at once', async () => {
    const server = http.createServer(() => {})
    const client = await RawClient.open(await up(server, {}))
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
    assert.ok(await client.until(() => client.text === 'HTTP/1.1 100 Continue\r\n\r\n'))
    client.destroy()
  })

  test('trustProxy is not for the rules of the app', async () => {
    const forwarded = get('/', { 'X-Forwarded-For': '192.0.2.1', Connection: 'close' })
    const app = appOf(connect as never, denyCidr(['192.0.2.1']))
    const to = await up(http.createServer(app), { trustProxy: 'loopback' })
    assert.match((await exchange(to, forwarded)).data.toString(), /fine$/)
  })
})

// Last: an event of theirs may come when they are done.
compareWithBare(['expect-connect', 'host', 'pipelines', 'request-line'], ['http'])
compareWithBare(['http2', 'other-protocols'], ['h2c'], 3)
