import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, describe, test } from 'node:test'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import Koa from 'koa'
import { type CommonOptions, drop444, noHost, protect } from '../../lib/index.ts'
import { brief } from '../support/ask.ts'
import { collectDrops } from '../support/events.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen, type RunningServer, start } from '../support/servers.ts'

const drops = collectDrops()
const running: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  drops.events.length = 0
  for (const server of running.splice(0)) await server.close()
})

const serverNames = ['example.com', '*.example.com', 'backend']
const rule = (options: CommonOptions = {}) => noHost({ serverNames, ...options })

async function up(server: http.Server): Promise<number> {
  const started: RunningServer = await listen(server)
  running.push(started)
  return started.port
}

/** What the app took for its name, or why it never saw the request. */
async function ask(port: number, forwarded: string | readonly string[], host = 'example.com') {
  const lines = [forwarded].flat().map(value => `X-Forwarded-Host: ${value}\r\n`)
  const bytes = get('/', { Host: host, Connection: 'close' }).replace(/\r\n$/, `${lines.join('')}\r\n`)
  const { data, wireBytes } = await exchange({ port }, bytes)
  const [event] = drops.events.splice(0)
  if (!event) return data.toString().split('\r\n\r\n')[1]
  // To a trusted proxy the drop is handed off.
  assert.match(data.toString(), wireBytes === 0 ? /^$/ : /^HTTP\/1\.1 444 /)
  return brief(event)
}

type App = http.RequestListener & {
  use(handler: unknown): void
  set(setting: string, value: unknown): void
}
type Forwarding = http.IncomingMessage & { hostname: string; host: string }

function appOf(create: unknown, trust: unknown, middlewares: readonly unknown[]): App {
  const app = (create as () => App)()
  if (trust !== undefined) app.set('trust proxy', trust)
  for (const middleware of middlewares) app.use(middleware)
  app.use((req: Forwarding, res: http.ServerResponse) => res.end(`${req.hostname}`))
  return app
}

/** What becomes `req.hostname`, and must be served. */
const believed: readonly [forwarded: string | readonly string[], expected: string][] = [
  ['example.com', 'example.com'],
  ['EXAMPLE.com:8443', 'EXAMPLE.com'],
  ['www.example.com', 'www.example.com'],
  ['evil.test', 'unknown-host: evil.test'],
  ['evil.test:443', 'unknown-host: evil.test'],
  // Express takes the first; Apache's mod_proxy adds the name of an inner proxy behind it.
  ['evil.test, example.com', 'unknown-host: evil.test'],
  ['example.com, inner.internal', 'example.com'],
  ['example.com ,x', 'example.com'],
  [['evil.test', 'example.com'], 'unknown-host: evil.test'],
  [['example.com', 'evil.test'], 'example.com'],
  ['192.0.2.1', 'ip-host: 192.0.2.1'],
  ['[::1]:80', 'ip-host: [::1]'],
  ['user@example.com', 'invalid-host: user@example.com'],
  ['a b', 'invalid-host: a b'],
  [',example.com', 'empty-host'],
  // Express goes on with Host.
  ['', 'example.com'],
]

