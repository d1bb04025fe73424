import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { after, describe, type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { WebSocketServer } from 'ws'
import { settle, uncaught } from '../support/events.ts'
import { get, type RawClient } from '../support/raw-client.ts'
import type { Handler, ServerKind } from '../support/servers.ts'
import { drip, SlowSite } from './slow-site.ts'

const LIMIT = 500
const limits = { handshakeTimeout: LIMIT, headerTimeout: LIMIT, bodyTimeout: LIMIT, sendTimeout: LIMIT }
/** Several limits long. */
const LONG = 3_000

const kinds: ServerKind[] = ['http', 'https', 'http2-h1']

after(() => assert.deepEqual(uncaught.splice(0), []))

async function begin(t: TestContext, kind: ServerKind, handler?: Handler) {
  const site = await SlowSite.start(t, kind, limits, handler)
  const server = site.server as Server
  // Node's own limit for a connection at rest is not what is tested.
  server.keepAliveTimeout = 60_000
  return { site, server, client: await site.open() }
}

/** All came as the app sent it, after the time it took; the connection is good for another request. */
async function assertAnswered(site: SlowSite, client: RawClient, end: string): Promise<void> {
  assert.ok(await client.until(() => client.text.endsWith(end), LONG + 4_000), client.text.slice(0, 500))
  assert.match(client.text, /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 OK\r\n/)
  assert.equal(client.end, 'open')
  client.send(get('/again'))
  assert.ok(await client.until(() => client.text.endsWith('again')), 'it did not come')
  assert.deepEqual(site.events, [])
}

/** Says `again` to the second request. */
const first =
  (handler: Handler): Handler =>
  (req, res) =>
    req.url === '/again' ? res.end('again') : handler(req, res)

const post = (length: number, headers: Record<string, string> = {}) =>
  get('/form', { 'Content-Length': String(length), ...headers }).replace('GET', 'POST')

const BIG = 4_000_000

/** Takes up to `some` bytes, then nothing for a while, then the rest. */
const pausing = (some: number): Handler =>
  first(async (req, res) => {
    let length = 0
    let hasPaused = some === 0
    if (hasPaused) await settle(LONG)
    req.on('data', chunk => {
      length += chunk.length
      if (hasPaused || length < some) return
      hasPaused = true
      req.pause()
      setTimeout(() => req.resume(), LONG)
    })
    req.on('end', () => res.end(`got ${length}`))
  })

describe('what is never hurt by time limits', { concurrency: true }, () => {
  for (const kind of kinds) {
    test(`${kind}: an app that takes its time`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((_req, res) => setTimeout(() => res.end('late'), LONG)),
      )
      client.send(get())
      await assertAnswered(site, client, 'late')
    })

    test(`${kind}: an app that takes its time with a body it has read, and with a pipeline`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((req, res) => {
          req.resume()
          setTimeout(() => res.end('late'), LONG / 2)
        }),
      )
      client.send(post(4))
      client.send(`body${post(4)}bo`)
      await client.until(() => client.text.endsWith('late'), LONG)
      client.send('dy')
      await assertAnswered(site, client, 'late')
      assert.equal(client.text.match(/late/g)?.length, 2)
    })

    for (const [name, length, some] of [
      ['a small body', 10, 0],
      ['a large body', BIG, 0],
      ['a large body half-way', BIG, BIG / 2],
    ] as const) {
      test(`${kind}: an app that leaves ${name} alone, then reads all of it`, async t => {
        const { site, client } = await begin(t, kind, pausing(some))
        client.send(post(length) + 'x'.repeat(length))
        await assertAnswered(site, client, `got ${length}`)
      })
    }

    test(`${kind}: an app that is long about each piece of a body`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first(async (req, res) => {
          let length = 0
          let pieces = 0
          for await (const piece of req) {
            length += piece.length
            if (++pieces <= 4) await settle(1.5 * LIMIT)
          }
          res.end(`got ${length} in ${pieces > 4}`)
        }),
      )
      client.send(post(BIG) + 'x'.repeat(BIG))
      await assertAnswered(site, client, `got ${BIG} in true`)
    })

    test(`${kind}: an app that never reads the body of a client that is slow with it`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((_req, res) => setTimeout(() => res.end('late'), LONG)),
      )
      client.send(post(10))
      await drip(client, 'x'.repeat(10), LIMIT / 2)
      await assertAnswered(site, client, 'late')
    })

    test(`${kind}: an app that streams`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((_req, res) => {
          let left = 13
          const timer = setInterval(() => {
            const isLast = --left === 0
            if (isLast) clearInterval(timer)
            if (isLast) res.end('last')
            else (res as ServerResponse).write('x')
          }, 300)
        }),
      )
      client.send(get())
      await assertAnswered(site, client, 'last\r\n0\r\n\r\n')
      assert.equal(client.text.match(/\r\n1\r\nx/g)?.length, 12)
    })

    test(`${kind}: a connection at rest`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((_req, res) => res.end('fine')),
      )
      client.send(get())
      await client.until(() => client.text.endsWith('fine'))
      await settle(LONG)
      await assertAnswered(site, client, 'fine')
    })

    test(`${kind}: a connection at rest after a body that nobody read`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((_req, res) => res.end('fine')),
      )
      client.send(post(100_000))
      assert.ok(await client.until(() => client.text.endsWith('fine')), 'it did not come')
      client.send('x'.repeat(100_000))
      await settle(LONG)
      await assertAnswered(site, client, 'fine')
    })

    test(`${kind}: an app that reads after a while what it was asked for with Expect`, async t => {
      const { site, client } = await begin(
        t,
        kind,
        first((req, res) => {
          setTimeout(() => {
            let body = ''
            req.on('data', chunk => {
              body += chunk
            })
            req.on('end', () => res.end(`got ${body}`))
          }, 2_000)
        }),
      )
      client.send(post(4, { Expect: '100-continue' }))
      assert.ok(await client.until(() => client.text === 'HTTP/1.1 100 Continue\r\n\r\n', 3_000), client.text)
      client.send('body')
      await assertAnswered(site, client, 'got body')
    })

    test(`${kind}: an app that streams, and never reads what was announced with Expect`, async t => {
      const { site, client } = await begin(t, kind, (_req, res) => {
        ;(res as ServerResponse).write('first ')
        setTimeout(() => res.end('last'), LONG)
      })
      client.send(post(4, { Expect: '100-continue' }))
      assert.ok(await client.until(() => client.text.endsWith('last\r\n0\r\n\r\n'), 2 * LONG), client.text)
      assert.deepEqual(site.events, [])
    })

    test(`${kind}: a quiet WebSocket`, async t => {
      const { site, server, client } = await begin(t, kind)
      const sockets = new WebSocketServer({ server })
      sockets.on('connection', socket => socket.on('message', text => socket.send(`echo ${text}`)))
      client.send(
        get('/ws', {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        }),
      )
      assert.ok(await client.until(() => client.text.startsWith('HTTP/1.1 101 ')), 'it did not come')
      for (const word of ['hi', 'ho']) {
        await settle(LONG / 2)
        // A masked text frame: RFC 6455 5.2.
        client.send(`\x81\x82\0\0\0\0${word}`)
        assert.ok(await client.until(() => client.text.endsWith(`\x81\x07echo ${word}`)), client.text)
      }
      assert.deepEqual(site.events, [])
    })

    test(`${kind}: a quiet tunnel`, async t => {
      const { site, server, client } = await begin(t, kind)
      server.on('connect', (_req: IncomingMessage, socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.on('data', bytes => socket.write(`echo ${bytes}`))
      })
      client.send('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n')
      assert.ok(await client.until(() => client.text === 'HTTP/1.1 200 OK\r\n\r\n'), client.text)
      for (const word of ['hi', 'ho']) {
        await settle(LONG / 2)
        client.send(word)
        assert.ok(await client.until(() => client.text.endsWith(`echo ${word}`)), client.text)
      }
      assert.deepEqual(site.events, [])
    })
  }
})

