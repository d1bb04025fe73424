import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import Koa from 'koa'
import { badAgent, noHost, pathAllowlist, protect, rule } from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { credentials, listen } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'

const noBad = () =>
  rule('no-bad', req => req.url?.startsWith('/bad') && 'bad', { handOff: 404, trustProxy: 'loopback' })

/** What helmet and its like do: headers on every response, some of them new each time. */
let responses = 0
function everyResponse(_req: unknown, res: ServerResponse, next: () => void): void {
  responses++
  res.setHeader('X-Frame-Options', 'SAMEORIGIN')
  res.setHeader('X-Request-Id', `id-${responses}`)
  next()
}

type App = { use(...handlers: unknown[]): unknown }

function withRule<T>(app: T, ...last: unknown[]): T {
  for (const handler of [everyResponse, noBad(), ...last]) (app as App).use(handler)
  return app
}

const page = (req: { originalUrl: string }, res: { status(code: number): { send(body: string): void } }) =>
  res.status(404).send(`<h1>No page</h1><p>${req.originalUrl.replaceAll('<', '%3C')}</p><!-- GET -->`)
const json = (
  req: { url: string; method: string },
  res: { status(code: number): { json(body: unknown): void } },
) => res.status(404).json({ error: `${req.method} ${req.url}`, request: ++responses && 'x' })

/** Each with the 404 that the framework, or the app, has by itself. */
const apps: [string, () => RequestListener | Promise<RequestListener>][] = [
  ['Express 5', () => withRule(express())],
  ['Express 4', () => withRule(express4())],
  ['Express 5 without X-Powered-By', () => withRule(express().disable('x-powered-by'))],
  ['Connect', () => withRule(connect()) as RequestListener],
  ['Express 5 with a page of its own', () => withRule(express(), page)],
  ['Express 4 with JSON of its own', () => withRule(express4(), json)],
]

/** Judged by `protect`, before the framework has done anything. */
const guarded: [string, () => RequestListener | Promise<RequestListener>][] = [
  ['Express 5', () => express()],
  ['Koa', () => new Koa().callback() as RequestListener],
  [
    'Fastify',
    async () => {
      const fastify = Fastify()
      await fastify.ready()
      return ((req: IncomingMessage, res: ServerResponse) => fastify.routing(req, res)) as RequestListener
    },
  ],
]

/** With a page that no cache may keep: nothing is to be added to it. */
const unstored = (
  req: { originalUrl: string },
  res: { status(code: number): { set(fields: object): { send(body: string): void } } },
) =>
  res
    .status(404)
    .set({
      'Cache-Control': 'private, no-store',
      Expires: '0',
      Pragma: 'no-cache',
      'Surrogate-Control': 'no-store',
    })
    .send(`none: ${req.originalUrl}`)

/** A response without what is new in each; the path, whatever it is, is PATH. */
function likeness(text: string, path: string): string {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const lines = head
    .split('\r\n')
    .filter(line => !/^date:/i.test(line))
    .map(line => line.replace(/id-\d+/, 'id-N').replace(/^(etag: .{4}).*/i, '$1'))
  return `${lines.join('\n')}\n\n${body.replaceAll(path, 'PATH')}`
}

/** @param adds what a hand-off has and the app's own page has not */
async function compare(port: number, tls = false, adds = 'Cache-Control: no-store\n'): Promise<void> {
  // As long as each other, for Content-Length.
  for (const [bad, good] of [
    ['/bad-one', '/nob-one'],
    ['/bad?q=1', '/nob?q=1'],
    ['/bad%20', '/nob%20'],
  ] as const) {
    const ask = async (path: string) =>
      (await exchange({ port, tls }, get(path, { Connection: 'close' }))).data.toString()
    const dropped = await ask(bad)
    const said = likeness(dropped, bad.slice(1, 4))
    assert.equal(said.replace(adds, ''), likeness(await ask(good), good.slice(1, 4)))
    assert.ok(said.includes(adds), said)
    assert.match(dropped, /^HTTP\/1\.1 404 Not Found\r\n/)
    assert.doesNotMatch(dropped, /no-such-page|undefined/)
  }
  assert.deepEqual(
    drops.events.map(({ action, status, sentStatus }) => [action, status, sentStatus]),
    Array.from({ length: 3 }, () => ['hand-off', 444, 404]),
  )
}

