import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { describe, test } from 'node:test'
import { drop, type ProtectOptions, protect, type Request, type Response, rule } from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { credentials, listen } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'

const upgrade = get('/chat', { Connection: 'Upgrade', Upgrade: 'websocket' })
const upload = 'POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf'
/** What ends a connection to a proxy in a way that it understands. */
const told = /^HTTP\/1\.1 444 \r\nContent-Length: 0\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n$/

const brief = () =>
  drops.events.map(({ action, sentStatus, reason }) => `${action} ${sentStatus ?? '-'} ${reason}`)

async function guarded(options: ProtectOptions, app: http.RequestListener = () => {}, tls = false) {
  const server = tls ? https.createServer(credentials, app) : http.createServer(app)
  return closed(await listen(protect(server, { trustProxy: 'loopback', ...options })))
}

for (const tls of [false, true]) {
  describe(`what protect ends, and a trusted proxy is told of, over ${tls ? 'TLS' : 'TCP'}`, () => {
    hooks()

    test('half a head, when its time is over', async () => {
      const { port } = await guarded({ headerTimeout: 300 }, undefined, tls)
      const wire = await exchange({ port, tls }, 'GET / HTTP/1.1\r\nHost: a\r\nX-Half:')
      assert.match(wire.data.toString(), told)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(brief(), ['hand-off 444 header-timeout'])
    })

    test('the second head of a connection', async () => {
      const { port } = await guarded({ headerTimeout: 300 }, (_req, res) => res.end('fine'), tls)
      const client = await RawClient.open({ port, tls })
      client.send(get('/'))
      await client.until(() => client.text.endsWith('fine'))
      client.send('GET /half')
      const wire = await client.ended()
      assert.match(wire.data.toString(), /fineHTTP\/1\.1 444 \r\n/)
      assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 header-timeout']])
    })

    test('but not a connection that a proxy keeps ready: silence, as there is no request to answer', async () => {
      const { port } = await guarded({ headerTimeout: 300 }, undefined, tls)
      const client = await RawClient.open({ port, tls })
      client.mark()
      const wire = await client.ended()
      assert.deepEqual([wire.wireBytes, wire.end, brief()], [0, 'fin', ['close - header-timeout']])
    })

    test('a body that stops, which the app is reading', async () => {
      const read: http.RequestListener = (req, res) => {
        req.on('error', () => {})
        req.resume().on('close', () => {
          res.setHeader('X-Late', '1')
          res.end('late')
        })
      }
      const { port } = await guarded({ bodyTimeout: 300 }, read, tls)
      const wire = await exchange({ port, tls }, upload)
      assert.match(wire.data.toString(), told)
      assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 body-timeout']])
    })

    test('a body that breaks', async () => {
      const { port } = await guarded(
        {},
        (req, res) => void req.on('end', () => res.end('read')).resume(),
        tls,
      )
      const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
      const wire = await exchange({ port, tls }, chunked)
      assert.match(wire.data.toString(), told)
      assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 invalid-chunk']])
    })

    test('the body of a dropped request, which stops', async () => {
      const no = rule('no', () => 'no')
      const { port } = await guarded({ rules: [no], bodyTimeout: 300 }, undefined, tls)
      const wire = await exchange({ port, tls }, upload)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 444 /)
      assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 no']])
    })

    test("with handOff: 'close' none of it", async () => {
      const { port } = await guarded({ headerTimeout: 300, handOff: 'close' }, undefined, tls)
      const client = await RawClient.open({ port, tls })
      client.send('GET /half')
      const wire = await client.ended()
      assert.deepEqual([wire.wireBytes, wire.end, brief()], [0, 'fin', ['close - header-timeout']])
    })
  })
}

describe('a body that stops over HTTP/2', () => {
  hooks()

  test('the stream is answered, the app that runs is thrown nothing, other streams go on', async () => {
    const thrown: unknown[] = []
    const app = (req: Request, res: Response) => {
      if (req.url === '/ok') return void res.end('fine')
      req.resume()
      setTimeout(() => {
        try {
          res.setHeader('x-late', '1')
          res.removeHeader('x-late')
          res.statusCode = 200
          res.end('late')
        } catch (error) {
          thrown.push(error)
        }
      }, 1_500)
    }
    const server = protect(http2.createServer(app as never), { trustProxy: 'loopback', bodyTimeout: 300 })
    const { port } = closed(await listen(server))
    const client = await openHttp2({ port })
    const frames = (stream: number) =>
      parseFrames(client.data).filter(frame => frame.stream === stream && frame.type !== 'WINDOW_UPDATE')
    client.send(headers(1, '/up', { ':method': 'POST' }, false))
    await client.until(() => frames(1).length > 1)
    client.send(headers(3, '/ok'))
    await client.until(() => frames(3).some(({ type }) => type === 'DATA'))
    await settle(1_200)
    assert.deepEqual(
      frames(1).map(({ type, flags }) => [type, flags & 1]),
      [
        ['HEADERS', 1],
        ['RST_STREAM', 0],
      ],
    )
    assert.deepEqual([client.end, thrown, brief()], ['open', [], ['hand-off 444 body-timeout']])
    client.destroy()
  })
})

