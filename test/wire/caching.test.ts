import assert from 'node:assert/strict'
import http, { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import express from 'express'
import { type CommonOptions, protect, type Request, type Response, rule } from '../../lib/index.ts'
import { forbidStoring } from '../../lib/wire/caching.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { closed, hooks } from '../support/watch.ts'

const later = new Date(Date.now() + 3_600_000).toUTCString()

/** All by which an app allows the caches in front of it. */
const allowing: Readonly<Record<string, string>> = {
  'Cache-Control': 'public, max-age=3600, s-maxage=7200',
  Expires: later,
  Age: '7',
  'X-Accel-Expires': '60',
  'Surrogate-Control': 'max-age=60',
  'CDN-Cache-Control': 'max-age=60',
  'Cloudflare-CDN-Cache-Control': 'max-age=60',
  'Edge-Control': 'max-age=60',
}

const fields = (text: string) =>
  text
    .split('\r\n\r\n', 1)[0]
    ?.split('\r\n')
    .filter(line =>
      /^(?:expires|age|x-accel-expires|surrogate-control|edge-control|\S*cache-control):/i.test(line),
    )

test('what allows caches is taken away, what forbids them stays', () => {
  const cases: [Record<string, string | string[]>, Record<string, string | string[]>][] = [
    [{}, { 'cache-control': 'no-store' }],
    [allowing, { 'cache-control': 'no-store' }],
    [{ 'Cache-Control': 'no-cache' }, { 'cache-control': 'no-store' }],
    [{ 'Cache-Control': 'max-age=0, x="no-store"' }, { 'cache-control': 'no-store' }],
    [{ 'Cache-Control': 'No-Store' }, { 'cache-control': 'No-Store' }],
    [
      { 'Cache-Control': 'private,no-store , max-age=0' },
      { 'cache-control': 'private,no-store , max-age=0' },
    ],
    [{ 'Cache-Control': ['private', 'no-store'] }, { 'cache-control': ['private', 'no-store'] }],
    [
      { 'Cache-Control': 'no-store', 'X-Accel-Expires': '60', 'CDN-Cache-Control': 'public' },
      { 'cache-control': 'no-store' },
    ],
    [
      {
        'Surrogate-Control': 'no-store',
        'X-Accel-Expires': '0',
        Expires: '0',
        Pragma: 'no-cache',
        Vary: '*',
      },
      {
        'surrogate-control': 'no-store',
        'x-accel-expires': '0',
        expires: '0',
        pragma: 'no-cache',
        vary: '*',
        'cache-control': 'no-store',
      },
    ],
    [
      { Expires: new Date(0).toUTCString() },
      { expires: new Date(0).toUTCString(), 'cache-control': 'no-store' },
    ],
  ]
  for (const [set, expected] of cases) {
    const res = new ServerResponse(new IncomingMessage(new Socket()))
    for (const [name, value] of Object.entries(set)) res.setHeader(name, value)
    forbidStoring(res)
    assert.deepEqual({ ...res.getHeaders() }, expected)
  }
})

const judge = (options: CommonOptions) => rule('no-bad', req => req.url?.startsWith('/bad') && 'bad', options)

type Middleware = (req: unknown, res: ServerResponse, next: () => void) => void

const ahead: Record<string, Middleware> = {
  'a header that is set': (_req, res, next) => {
    for (const [name, value] of Object.entries(allowing)) res.setHeader(name, value)
    next()
  },
  'a hook on the head': (_req, res, next) => {
    const { writeHead } = res
    res.writeHead = ((...args: Parameters<typeof writeHead>) => {
      for (const [name, value] of Object.entries(allowing)) res.setHeader(name, value)
      res.removeHeader('Cache-Control')
      res.setHeader('cache-control', 'public')
      return writeHead.apply(res, args)
    }) as never
    next()
  },
  'a hook on the end': (_req, res, next) => {
    const { end } = res
    res.end = ((...args: Parameters<typeof end>) => {
      for (const [name, value] of Object.entries(allowing)) res.setHeader(name, value)
      return end.apply(res, args)
    }) as never
    next()
  },
}

/** An Express app whose own 404 may be kept for an hour. */
function app(middleware: Middleware, options: CommonOptions): RequestListener {
  const site = express()
  site.use(middleware as never, judge(options) as never)
  site.get('/', (_req, res) => void res.send('fine'))
  site.use((_req, res) => void res.status(404).set(allowing).send('none'))
  return site
}

const proxied = { trustProxy: 'loopback' }
const answers: [string, CommonOptions, number][] = [
  ['the hand-off', proxied, 444],
  ["handOff: 404, with the app's page", { ...proxied, handOff: 404 }, 404],
  ['handOff: 204', { ...proxied, handOff: 204 }, 204],
  ['handOff: 304', { ...proxied, handOff: 304 }, 304],
  ['handOff: 200', { ...proxied, handOff: 200 }, 200],
  ...[403, 404, 429, 503].flatMap((status): [string, CommonOptions, number][] => [
    [`status: ${status}, to a proxy`, { ...proxied, status }, status],
    [`status: ${status}, to no proxy`, { status }, status],
  ]),
]

describe('no cache may keep an answer of ours', () => {
  hooks()
  for (const [name, options, code] of answers) {
    for (const [from, middleware] of Object.entries(ahead)) {
      test(`${name}, against ${from}`, async () => {
        const { port } = closed(await listen(http.createServer(app(middleware, options))))
        const wire = await exchange({ port }, get('/bad', { Connection: 'close' }))
        const text = wire.data.toString()
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${code} `))
        assert.deepEqual(fields(text), ['Cache-Control: no-store'])
        const good = (await exchange({ port }, get('/', { Connection: 'close' }))).data.toString()
        assert.match(good, /^cache-control: public/im)
      })
    }
  }

  test('by protect, of requests, upgrades, CONNECT and what is broken', async () => {
    for (const handOff of [444, 404]) {
      const options = { ...proxied, handOff }
      const server = http.createServer(app((_req, _res, next) => next(), options))
      protect(server, { ...options, rules: [judge(options)] })
      server.on('upgrade', (_req, socket) => socket.destroy())
      const { port } = closed(await listen(server))
      for (const bytes of [
        get('/bad', { Connection: 'close' }),
        get('/bad', { Connection: 'Upgrade', Upgrade: 'websocket' }),
        get('/', { Expect: 'tea', Connection: 'close' }),
        'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: a\r\nBad Header: a\r\n\r\n',
        `GET / HTTP/1.1\r\nHost: a\r\n${`A: ${'x'.repeat(7_000)}\r\n`.repeat(3)}\r\n`,
      ]) {
        const text = (await exchange({ port }, bytes)).data.toString()
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${handOff} `), bytes.slice(0, 40))
        assert.deepEqual(fields(text), ['Cache-Control: no-store'], text)
      }
    }
  })
})

