import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import express from 'express'
import express4 from 'express4'
import { type CommonOptions, drop, type Rule, rule } from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { kindName, kinds, listen, type RunningServer, start } from '../support/servers.ts'

let drops: ReturnType<typeof collectDrops>
let server: RunningServer

beforeEach(() => {
  drops = collectDrops()
})
afterEach(async () => {
  await server.close()
  drops.stop()
  assert.deepEqual(uncaught.splice(0), [])
})

const noBad = (options: CommonOptions): Rule =>
  rule('no-bad', req => req.url?.startsWith('/bad') && 'bad', options)
const noCookie = (_req: unknown, res: { setHeader(name: string, value: string): void }, next: () => void) => {
  res.setHeader('Set-Cookie', 'a=b')
  next()
}

for (const kind of kinds.filter(({ protocol }) => protocol === 1)) {
  describe(`hand-off to a trusted proxy: ${kindName(kind)}`, () => {
    const to = () => ({ port: server.port, tls: kind.tls, alpn: ['http/1.1'] })
    const serve = async (options: CommonOptions) => {
      server = await start(kind, [noCookie as unknown as Rule, noBad(options)], (_req, res) =>
        res.end('fine'),
      )
    }

    test('444 without a body, and the connection stays usable', async () => {
      await serve({ trustProxy: 'loopback' })
      const client = await RawClient.open(to())
      client.send(get('/bad', { 'X-Forwarded-For': '203.0.113.9' }))
      await client.until(() => client.text.includes('\r\n\r\n'))
      assert.match(client.text, /^HTTP\/1\.1 444 /)
      assert.match(client.text, /content-length: 0\r\n/i)
      assert.doesNotMatch(client.text, /set-cookie|x-powered-by|content-type|connection: close/i)
      client.send(get('/ok'))
      assert.ok(await client.until(() => client.text.endsWith('fine')))
      assert.equal(client.end, 'open')
      client.destroy()
      const [event] = drops.events
      assert.equal(drops.events.length, 1)
      assert.deepEqual(
        [event?.action, event?.status, event?.sentStatus, event?.clientAddress, event?.peerAddress],
        ['hand-off', 444, 444, '203.0.113.9', '127.0.0.1'],
      )
    })

    test('another code for proxies that cannot be told', async () => {
      await serve({ trustProxy: 'loopback', handOff: 404 })
      const client = await RawClient.open(to())
      client.send(get('/bad'))
      await client.until(() => client.text.includes('Not Found\n'))
      assert.match(client.text, /^HTTP\/1\.1 404 Not Found\r\n/)
      assert.equal(client.end, 'open')
      client.destroy()
      assert.deepEqual([drops.events[0]?.status, drops.events[0]?.sentStatus], [444, 404])
    })

    test("'close' for those who insist", async () => {
      await serve({ trustProxy: 'loopback', handOff: 'close' })
      const wire = await exchange(to(), get('/bad'))
      assert.deepEqual([wire.wireBytes, wire.end, drops.events[0]?.action], [0, 'fin', 'close'])
    })

    test('a peer that is not trusted is closed, whatever it claims', async () => {
      await serve({ trustProxy: '198.51.100.1' })
      const wire = await exchange(to(), get('/bad', { 'X-Forwarded-For': '198.51.100.1' }))
      assert.deepEqual([wire.wireBytes, wire.end, drops.events[0]?.action], [0, 'fin', 'close'])
      assert.equal(drops.events[0]?.clientAddress, '127.0.0.1')
    })

    test('a second drop leaves the connection to the proxy alone', async () => {
      const twice = rule('twice', () => undefined)
      server = await start(kind, [twice], (req, res) => {
        if (req.url !== '/bad') return res.end('fine')
        drop(req, { res, trustProxy: 'loopback' })
        drop(req, { res, trustProxy: 'loopback' })
      })
      const client = await RawClient.open(to())
      client.send(get('/bad'))
      await client.until(() => client.text.includes('\r\n\r\n'))
      client.send(get('/ok'))
      assert.ok(await client.until(() => client.text.endsWith('fine')), client.text)
      assert.equal(drops.events.length, 1)
      client.destroy()
    })

    test('a pipeline of a proxy: each gets its answer', async () => {
      await serve({ trustProxy: 'loopback' })
      const client = await RawClient.open(to())
      client.send(get('/ok') + get('/bad') + get('/ok'))
      await client.until(() => client.text.split('HTTP/1.1 ').length === 4)
      assert.deepEqual(client.text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 444', 'HTTP/1.1 200'])
      client.destroy()
    })

    test('a trust function that throws: closed, never let through', async () => {
      const trustProxy = () => {
        throw new Error('trust')
      }
      await serve({ trustProxy })
      const wire = await exchange(to(), get('/bad'))
      assert.deepEqual([wire.wireBytes, drops.events[0]?.action], [0, 'close'])
    })
  })
}

for (const kind of kinds.filter(({ protocol }) => protocol === 2)) {
  test(`hand-off over HTTP/2: only that stream is answered: ${kindName(kind)}`, async () => {
    server = await start(kind, [noBad({ trustProxy: 'loopback' })], (_req, res) => res.end('fine'))
    const client = await openHttp2({ port: server.port, tls: kind.tls })
    client.send(Buffer.concat([headers(1, '/bad'), headers(3, '/ok')]))
    const frames = () => parseFrames(client.data).filter(({ stream }) => stream > 0)
    await client.until(
      () => frames().filter(({ flags, type }) => type !== 'WINDOW_UPDATE' && flags & 1).length === 2,
    )
    assert.equal(client.end, 'open')
    const shown = frames().filter(
      ({ type }) => type === 'HEADERS' || type === 'RST_STREAM' || type === 'GOAWAY',
    )
    assert.deepEqual(
      shown.map(({ type, stream }) => [type, stream]),
      [
        ['HEADERS', 1],
        ['HEADERS', 3],
      ],
    )
    assert.equal(drops.events[0]?.action, 'hand-off')
    client.destroy()
  })
}

/** Express's own setting in all its forms; the peer is 127.0.0.1. */
const forms: [string, unknown, boolean][] = [
  ['true', true, true],
  ['false', false, false],
  ['a number of hops', 1, true],
  ['0 hops', 0, false],
  ['an address', '127.0.0.1', true],
  ['another address', '192.0.2.1', false],
  ['a name', 'loopback', true],
  ['a string with commas', '192.0.2.1, loopback', true],
  ['an array', ['192.0.2.0/24', '127.0.0.0/8'], true],
  ['a function', (address: string) => address === '127.0.0.1', true],
]

for (const [version, create] of [
  ['4', express4],
  ['5', express],
] as const) {
  describe(`Express ${version}'s trust proxy`, () => {
    for (const [name, value, trusted] of forms) {
      test(name, async () => {
        const app = create()
        app.set('trust proxy', value)
        app.use(noBad({}) as express.RequestHandler)
        server = await listen(http.createServer(app))
        const client = await RawClient.open({ port: server.port })
        client.send(get('/bad', { 'X-Forwarded-For': '203.0.113.9' }))
        await client.until(() => client.end !== 'open' || client.text.includes('\r\n\r\n'))
        assert.equal(client.text.slice(0, 12), trusted ? 'HTTP/1.1 444' : '')
        assert.equal(drops.events[0]?.clientAddress, trusted ? '203.0.113.9' : '127.0.0.1')
        client.destroy()
      })
    }

    test('in a router, and in a sub-app that inherits it or has its own', async () => {
      const app = create()
      app.set('trust proxy', 'loopback')
      const router = express.Router()
      router.use(noBad({}) as express.RequestHandler)
      app.use('/router', router)
      const inheriting = create()
      inheriting.use(noBad({}) as express.RequestHandler)
      app.use('/inherits', inheriting)
      const own = create()
      own.set('trust proxy', false)
      own.use(noBad({}) as express.RequestHandler)
      app.use('/own', own)
      server = await listen(http.createServer(app))
      for (const [path, action] of [
        ['/router', 'hand-off'],
        ['/inherits', 'hand-off'],
        ['/own', 'close'],
      ] as const) {
        const client = await RawClient.open({ port: server.port })
        client.send(get(`${path}/bad`))
        await client.until(() => drops.events.length > 0)
        client.destroy()
        const event = drops.events.pop()
        assert.deepEqual([event?.action, event?.url], [action, `${path}/bad`])
      }
    })

    test("the rule's own trustProxy wins; drop() takes one too", async () => {
      const app = create()
      app.set('trust proxy', 'loopback')
      app.use('/rule', rule('r', () => 'x', { trustProxy: false }) as express.RequestHandler)
      app.use('/drop', (req: http.IncomingMessage) => drop(req, { trustProxy: false }))
      app.use('/plain', (req: http.IncomingMessage) => drop(req))
      server = await listen(http.createServer(app))
      for (const [path, bytes] of [
        ['/rule', 0],
        ['/drop', 0],
      ] as const) {
        const wire = await exchange({ port: server.port }, get(path))
        assert.deepEqual([wire.wireBytes, wire.end], [bytes, 'fin'])
      }
      const client = await RawClient.open({ port: server.port })
      client.send(get('/plain'))
      assert.ok(await client.until(() => client.text.startsWith('HTTP/1.1 444')))
      client.destroy()
    })
  })
}

test('bare http: a proxy that uploads gets its answer, and the body does not disturb the next request', async () => {
  server = await start({ server: 'http', app: 'bare' }, [noBad({ trustProxy: 'loopback' })], (_req, res) =>
    res.end('fine'),
  )
  const client = await RawClient.open({ port: server.port })
  const body = 'x'.repeat(100_000)
  client.send(`POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}${get('/ok')}`)
  assert.ok(await client.until(() => client.text.endsWith('fine')), client.text)
  assert.deepEqual(client.text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 444', 'HTTP/1.1 200'])
  client.destroy()
  await settle(5)
})