/** A client that sends the rest of its request while the process of the server is busy. */
const punctual = `
  const { connect } = require('node:net')
  const { parentPort, workerData } = require('node:worker_threads')
  const { port, first, rest, busy } = workerData
  let text = ''
  const client = connect(port, '127.0.0.1', () => client.write(first))
  client.on('data', chunk => { text += chunk })
  client.on('error', () => {}).on('close', () => parentPort.postMessage(text))
  parentPort.once('message', () => {
    connect(port, '127.0.0.1').on('error', () => {}).write(busy)
    setTimeout(() => client.write(rest), 300)
  })
`

for (const [name, first, rest, path] of [
  ['a head', 'GET / HTTP/1.1\r\n', 'Host: localhost\r\nConnection: close\r\n\r\n', undefined],
  ['a body', post(4, { Connection: 'close' }), 'body', '/form'],
] as const) {
  test(`${name} that came while the process was busy`, async t => {
    const arrivals = new EventEmitter()
    const site = await SlowSite.start(t, 'http', limits, (req, res) => {
      arrivals.emit(req.url as string)
      if (req.url === '/busy') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * LIMIT)
      let body = ''
      req.on('data', chunk => {
        body += chunk
      })
      req.on('end', () => res.end(`got ${body}`))
    })
    const arrived = path ? once(arrivals, path) : once(site.server, 'connection')
    const data = { port: site.to.port, first, rest, busy: get('/busy') }
    const worker = new Worker(punctual, { eval: true, workerData: data })
    t.after(() => worker.terminate())
    await arrived
    worker.postMessage('go')
    const [text] = (await once(worker, 'message')) as [string]
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*got (body)?$/)
    assert.deepEqual(
      site.events.filter(({ url }) => url === (path ?? '')),
      [],
    )
  })
}