for (const [name, create] of [
  ['Express 4', express4],
  ['Express 5', express],
] as const) {
  describe(`X-Forwarded-Host behind a trusted proxy: ${name}`, () => {
    for (const [mounted, serve] of [
      ['mounted', (trust: unknown) => http.createServer(appOf(create, trust, [rule()]))],
      [
        'by drop444',
        (trust: unknown) => http.createServer(appOf(create, trust, [drop444({ noHost: { serverNames } })])),
      ],
      [
        'in protect',
        (trust: unknown) => protect(http.createServer(appOf(create, trust, [])), { rules: [rule()] }),
      ],
    ] as const) {
      test(`what becomes req.hostname has to be served: ${mounted}`, async () => {
        for (const trust of ['loopback', 1, true, (address: string) => address === '127.0.0.1']) {
          const port = await up(serve(trust))
          for (const [forwarded, expected] of believed) {
            assert.equal(await ask(port, forwarded), expected, JSON.stringify(forwarded))
          }
          assert.equal(await ask(port, 'example.com', 'evil.test'), 'unknown-host: evil.test')
          assert.equal(await ask(port, 'www.example.com', 'backend'), 'www.example.com')
        }
      })

      test(`of a peer that nobody trusts it is not read: ${mounted}`, async () => {
        for (const trust of [undefined, false, 0, '192.0.2.1']) {
          const port = await up(serve(trust))
          for (const [forwarded] of believed) assert.equal(await ask(port, forwarded), 'example.com')
        }
      })
    }

    test('the app believes what the rule alone would not', async () => {
      const port = await up(http.createServer(appOf(create, 'loopback', [rule({ trustProxy: false })])))
      assert.equal(await ask(port, 'evil.test'), 'unknown-host: evil.test')
      const guarded = protect(http.createServer(appOf(create, 'loopback', [])), {
        trustProxy: false,
        rules: [rule({ trustProxy: false })],
      })
      assert.equal(await ask(await up(guarded), 'evil.test'), 'unknown-host: evil.test')
    })

    test('without names: what is no name', async () => {
      const port = await up(http.createServer(appOf(create, 'loopback', [noHost()])))
      assert.equal(await ask(port, 'any.test'), 'any.test')
      assert.equal(await ask(port, '192.0.2.1'), 'ip-host: 192.0.2.1')
      assert.equal(await ask(port, '@'), 'invalid-host: @')
    })

    test('a trust function that throws lets nothing pass', async () => {
      const trust = () => {
        throw new Error('trust')
      }
      const port = await up(http.createServer(appOf(create, trust, [rule()])))
      assert.doesNotMatch(String(await ask(port, 'evil.test')), /evil/)
    })
  })
}

test('Koa takes the first, Fastify the last: where it is not known which, both have to be served', async () => {
  const koa = new Koa({ proxy: true })
  koa.use(ctx => {
    ctx.body = ctx.hostname
  })
  const rules = [rule({ trustProxy: 'loopback' })]
  const koaPort = await up(protect(http.createServer(koa.callback()), { rules }))
  const app = fastify({ trustProxy: 'loopback' })
  app.get('/', async request => request.hostname)
  protect(app.server, { rules: [rule({ trustProxy: 'loopback' })] })
  await app.listen({ port: 0, host: '127.0.0.1' })
  running.push(app)
  const fastifyPort = (app.server.address() as { port: number }).port
  for (const port of [koaPort, fastifyPort]) {
    for (const [forwarded, expected] of [
      ['evil.test', 'unknown-host: evil.test'],
      ['evil.test, example.com', 'unknown-host: evil.test'],
      ['example.com, evil.test', 'unknown-host: evil.test'],
      ['example.com, middle.internal, example.com', 'example.com'],
      ['example.com,', 'empty-host'],
      ['', 'example.com'],
    ] as const) {
      assert.equal(await ask(port, forwarded), expected, forwarded)
    }
  }
})

test('HTTP/2 from a trusted proxy', async () => {
  const server = await start(
    { server: 'h2c', app: 'connect' },
    [rule({ trustProxy: 'loopback' })],
    (_req, res) => res.end('fine'),
  )
  running.push(server)
  const client = await openHttp2({ port: server.port })
  client.send(headers(1, '/', { ':authority': 'example.com', 'x-forwarded-host': 'evil.test' }))
  assert.ok(await client.until(() => drops.events.length === 1))
  client.send(headers(3, '/', { ':authority': 'example.com', 'x-forwarded-host': 'example.com' }))
  assert.ok(await client.until(() => client.text.includes('fine')))
  client.destroy()
  assert.deepEqual(drops.events.map(brief), ['unknown-host: evil.test'])
})

test('a list of 16 kB is not walked through', async () => {
  const port = await up(http.createServer(appOf(express, 'loopback', [noHost({ serverNames: ['*.a'] })])))
  const long = `a.a${',a.a'.repeat(3_500)}`
  assert.equal(await ask(port, long, 'a.a'), 'a.a')
})