describe("handOff: 404 can't be told from the app's own 404", () => {
  hooks()
  for (const [name, make] of apps) {
    test(name, async () => compare(closed(await listen(http.createServer(await make()))).port))
  }
  for (const [name, make] of guarded) {
    test(`${name}, behind protect`, async () => {
      const server = protect(http.createServer(await make()), { rules: [noBad()] })
      await compare(closed(await listen(server)).port)
    })
  }

  test('to the byte, where its page says that no cache may keep it', async () => {
    const { port } = closed(await listen(http.createServer(withRule(express(), unstored))))
    await compare(port, false, '')
  })

  test('the HTTP/1 side of an HTTP/2 server', async () => {
    const app = withRule(connect()) as never
    const server = http2.createSecureServer({ ...credentials, allowHTTP1: true }, app)
    await compare(closed(await listen(server)).port, true)
  })

  test('HTTP/2', async () => {
    const server = http2.createServer(withRule(connect()) as never)
    const { port } = closed(await listen(server))
    const client = http2.connect(`http://127.0.0.1:${port}`)
    const ask = (path: string) =>
      new Promise<string>(resolve => {
        const stream = client.request({ ':path': path })
        let text = ''
        stream.on('response', head => {
          const { date, ...rest } = head
          text = JSON.stringify(rest)
        })
        stream.setEncoding('utf8').on('data', data => {
          text += data
        })
        stream.on('close', () => resolve(text.replace(/id-\d+/, 'id-N').replace(path, 'PATH')))
      })
    const said = await ask('/bad')
    assert.equal(said.replace(',"cache-control":"no-store"', ''), await ask('/nob'))
    assert.match(said, /"cache-control":"no-store"/)
    client.close()
  })

  test('HEAD has no body, and another code is the same page', async () => {
    const strict = rule('no-bad', req => req.url === '/bad' && 'bad', {
      handOff: 403,
      trustProxy: 'loopback',
    })
    const app = express().use(strict as express.RequestHandler)
    const { port } = closed(await listen(http.createServer(app)))
    const text = async (bytes: string) => (await exchange({ port }, bytes)).data.toString()
    assert.match(
      await text(get('/bad', { Connection: 'close' })),
      /^HTTP\/1\.1 403 Forbidden[\s\S]*Cannot GET \/bad</,
    )
    const head = await text(get('/bad', { Connection: 'close' }).replace('GET', 'HEAD'))
    assert.match(head, /^HTTP\/1\.1 403 [\s\S]*Content-Length: \d{3}[\s\S]*\r\n\r\n$/)
    const posted = await text(get('/bad', { Connection: 'close' }).replace('GET', 'POST'))
    assert.match(posted, /Cannot POST \/bad</)
  })
})

