import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { afterEach, describe, test } from 'node:test'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import { drop444, noHost, type Rule } from '../lib/index.ts'
import { collectDrops } from './support/events.ts'
import { exchange, get } from './support/raw-client.ts'
import { credentials, listen, type RunningServer } from './support/servers.ts'

const bare = 'GET / HTTP/1.1\r\n\r\n'
const running: RunningServer[] = []
const drops = collectDrops()

afterEach(async () => {
  drops.events.length = 0
  for (const server of running.splice(0)) await server.close()
})

async function up(server: Parameters<typeof listen>[0], tls = false) {
  const started = await listen(server)
  running.push(started)
  return { port: started.port, tls, alpn: ['http/1.1'] }
}

type App = { use(...args: unknown[]): unknown } & http.RequestListener

const creators: [string, () => App][] = [
  ['Express 4', express4 as unknown as () => App],
  ['Express 5', express as unknown as () => App],
  ['Connect', connect as unknown as () => App],
]

/** With `app` in front of `rule`, from the very first request on. */
async function assertSilent(app: http.RequestListener, to?: Awaited<ReturnType<typeof up>>): Promise<void> {
  const wire = await exchange(to ?? (await up(http.createServer(app))), bare)
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
  assert.deepEqual(
    drops.events.map(({ rule, reason }) => `${rule} ${reason}`),
    ['noHost no-host'],
  )
}

for (const [name, create] of creators) {
  describe(`an HTTP/1.1 request without Host, the first of all: ${name}`, () => {
    test('is silent, also over TLS and behind other middleware', async () => {
      const app = create()
      app.use((_req: unknown, _res: unknown, next: () => void) => next())
      app.use(noHost())
      app.use((_req: unknown, res: http.ServerResponse) => res.end('fine'))
      await assertSilent(app)
      drops.events.length = 0
      await assertSilent(app, await up(https.createServer(credentials, app), true))
      drops.events.length = 0
      if (name === 'Connect') {
        const server = http2.createSecureServer({ ...credentials, allowHTTP1: true }, app as never)
        await assertSilent(app, await up(server, true))
      }
    })

    test('is silent through drop444()', async () => {
      const app = create()
      app.use(drop444({ noHost: true }))
      await assertSilent(app)
    })

    test("leaves servers alone whose app has no such rule, or not at the root: Node's 400", async () => {
      const plain = create()
      const elsewhere = create()
      elsewhere.use('/admin', noHost())
      for (const app of [plain, elsewhere]) {
        const wire = await exchange(await up(http.createServer(app)), bare)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 400 Bad Request\r\n/)
      }
      const wire = await exchange(await up(http.createServer((_req, res) => res.end('bare'))), bare)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
      assert.equal(drops.events.length, 0)
    })

    test('dryRun: judged and logged, and the answer is what it was', async () => {
      const app = create()
      app.use(noHost({ dryRun: true }))
      const wire = await exchange(await up(http.createServer(app)), bare)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
      assert.deepEqual(
        drops.events.map(({ reason, action }) => [reason, action]),
        [['no-host', 'dry-run']],
      )
    })

    test('dryRun within drop444(), however it is set: nothing but noHost judges, once', async () => {
      for (const options of [
        { noHost: { dryRun: true } },
        { noHost: true, dryRun: true },
        { noHost: true, badAgent: { dryRun: false }, dryRun: true },
      ]) {
        const app = create()
        app.use(drop444(options))
        const wire = await exchange(await up(http.createServer(app)), bare)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
        assert.deepEqual(
          drops.events.splice(0).map(({ reason, action }) => [reason, action]),
          [['no-host', 'dry-run']],
        )
      }
    })

    test('enforced within a drop444() that is a dry run otherwise', async () => {
      const app = create()
      app.use(drop444({ noHost: { dryRun: false }, badAgent: true, dryRun: true }))
      await assertSilent(app)
    })

    test('except lets health checks pass', async () => {
      const app = create()
      app.use(noHost({ except: ['loopback'] }))
      app.use((_req: unknown, res: http.ServerResponse) => {
        res.setHeader('Connection', 'close')
        res.end('healthy')
      })
      const wire = await exchange(await up(http.createServer(app)), bare)
      assert.match(wire.data.toString(), /healthy/)
    })

    test('status: 400 is answered by the rule', async () => {
      const app = create()
      app.use(noHost({ status: 400 }))
      const wire = await exchange(await up(http.createServer(app)), bare, 200)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 [\s\S]*Bad Request\n$/)
      assert.equal(drops.events[0]?.action, 'respond')
    })
  })
}

test('in a router at the root of Express', async () => {
  for (const create of [express4, express]) {
    const app = create()
    const router = express.Router()
    router.use(noHost() as unknown as express.RequestHandler)
    app.use(router)
    await assertSilent(app)
    drops.events.length = 0
  }
})

test('an app that cannot be looked into is known from its first request on', async () => {
  const rule: Rule = noHost()
  const to = await up(http.createServer((req, res) => rule(req, res, () => res.end('fine'))))
  const first = await exchange(to, get('/', { Connection: 'close' }))
  assert.match(first.data.toString(), /fine/)
  const wire = await exchange(to, bare)
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
})

test('HTTP/1.0 needs no Host for Node, and is dropped all the same', async () => {
  const app = express()
  app.use(noHost() as unknown as express.RequestHandler)
  const wire = await exchange(await up(http.createServer(app)), 'GET / HTTP/1.0\r\n\r\n')
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
})