describe("a handler's word on caches", () => {
  hooks()
  type Handler = (req: Request, res: ServerResponse) => unknown
  const handlers: Record<string, Handler> = {
    'by setHeader': (_req, res) => res.setHeader('Cache-Control', 'max-age=60').end('x'),
    'by writeHead with an object': (_req, res) =>
      res.writeHead(404, { 'Cache-Control': 'max-age=60' }).end('x'),
    'by writeHead with a list': (_req, res) => res.writeHead(404, ['Cache-Control', 'max-age=60']).end('x'),
    'by writeHead with a message': (_req, res) =>
      res.writeHead(404, 'Gone', { 'cache-control': 'max-age=60', 'X-Own': '1' }).end('x'),
    'by appendHeader': (_req, res) => {
      res.removeHeader('Cache-Control')
      res.appendHeader('Cache-Control', 'max-age=60').end('x')
    },
  }
  const cacheOf = (text: string) => fields(text)?.map(line => line.toLowerCase())
  for (const [name, handler] of Object.entries(handlers)) {
    test(`${name}: counts where no proxy is trusted, and not to a trusted one`, async () => {
      for (const [trusts, expected] of [
        [{}, ['cache-control: max-age=60']],
        [proxied, ['cache-control: no-store']],
      ] as const) {
        const options = { ...trusts, status: 404, handler: handler as CommonOptions['handler'] & {} }
        const { port } = closed(await listen(http.createServer(app((_q, _s, next) => next(), options))))
        const text = (await exchange({ port }, get('/bad', { Connection: 'close' }))).data.toString()
        assert.match(text, /^HTTP\/1\.1 404 [\s\S]*\r\n\r\n(?:x|1\r\nx\r\n0\r\n\r\n)$/)
        assert.deepEqual(cacheOf(text), expected, text)
        if (name.endsWith('message')) assert.match(text, /^HTTP\/1\.1 404 Gone\r\n[\s\S]*X-Own: 1/)
      }
    })
  }

  test('none: it may not be kept', async () => {
    const options = { status: 404, handler: (_req: Request, res: Response) => res.end('x') }
    const { port } = closed(
      await listen(http.createServer(app(ahead['a header that is set'] as never, options))),
    )
    const text = (await exchange({ port }, get('/bad', { Connection: 'close' }))).data.toString()
    assert.deepEqual(fields(text), ['Cache-Control: no-store'])
  })

  test('over HTTP/2', async () => {
    for (const fieldsOf of [
      { 'cache-control': 'max-age=60', 'x-own': '1' },
      [
        ['cache-control', 'max-age=60'],
        ['x-own', '1'],
      ],
    ]) {
      for (const [trusts, expected] of [
        [{}, 'max-age=60'],
        [proxied, 'no-store'],
      ] as const) {
        const handler = (_req: Request, res: Response) =>
          (res as unknown as ServerResponse).writeHead(404, fieldsOf as never).end('x')
        const only = judge({ ...trusts, status: 404, handler })
        const server = http2.createServer((req, res) => only(req, res, () => res.end()))
        const { port } = closed(await listen(server))
        const session = http2.connect(`http://127.0.0.1:${port}`)
        const stream = session.request({ ':path': '/bad' })
        const head = await new Promise<http2.IncomingHttpHeaders>(resolve => stream.once('response', resolve))
        assert.deepEqual([head['cache-control'], head['x-own']], [expected, '1'])
        stream.resume()
        session.close()
      }
    }
  })
})