describe('the question for it', () => {
  hooks()

  async function site(app: RequestListener) {
    const guarded = protect(http.createServer(app), { rules: [noBad()] })
    const { port } = closed(await listen(guarded))
    const ask = async (to: number, path: string) =>
      (await exchange({ port: to }, get(path, { Connection: 'close' }))).data.toString()
    return { server: { ask }, port }
  }

  test('is one for a server, at the first drop, and has nothing of the request in it', async () => {
    const seen: string[] = []
    const app: RequestListener = (req, res) => {
      seen.push(JSON.stringify([req.url, req.headers, req.method, req.socket.remoteAddress]))
      res.statusCode = 404
      res.end('none')
    }
    const server = protect(http.createServer(app), { rules: [noBad()] })
    const { port } = closed(await listen(server))
    const evil = get('/bad-evil', { Connection: 'close', Host: 'evil.example', Cookie: 'evil=1' })
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange({ port }, evil)))
    answers.push(await exchange({ port }, evil))
    for (const { data } of answers) assert.match(data.toString(), /\r\n\r\nnone$/)
    assert.equal(seen.length, 1)
    assert.doesNotMatch(seen[0] as string, /evil/)
    assert.match(seen[0] as string, /"drop444".*127\.0\.0\.1/)
  })

  test('an app that asks much of its socket is no worse for it', async () => {
    const { server, port } = await site((req, res) => {
      req.setTimeout(30_000)
      res.setTimeout(30_000)
      req.socket.setNoDelay(true).setKeepAlive(true).ref().unref()
      res.statusCode = 404
      res.end(`none: ${req.socket.remotePort === undefined}`)
    })
    assert.match(await server.ask(port, '/bad'), /^HTTP\/1\.1 404 [\s\S]*\r\n\r\nnone: false$/)
  })

  test("an app that throws at it is not ended: bare, and by a promise's rejection", async () => {
    for (const listener of [
      () => {
        throw new Error('bare')
      },
      async () => {
        throw new Error('later')
      },
    ]) {
      const { server, port } = await site(listener)
      assert.match(await server.ask(port, '/bad'), /^HTTP\/1\.1 404 [\s\S]*Not Found\n$/)
    }
  })

  test("has nothing of the visitor's context in it", async () => {
    const store = new AsyncLocalStorage<string>()
    const app = express()
    app.use((req, _res, next) => (req.headers.cookie ? store.run(req.headers.cookie, next) : next()))
    app.use(noBad() as express.RequestHandler)
    app.use((_req, res) => void res.status(404).send(`for ${store.getStore() ?? 'nobody'}`))
    const { port } = closed(await listen(http.createServer(app)))
    const wire = await exchange({ port }, get('/bad', { Connection: 'close', Cookie: 'attacker' }))
    assert.match(wire.data.toString(), /for nobody$/)
  })

  test('what the page says of caches counts, not what other middleware has set for pages that there are', async () => {
    const app = express()
    app.use((_req, res, next) => {
      res.setHeader('Cache-Control', 'public, max-age=3600')
      next()
    })
    app.use(noBad() as express.RequestHandler)
    app.use(
      (_req, res) =>
        void res
          .status(404)
          .set('Cache-Control', 'no-store')
          .append('Link', 'a')
          .append('Link', 'b')
          .send('x'),
    )
    const { port } = closed(await listen(http.createServer(app)))
    const text = (await exchange({ port }, get('/bad', { Connection: 'close' }))).data.toString()
    assert.match(text, /Cache-Control: no-store\r\n/)
    assert.equal(text.match(/^Link: /gm)?.length, 2)
    assert.doesNotMatch(text, /public/)
  })

  const unusable: [string, RequestListener][] = [
    [
      'in another encoding',
      (_req, res) => res.writeHead(404, { 'Content-Encoding': 'gzip' }).end(gzipSync('none')),
    ],
    [
      'in another charset',
      (_req, res) => res.writeHead(404, { 'Content-Type': 'text/plain; charset=latin1' }).end('x'),
    ],
    ['with the path in a header', (req, res) => res.writeHead(404, { Link: `<${req.url}>` }).end('x')],
    ['with the path encoded', (req, res) => res.writeHead(404).end(encodeURIComponent(req.url as string))],
  ]
  for (const [name, app] of unusable) {
    test(`a page ${name} is not used: a plain one`, async () => {
      const { server, port } = await site(app)
      const text = await server.ask(port, '/bad')
      assert.match(text, /^HTTP\/1\.1 404 [\s\S]*\r\n\r\nNot Found\n$/)
      assert.doesNotMatch(text, /no-such-page/)
    })
  }

  const fruitless: [string, RequestListener][] = [
    ['answers everything', (_req, res) => res.end('home')],
    ['never answers', () => {}],
    ['breaks off', (_req, res) => res.destroy()],
    [
      'throws away the socket half-way',
      (req, res) => {
        res.writeHead(404, { 'Content-Length': 10 })
        res.write('five.')
        setImmediate(() => req.socket.destroy())
      },
    ],
    [
      'answers without end',
      (_req, res) => {
        res.writeHead(404)
        res.write('x'.repeat(300_000))
      },
    ],
  ]
  for (const [name, app] of fruitless) {
    test(`an app that ${name}: a plain page, and then without a second's wait`, async () => {
      const server = protect(http.createServer(app), { rules: [noBad()] })
      const { port } = closed(await listen(server))
      for (const limit of [5_000, 950]) {
        const wire = await exchange({ port }, get('/bad', { Connection: 'close' }))
        assert.match(
          wire.data.toString(),
          /^HTTP\/1\.1 404 Not Found\r\nContent-Type: text\/plain[\s\S]*\r\n\r\nNot Found\n$/,
        )
        assert.ok(wire.elapsed < limit, `${wire.elapsed} ms`)
      }
    })
  }

  test('an app that throws at it is not the worse for it', async () => {
    const app = express().use(noBad() as express.RequestHandler)
    app.use(() => {
      throw new Error('the app is broken')
    })
    app.use((_error: Error, _req: unknown, res: express.Response, _next: unknown) =>
      res.status(500).end('sorry'),
    )
    const { port } = closed(await listen(http.createServer(app)))
    const wire = await exchange({ port }, get('/bad', { Connection: 'close' }))
    assert.match(wire.data.toString(), /^HTTP\/1\.1 404 /)
    await settle()
  })

  test('passes rules that would drop it too', async () => {
    // The first rules of a process are remembered in another way than the others.
    for (let i = 0; i < 40; i++) rule('filler', () => undefined)
    const app = express()
    app.set('trust proxy', 'loopback')
    app.use(pathAllowlist(['/'], { handOff: 404 }) as express.RequestHandler)
    const options = { handOff: 404, rules: [badAgent({ patterns: ['drop444'] }), noHost()] }
    const { port } = closed(await listen(protect(http.createServer(app), options)))
    const wire = await exchange({ port }, get('/bad', { Connection: 'close' }))
    assert.match(wire.data.toString(), /^HTTP\/1\.1 404 [\s\S]*Cannot GET \/bad</)
    assert.deepEqual(
      drops.events.map(({ url }) => url),
      ['/bad'],
    )
  })

  test('a path can be no markup in it', async () => {
    const { port } = closed(await listen(http.createServer(withRule(express()))))
    const wire = await exchange({ port }, get('/bad<script>&\'"', { Connection: 'close' }))
    assert.match(wire.data.toString(), /Cannot GET \/bad%3Cscript%3E&amp;&#39;%22</)
  })
})
