import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http, { type RequestListener } from 'node:http'
import http2, { type ServerHttp2Stream } from 'node:http2'
import https from 'node:https'
import type { Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import {
  type CallbackError,
  denyCidr,
  drop,
  noHost,
  type ProtectOptions,
  protect,
  type Request,
  type Response,
  type Rule,
  rule,
} from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { data, headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, type RawOptions } from '../support/raw-client.ts'
import { credentials, listen, type Middleware, type RunningServer } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

type Create = (listener: RequestListener) => Server

const servers: Record<'http' | 'https' | 'h2c', Create> = {
  http: listener => http.createServer(listener),
  https: listener => https.createServer(credentials, listener),
  h2c: listener => http2.createServer(listener as never),
}

let server: RunningServer | undefined
const called = (path: string) => calls.push(path)

const warnings: (Error & { code?: string })[] = []
process.on('warning', warning => warnings.push(warning))
after(() => {
  const failed = warnings.filter(({ code }) => code === 'DROP444_CALLBACK_FAILED')
  assert.deepEqual(
    [failed.length, /rule "broken" threw out of order/.test(failed[0]?.message ?? '')],
    [1, true],
  )
})

const failing: Record<string, () => Promise<never>> = {
  throws: () => {
    throw new Error('out of order')
  },
  rejects: () => settle(5).then(() => Promise.reject(new Error('out of order'))),
}

const responses = (bytes: Buffer) => parseFrames(bytes).filter(({ type }) => type === 'HEADERS').length
const payload = (bytes: Buffer) =>
  parseFrames(bytes)
    .filter(({ type }) => type === 'DATA')
    .map(frame => frame.payload.toString())
    .join('')
/** A DATA frame that is the last of its stream (RFC 9113 6.1). */
const lastData = (stream: number, bytes: string) => {
  const frame = data(stream, bytes)
  frame[4] = 1
  return frame
}

const told = () => drops.events.map(({ rule, reason }) => `${rule}: ${reason}`)

/** An app of each framework: it says the body of a POST back, and who it is. */
const frameworks: Record<string, (create: Create) => Server | Promise<Server>> = {
  async Fastify(create) {
    const app = fastify({ serverFactory: handler => create(handler) as http.Server })
    app.addContentTypeParser('*', (_req, body, done) => {
      text(body).then(read => done(null, read), done)
    })
    app.all('/*', async req => {
      called(req.url)
      return `Fastify ${req.body ?? ''}`
    })
    await app.ready()
    return app.server
  },
  Koa(create) {
    const app = new Koa()
    app.use(async ctx => {
      called(ctx.url)
      ctx.body = `Koa ${await text(ctx.req)}`
    })
    return create(app.callback())
  },
  Hono(create) {
    const app = new Hono()
    app.all('/*', async c => {
      called(c.req.path)
      return c.text(`Hono ${await c.req.text()}`)
    })
    const createServer = (_options: unknown, listener: RequestListener) => create(listener)
    return createAdaptorServer({ fetch: app.fetch, createServer: createServer as never }) as Server
  },
  'Express 4': create => create(middlewares(express4(), 'Express 4')),
  'Express 5': create => create(middlewares(express(), 'Express 5')),
  Connect: create => create(middlewares(connect(), 'Connect')),
  bare: create =>
    create((req, res) => {
      called(req.url as string)
      void text(req).then(body => res.end(`bare ${body}`))
    }),
}

function middlewares(app: unknown, name: string): RequestListener {
  const { use } = app as { use(middleware: unknown): void }
  use.call(app, (req: http.IncomingMessage, res: http.ServerResponse) => {
    called(req.url as string)
    void text(req).then(body => res.end(`${name} ${body}`))
  })
  return app as RequestListener
}

const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/x\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`

const noBad = (waits: boolean) =>
  rule(
    'no-bad',
    req => {
      const finding = req.url === '/bad' && 'bad'
      return waits ? settle(20).then(() => finding) : finding
    },
    { http2: 'goaway' },
  )

for (const [name, make] of Object.entries(frameworks)) {
  for (const kind of ['http', 'https'] as const) {
    describe(`rules of protect before ${name} on ${kind}`, () => {
      hooks()

      async function serve(options: ProtectOptions): Promise<RawOptions> {
        server = closed(await listen(protect(await make(servers[kind]), options)))
        return { port: server.port, tls: kind === 'https' }
      }

      for (const waits of [false, true]) {
        test(`what ${waits ? 'a rule that waits' : 'a rule'} drops never reaches it, the rest does`, async () => {
          const to = await serve({ rules: [noBad(waits)] })
          for (const bytes of [get('/bad'), post('/bad', 'body')]) {
            const wire = await exchange(to, bytes)
            assert.equal(wire.wireBytes, 0)
            assert.notEqual(wire.end, 'open')
          }
          assert.deepEqual([calls, told()], [[], ['no-bad: bad', 'no-bad: bad']])
          const page = await exchange(to, get('/', { Connection: 'close' }))
          assert.match(page.data.toString(), new RegExp(`^HTTP/1\\.1 200 OK[\\s\\S]*${name} $`))
          const body = await exchange(to, post('/', 'a body'))
          assert.match(body.data.toString(), new RegExp(`^HTTP/1\\.1 200 OK[\\s\\S]*${name} a body$`))
          assert.deepEqual([calls, drops.events.length], [['/', '/'], 2])
        })
      }

      for (const [what, judge] of Object.entries(failing)) {
        test(`a rule that ${what}: no byte, one event, one warning, and the error is told`, async () => {
          const errors: CallbackError[] = []
          const onError = (message: unknown) => errors.push(message as CallbackError)
          subscribe('drop444:error', onError)
          const to = await serve({
            rules: [rule('broken', judge), rule('after', () => void called('after'))],
          })
          const wire = await exchange(to, get('/'))
          unsubscribe('drop444:error', onError)
          assert.equal(wire.wireBytes, 0)
          assert.notEqual(wire.end, 'open')
          assert.deepEqual([calls, told()], [[], ['broken: rule-error']])
          assert.equal(drops.events[0]?.detail, 'out of order')
          assert.deepEqual(
            errors.map(({ source, error }) => `${source}: ${(error as Error).message}`),
            ['rule "broken": out of order'],
          )
        })
      }
    })
  }

  // Express does not run on HTTP/2.
  if (name.startsWith('Express')) continue
  describe(`rules of protect before ${name} on h2c`, () => {
    hooks()

    for (const waits of [false, true]) {
      test(`what ${waits ? 'a rule that waits' : 'a rule'} drops never reaches it, the rest does`, async () => {
        server = closed(await listen(protect(await make(servers.h2c), { rules: [noBad(waits)] })))
        const good = await openHttp2({ port: server.port })
        good.send(
          Buffer.concat([
            headers(1, '/', { ':method': 'POST', 'content-type': 'text/x', 'content-length': '6' }, false),
            lastData(1, 'a body'),
          ]),
        )
        assert.ok(await good.until(() => payload(good.data) === `${name} a body`), payload(good.data))
        good.destroy()
        const bad = await openHttp2({ port: server.port })
        bad.send(headers(1, '/bad'))
        const wire = await bad.ended()
        assert.notEqual(wire.end, 'open')
        assert.equal(responses(wire.data), 0)
        assert.deepEqual([calls, told()], [['/'], ['no-bad: bad']])
      })
    }
  })
}

describe('a rule that is mounted in the app as well', () => {
  hooks()

  const apps: Record<string, () => unknown> = {
    'Express 4': express4,
    'Express 5': express,
    Connect: connect,
  }
  for (const [name, make] of Object.entries(apps)) {
    test(`judges a request once: ${name}`, async () => {
      const judged: string[] = []
      const count = rule('count', req => void judged.push(req.url as string))
      const app = make() as { use(middleware: unknown): void }
      app.use(count)
      server = closed(
        await listen(
          protect(http.createServer(middlewares(app, name)), {
            rules: [count, noHost({ except: ['loopback'] }), count],
          }),
        ),
      )
      for (const path of ['/one', '/two']) {
        const wire = await exchange({ port: server.port }, get(path, { Connection: 'close' }))
        assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK/)
      }
      assert.deepEqual(
        [judged, calls],
        [
          ['/one', '/two'],
          ['/one', '/two'],
        ],
      )
    })
  }

  test('a middleware that is no rule may stand among the rules', async () => {
    const own: Middleware = (req, res, next) => {
      if (req.url === '/bad') drop(req, { res, rule: 'own', reason: 'bad' })
      else next(req.url === '/broken' ? new Error('out of order') : undefined)
    }
    server = closed(
      await listen(protect(http.createServer(middlewares(connect(), 'Connect')), { rules: [own as Rule] })),
    )
    for (const path of ['/bad', '/broken']) {
      assert.equal((await exchange({ port: server.port }, get(path))).wireBytes, 0)
    }
    const wire = await exchange({ port: server.port }, get('/', { Connection: 'close' }))
    assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK/)
    assert.deepEqual(calls, ['/'])
    assert.deepEqual(
      drops.events.map(({ reason }) => reason),
      ['bad', 'rule-error'],
    )
  })

  test("what the app throws stays the app's", async () => {
    const app = connect()
    app.use(rule('late', () => settle(5).then(() => undefined)))
    app.use(() => {
      throw new Error('of the app')
    })
    app.use(((error: Error, _req, res, _next) =>
      res.end(`handled ${error.message}`)) as connect.ErrorHandleFunction)
    const rules = [rule('later', () => settle(5).then(() => undefined))]
    server = closed(await listen(protect(http.createServer(app), { rules })))
    const wire = await exchange({ port: server.port }, get('/', { Connection: 'close' }))
    assert.match(wire.data.toString(), /handled of the app$/)
    assert.deepEqual(drops.events, [])
  })
})

describe("Express's trust proxy", () => {
  hooks()

  const visitor = get('/', { 'X-Forwarded-For': '203.0.113.9', Connection: 'close' })
  for (const [name, make] of Object.entries({ 'Express 4': express4, 'Express 5': express })) {
    for (const wrapped of [false, true]) {
      test(`is used by rules of protect: ${name}${wrapped ? ', as a listener that was added later' : ''}`, async () => {
        const app = make()
        const own = http.createServer()
        if (!wrapped) own.on('request', middlewares(app, name))
        protect(own, { rules: [denyCidr(['203.0.113.0/24'])] })
        if (wrapped) own.on('request', middlewares(app, name))
        server = closed(await listen(own))
        const to = { port: server.port }
        const before = await exchange(to, visitor)
        assert.match(before.data.toString(), /^HTTP\/1\.1 200 OK/)
        app.set('trust proxy', 'loopback')
        const wire = await exchange(to, visitor)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 444 /)
        assert.deepEqual(calls, ['/'])
        assert.deepEqual(
          drops.events.map(({ action, reason, clientAddress, peerAddress }) => [
            action,
            reason,
            clientAddress,
            peerAddress,
          ]),
          [['hand-off', 'denied-address', '203.0.113.9', '127.0.0.1']],
        )
      })
    }
  }

  test('gives way to the option', async () => {
    const app = express()
    app.set('trust proxy', 'loopback')
    const own = http.createServer(middlewares(app, 'Express 5'))
    server = closed(await listen(protect(own, { trustProxy: false, rules: [denyCidr(['203.0.113.0/24'])] })))
    const wire = await exchange({ port: server.port }, visitor)
    assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK/)
  })
})

for (const tls of [false, true]) {
  describe(`apps that take HTTP/2 streams, ${tls ? 'TLS' : 'h2c'}`, () => {
    hooks()

    type Api = 'stream' | 'both'

    async function serve(api: Api, rules: Rule[], added: 'before' | 'after' = 'before'): Promise<RawOptions> {
      const own = tls ? http2.createSecureServer(credentials) : http2.createServer()
      const onStream = (stream: ServerHttp2Stream, fields: http2.IncomingHttpHeaders) => {
        called(`stream ${fields[':path']}`)
        if (api === 'both') return
        stream.respond({ ':status': 200 })
        void text(stream).then(body => stream.end(`stream ${body}`))
      }
      const onRequest = (req: Request, res: Response) => {
        called(`request ${req.url}`)
        void text(req).then(body => (res as http.ServerResponse).end(`request ${body}`))
      }
      const listenTo = () => {
        own.on('stream', onStream)
        if (api === 'both') own.on('request', onRequest as never)
      }
      if (added === 'before') listenTo()
      protect(own as Server, { rules })
      if (added === 'after') listenTo()
      server = closed(await listen(own as Server))
      return { port: server.port, tls }
    }

    for (const api of ['stream', 'both'] as const) {
      const reached = (path: string) =>
        api === 'both' ? [`stream ${path}`, `request ${path}`] : [`stream ${path}`]
      const answerer = api === 'both' ? 'request' : 'stream'

      for (const waits of [false, true]) {
        for (const added of ['before', 'after'] as const) {
          test(`${api}, added ${added} protect: ${waits ? 'a rule that waits' : 'a rule'} judges each once`, async () => {
            const judged: string[] = []
            const count = rule('count', req => void judged.push(req.url as string))
            const client = await openHttp2(await serve(api, [count, noBad(waits)], added))
            const fields = { ':method': 'POST', 'content-length': '6' }
            client.send(Buffer.concat([headers(1, '/good', fields, false), lastData(1, 'a body')]))
            assert.ok(
              await client.until(() => payload(client.data) === `${answerer} a body`),
              payload(client.data),
            )
            client.mark()
            client.send(headers(3, '/bad'))
            const wire = await client.ended()
            assert.notEqual(wire.end, 'open')
            assert.equal(responses(wire.data), 1)
            assert.deepEqual([judged, calls, told()], [['/good', '/bad'], reached('/good'), ['no-bad: bad']])
          })
        }
      }

      test(`${api}: a rule that throws`, async () => {
        const client = await openHttp2(await serve(api, [rule('broken', failing.throws as () => never)]))
        client.send(headers(1, '/'))
        const isReset = () => parseFrames(client.data).some(({ type }) => type === 'RST_STREAM')
        assert.ok(await client.until(isReset))
        client.destroy()
        assert.equal(responses(client.data), 0)
        assert.deepEqual([calls, told()], [[], ['broken: rule-error']])
      })

      test(`${api}: a client that resets its stream while a rule is waiting`, async () => {
        let reached = () => {}
        const asked = new Promise<void>(resolve => {
          reached = resolve
        })
        const waits = rule('waits', () => {
          reached()
          return settle(50).then(() => undefined)
        })
        const client = await openHttp2(await serve(api, [waits]))
        client.send(headers(1, '/', { ':method': 'POST' }, false))
        await asked
        const reset = data(1, '\0\0\0\x08')
        reset[3] = 3
        client.send(reset)
        await settle(100)
        client.send(headers(3, '/second'))
        assert.ok(await client.until(() => payload(client.data) === `${answerer} `), payload(client.data))
        client.destroy()
        assert.ok(calls.includes(`stream /second`))
        assert.deepEqual(drops.events, [])
      })
    }
  })
}