describe('drop() without a response, behind a trusted proxy', () => {
  hooks()
  const bare = { trustProxy: 'loopback' }

  test('in a plain handler it finds the one whose turn it is', async () => {
    const server = http.createServer((req, res) => (req.url === '/bad' ? drop(req, bare) : res.end('fine')))
    const { port } = closed(await listen(server))
    const client = await RawClient.open({ port })
    client.send(get('/bad'))
    await client.until(() => client.text.includes('\r\n\r\n'))
    client.send(get('/ok'))
    assert.ok(await client.until(() => client.text.endsWith('fine')))
    assert.deepEqual([client.text.slice(0, 13), client.end], ['HTTP/1.1 444 ', 'open'])
    assert.deepEqual(brief(), ['hand-off 444 drop'])
    client.destroy()
  })

  test('a response that has begun is broken off, and nothing is put into it', async () => {
    const server = http.createServer((req, res) => {
      res.writeHead(200, { 'Content-Length': 100 })
      res.write('begun')
      setTimeout(() => drop(req, bare), 20)
    })
    const { port } = closed(await listen(server))
    const wire = await exchange({ port }, get('/'))
    assert.match(wire.data.toString(), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nbegun$/)
    assert.deepEqual(brief(), ['close 200 drop'])
  })

  test("behind an answer that is out: the connection is the next visitor's", async () => {
    const server = http.createServer((req, res) => {
      res.end('fine')
      if (req.url === '/late') setTimeout(() => drop(req, { ...bare, res }), 50)
    })
    const { port } = closed(await listen(server))
    const client = await RawClient.open({ port })
    client.send(get('/late'))
    await client.until(() => client.text.endsWith('fine'))
    await settle(100)
    client.send(get('/next'))
    assert.ok(await client.until(() => client.text.split('fine').length === 3))
    assert.deepEqual([client.end, brief()], ['open', ['respond 200 drop']])
    client.destroy()
  })

  test('an upgrade', async () => {
    const server = http.createServer().on('upgrade', req => drop(req, bare))
    const { port } = closed(await listen(server))
    const wire = await exchange({ port }, upgrade)
    assert.match(wire.data.toString(), told)
    assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 drop']])
  })

  test('an upgrade whose proxy answers with RST: nobody is thrown an error', async () => {
    const server = http.createServer().on('upgrade', req => drop(req, bare))
    const { port } = closed(await listen(server))
    const client = await RawClient.open({ port })
    client.send(upgrade)
    await client.until(() => client.text.includes(' 444 '))
    client.tcp.resetAndDestroy()
    await settle(50)
    assert.deepEqual(brief(), ['hand-off 444 drop'])
  })

  test('CONNECT, which protect refuses', async () => {
    const { port } = await guarded({})
    const wire = await exchange({ port }, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')
    assert.match(wire.data.toString(), told)
    assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 connect-method']])
  })

  test('an upgrade that protect judges', async () => {
    const no = rule('no', () => 'no')
    const server = http.createServer().on('upgrade', () => assert.fail('it was let through'))
    const { port } = closed(await listen(protect(server, { ...bare, rules: [no] })))
    const wire = await exchange({ port }, upgrade)
    assert.match(wire.data.toString(), /^HTTP\/1\.1 444 [\s\S]*Connection: close\r\n\r\n$/)
    assert.deepEqual([wire.end, brief()], ['fin', ['hand-off 444 no']])
  })

  test('HTTP/2', async () => {
    const server = http2.createServer(((req: Request, res: Response) =>
      req.url === '/bad' ? drop(req, bare) : res.end('fine')) as never)
    const { port } = closed(await listen(server))
    const client = await openHttp2({ port })
    client.send(Buffer.concat([headers(1, '/bad'), headers(3, '/ok')]))
    const ofBad = () => parseFrames(client.data).filter(({ stream }) => stream === 1)
    await client.until(() => ofBad().length > 0)
    await settle()
    assert.deepEqual(
      ofBad().map(({ type, flags }) => [type, flags & 1]),
      [['HEADERS', 1]],
    )
    assert.deepEqual([client.end, brief()], ['open', ['hand-off 444 drop']])
    client.destroy()
  })
})
