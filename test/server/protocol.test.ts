import assert from 'node:assert/strict'
import http from 'node:http'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { protect } from '../../lib/index.ts'
import { exchange, RawClient } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

/** A request that stays, of HTTP/1.0 or of what Node's parser takes for it. */
const old = (path: string, protocol = 'HTTP/1.0', method = 'GET') =>
  `${method} ${path} ${protocol}\r\nConnection: keep-alive\r\n\r\n`
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n${body}`

function site() {
  const server = http.createServer((req, res) => {
    calls.push(`${req.method} ${req.url}`)
    req.resume().on('end', () => {
      res.setHeader('Content-Length', 4)
      res.end('fine')
    })
  })
  return protect(server)
}

/** @param isOther whether another protocol is among them: then the connection ends */
async function ask(isOther: boolean, ...packets: string[]) {
  const { port } = closed(await listen(site()))
  const client = await RawClient.open({ port })
  for (const packet of packets) {
    client.send(packet)
    await client.until(() => client.end !== 'open' || client.text.endsWith('fine'))
  }
  const wire = await client.ended(isOther ? 20_000 : 100)
  client.destroy()
  const answers = wire.data.toString().split('fine').length - 1
  return { answers, end: wire.end, reasons: drops.events.map(({ reason, detail }) => `${reason} ${detail}`) }
}

const none = { end: 'open', reasons: [] }
const rtsp = { end: 'fin', reasons: ['invalid-version RTSP/1.0'] }

describe('requests of HTTP/1.0, and what Node takes for them', () => {
  hooks()

  test('a pipeline of many: each is answered', async () => {
    const many = Array.from({ length: 1_500 }, (_, i) => old(`/${i}`)).join('')
    assert.deepEqual(await ask(false, many), { answers: 1_500, ...none })
    assert.equal(calls.length, 1_500)
  })

  test('RTSP behind many', async () => {
    const many = Array.from({ length: 500 }, (_, i) => old(`/${i}`)).join('')
    assert.deepEqual(await ask(true, many + old('/', 'RTSP/1.0', 'OPTIONS') + old('/behind')), {
      answers: 500,
      ...rtsp,
    })
    assert.ok(!calls.includes('GET /behind'))
  })

  test('RTSP behind a request of HTTP with the same method and target', async () => {
    assert.deepEqual(await ask(true, old('/') + old('/', 'RTSP/1.0')), { answers: 1, ...rtsp })
  })

  test('RTSP in a packet of its own, and behind blank lines', async () => {
    assert.deepEqual(await ask(true, old('/a'), `\r\n${old('/a', 'RTSP/1.0')}`), { answers: 1, ...rtsp })
  })

  const asked = 'OPTIONS / RTSP/1.0\r\n\r\n'
  const star = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'
  const behind: [string, string, string][] = [
    ['one that does not stay', 'GET /a HTTP/1.0\r\n\r\n', asked],
    ['one that asks to stay, and is not kept', old('/a'), asked],
    ['a body that does not end its line', post('/a', 'hi'), asked],
    ['a body that ends in capitals', post('/a', 'HI'), asked],
    ['a body of HTTP/1.1', 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', asked],
    [
      'a body of HTTP/1.1 that is the last',
      'POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nHI',
      asked,
    ],
  ]
  for (const isKept of [true, false]) {
    for (const [name, first, what] of [
      ...behind,
      ...behind.map(([name, first]) => [`${name}, *`, first, star] as const),
    ]) {
      test(`RTSP in one packet behind ${name}; ${isKept ? '' : 'not '}kept: one event, as alone`, async () => {
        const ran: string[] = []
        const server = http.createServer((req, res) => {
          ran.push(`${req.method} ${req.url}`)
          req.resume().on('end', () => {
            if (isKept) res.setHeader('Content-Length', 4)
            res.end('fine')
          })
        })
        const { port } = closed(await listen(protect(server)))
        const wire = await exchange({ port }, first + what)
        assert.equal(wire.end, 'fin')
        assert.match(wire.data.toString(), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nfine$/)
        assert.equal(wire.data.toString().split('HTTP/1.1').length, 2)
        assert.equal(ran.length, 1)
        const alone = closed(await listen(protect(http.createServer(() => assert.fail('ran')))))
        assert.equal((await exchange({ port: alone.port }, what)).data.length, 0)
        const [one, other, ...rest] = drops.events.map(
          ({ action, reason, detail, method, url, httpVersion, requestLine }) => ({
            action,
            reason,
            detail,
            method,
            url,
            httpVersion,
            requestLine,
          }),
        )
        assert.deepEqual([one, rest], [other, []])
        assert.equal(one?.reason, what === star ? 'asterisk-target' : 'invalid-version')
      })
    }
  }

  test('in a dry run, and behind what a proxy sent, a request of RTSP behind another goes on as before', async () => {
    for (const [options, actions] of [
      [{ dryRun: true }, ['dry-run']],
      [{ except: ['loopback'] }, []],
      [{ trustProxy: 'loopback' }, ['hand-off']],
    ] as const) {
      drops.events.length = 0
      const server = http.createServer((_req, res) => res.setHeader('Content-Length', 4).end('fine'))
      const { port } = closed(await listen(protect(server, options)))
      const client = await RawClient.open({ port })
      client.send(old('/a') + old('/', 'RTSP/1.0', 'OPTIONS'))
      await client.until(() => client.text.split('HTTP/1.1').length === 3)
      client.destroy()
      assert.deepEqual(
        drops.events.map(({ action }) => action),
        actions,
      )
    }
  })

  test('a body, or a header, that quotes it', async () => {
    const quote = 'GET /b RTSP/1.0\r\n'
    assert.deepEqual(await ask(false, old('/b') + post('/a', quote) + old('/c') + post('/d', quote)), {
      answers: 4,
      ...none,
    })
    drops.events.length = 0
    assert.deepEqual(await ask(false, `GET /e HTTP/1.0\r\nConnection: keep-alive\r\nX: / RTSP/1.0\r\n\r\n`), {
      answers: 1,
      ...none,
    })
  })

  test('a line that began in an earlier packet does not hide those behind it', async () => {
    const first = old('/split')
    const rest = first.slice(6) + old('/') + old('/', 'RTSP/1.0')
    const { port } = closed(await listen(site()))
    const client = await RawClient.open({ port })
    client.send(first.slice(0, 6))
    await new Promise(resolve => setTimeout(resolve, 50))
    client.send(rest)
    const wire = await client.ended(5_000)
    assert.deepEqual(
      [wire.data.toString().split('fine').length - 1, wire.end, drops.events.map(({ detail }) => detail)],
      [2, 'fin', ['RTSP/1.0']],
    )
  })

  test('Node copies a packet when it is asked for it: once, however many requests are in it', async () => {
    const server = site()
    let copies = 0
    server.on('connection', (socket: Socket & { parser?: { getCurrentBuffer(): Buffer } }) => {
      const { parser } = socket
      assert.ok(parser)
      const original = parser.getCurrentBuffer
      parser.getCurrentBuffer = () => {
        copies++
        return original.call(parser)
      }
      socket.once('close', () => Reflect.deleteProperty(parser, 'getCurrentBuffer'))
    })
    const { port } = closed(await listen(server))
    const client = await RawClient.open({ port })
    const requests = [
      old('/x').repeat(1_000),
      // Node runs ticks behind each of them.
      post('/x', 'GET / RTSP/1.0\r\n').repeat(500),
      old('/x').repeat(1_000) + old('/', 'ICE/1.0', 'SOURCE'),
    ]
    let answers = 0
    for (const packet of requests) {
      client.send(packet)
      answers += packet.split('/x').length - 1
      await client.until(() => client.text.split('fine').length > answers, 20_000)
    }
    await client.ended(20_000)
    assert.equal(client.text.split('fine').length, 2_501)
    // A packet of the client's may come in several.
    assert.ok(copies >= 3 && copies <= 25, `${copies} copies for 2,500 requests`)
    assert.deepEqual(
      drops.events.map(({ detail }) => detail),
      ['ICE/1.0'],
    )
    client.destroy()
  })

  test('over a stream that does not count what it has read', async () => {
    const server = site()
    const { port } = closed(await listen(server))
    const client = connect(port, '127.0.0.1')
    client.destroy()
    let text = ''
    const stream = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        text += chunk
        done()
      },
    })
    server.emit('connection', stream)
    const settled = () => new Promise(resolve => setTimeout(resolve, 50))
    stream.push(old('/a').repeat(50))
    await settled()
    assert.equal(text.split('fine').length, 51)
    stream.push(old('/b') + old('/b', 'RTSP/1.0'))
    await settled()
    assert.deepEqual([text.split('fine').length, stream.writableEnded], [52, true])
    assert.equal(drops.events[0]?.detail, 'RTSP/1.0')
  })
})
