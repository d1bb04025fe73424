import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { after, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { settle, uncaught } from '../support/events.ts'
import { get } from '../support/raw-client.ts'
import type { Handler, ServerKind } from '../support/servers.ts'
import { assertInTime, drip, SlowSite } from './slow-site.ts'

const LIMIT = 600
/** None of the others, so that each is seen alone. */
const off = { handshakeTimeout: 0, headerTimeout: 0, bodyTimeout: 0, sendTimeout: 0 }

const post = (length: number, body = '', extra = '') =>
  `POST /form HTTP/1.1\r\nHost: localhost\r\n${extra}Content-Length: ${length}\r\n\r\n${body}`

/** Answers with the length of the body, once it is there. */
const measure: Handler = (req, res) => {
  let length = 0
  req.on('data', chunk => {
    length += chunk.length
  })
  req.on('end', () => res.end(`got ${length}`))
}

const LARGE = Buffer.alloc(20_000_000, 'x')
const large: Handler = (_req, res) => res.end(LARGE)

/** The first bytes of a TLS client. */
async function clientHello(): Promise<Buffer> {
  return new Promise(resolve => {
    const pipe = new Duplex({ read() {}, write: chunk => resolve(chunk) })
    connect({ socket: pipe as Socket, servername: 'localhost' }).on('error', () => {})
  })
}

after(() => assert.deepEqual(uncaught.splice(0), []))

describe('handshakeTimeout', { concurrency: true }, () => {
  for (const kind of ['https', 'http2'] as const) {
    const options = { ...off, handshakeTimeout: LIMIT }
    const plain = { tls: false }

    test(`${kind}: silence`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open(plain)
      const event = await site.assertSilentEnd(client, 'handshake-timeout', LIMIT)
      assert.deepEqual([event.method, event.url, event.clientAddress], ['', '', '127.0.0.1'])
    })

    test(`${kind}: half a ClientHello`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open(plain)
      const hello = await clientHello()
      client.send(hello.subarray(0, hello.length / 2))
      await site.assertSilentEnd(client, 'handshake-timeout', LIMIT)
    })

    test(`${kind}: a byte of it every 50 ms`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open(plain)
      const began = performance.now()
      await drip(client, await clientHello(), 50)
      await site.assertSilentEnd(client, 'handshake-timeout', LIMIT, began)
    })

    test(`${kind}: a whole ClientHello, and no answer to the server`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open(plain)
      const began = performance.now()
      client.send(await clientHello())
      assert.ok(await client.until(() => client.received > 0), 'it did not come')
      client.mark()
      await site.assertSilentEnd(client, 'handshake-timeout', LIMIT, began)
    })

    test(`${kind}: 0 is no limit, and a dry run tells once`, async t => {
      const [free, dry] = [
        await SlowSite.start(t, kind, off),
        await SlowSite.start(t, kind, { ...options, dryRun: true }),
      ]
      const clients = await Promise.all([free, dry].map(site => site.open(plain)))
      assert.ok(await dry.until(() => dry.events.length > 0), 'no event')
      await settle(LIMIT)
      assert.deepEqual(
        clients.map(({ end }) => end),
        ['open', 'open'],
      )
      assert.deepEqual(free.events, [])
      assert.deepEqual(
        dry.events.map(({ reason, action }) => [reason, action]),
        [['handshake-timeout', 'dry-run']],
      )
      const hello = await clientHello()
      for (const client of clients) {
        client.send(hello)
        assert.ok(await client.until(() => client.received > 0), 'it did not come')
      }
    })
  }
})

/** Kinds over which HTTP/1 is spoken. */
const kinds: ServerKind[] = ['http', 'https', 'http2-h1']

describe('headerTimeout', { concurrency: true }, () => {
  for (const kind of kinds) {
    const options = { ...off, headerTimeout: LIMIT }

    test(`${kind}: silence`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const event = await site.assertSilentEnd(await site.open(), 'header-timeout', LIMIT)
      assert.deepEqual([event.method, event.url, event.clientAddress], ['', '', '127.0.0.1'])
      assert.deepEqual([event.status, event.sentStatus, event.action], [444, undefined, 'close'])
    })

    test(`${kind}: half a head`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open()
      client.send('GET / HTTP/1.1\r\nHost: local')
      await site.assertSilentEnd(client, 'header-timeout', LIMIT)
    })

    test(`${kind}: a byte every 200 ms`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open()
      const began = performance.now()
      await drip(client, get(), 200)
      await site.assertSilentEnd(client, 'header-timeout', LIMIT, began)
    })

    for (const [name, first] of [
      ['a request', get()],
      ['a request with a body', post(4, 'body')],
    ] as const) {
      test(`${kind}: half a head behind ${name}`, async t => {
        const site = await SlowSite.start(t, kind, options)
        const client = await site.open()
        client.send(first)
        assert.ok(await client.until(() => client.text.endsWith('fine')), 'it did not come')
        client.send('GET /second HTTP/1.1\r\nHos')
        await site.assertSilentEnd(client, 'header-timeout', LIMIT)
        assert.equal(client.text.split('HTTP/1.1 ').length, 2)
      })

      test(`${kind}: half a head in the packet of ${name}`, async t => {
        const site = await SlowSite.start(t, kind, options)
        const client = await site.open()
        client.send(`${first}GET /second HTTP/1.1\r\nHos`)
        assert.ok(await client.until(() => client.text.endsWith('fine')), 'it did not come')
        client.mark()
        await site.assertSilentEnd(client, 'header-timeout', LIMIT)
      })
    }

    test(`${kind}: a byte of the second request every 200 ms`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open()
      client.send(get())
      assert.ok(await client.until(() => client.text.endsWith('fine')), 'it did not come')
      const began = performance.now()
      await drip(client, get(), 200)
      await site.assertSilentEnd(client, 'header-timeout', LIMIT, began)
    })

    test(`${kind}: 0 is no limit, and a dry run tells once`, async t => {
      const [free, dry] = [
        await SlowSite.start(t, kind, off),
        await SlowSite.start(t, kind, { ...options, dryRun: true }),
      ]
      const clients = await Promise.all([free, dry].map(site => site.open()))
      for (const client of clients) client.send('GET /')
      assert.ok(await dry.until(() => dry.events.length > 0), 'no event')
      await settle(LIMIT)
      for (const client of clients) {
        client.send(' HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert.ok(await client.until(() => client.text.endsWith('fine')), 'it did not come')
      }
      assert.deepEqual(free.events, [])
      assert.deepEqual(
        dry.events.map(({ reason, action }) => [reason, action]),
        [['header-timeout', 'dry-run']],
      )
    })
  }
})

describe('bodyTimeout', { concurrency: true }, () => {
  for (const kind of kinds) {
    const options = { ...off, bodyTimeout: LIMIT }

    for (const [name, bytes] of [
      ['no body', post(100)],
      ['half a body', post(100, 'half')],
      [
        'half a chunk',
        'POST /form HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n5\r\nha',
      ],
      [
        'no last chunk',
        'POST /form HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      ],
    ] as const) {
      test(`${kind}: ${name}`, async t => {
        const site = await SlowSite.start(t, kind, options, measure)
        const client = await site.open()
        client.send(bytes)
        const event = await site.assertSilentEnd(client, 'body-timeout', LIMIT)
        assert.deepEqual([event.method, event.url, event.host], ['POST', '/form', 'localhost'])
      })
    }

    test(`${kind}: between two reads, not in all`, async t => {
      const site = await SlowSite.start(t, kind, options, measure)
      const client = await site.open()
      client.send(post(4))
      await drip(client, 'body', LIMIT * 0.75)
      assert.ok(await client.until(() => client.text.endsWith('got 4')), client.text)
      assert.deepEqual(site.events, [])
      client.send(post(4))
      await drip(client, 'bo', LIMIT * 0.75)
      await site.assertSilentEnd(client, 'body-timeout', LIMIT, performance.now() - LIMIT * 0.75)
    })

    test(`${kind}: a body that does not come after 100 Continue`, async t => {
      const site = await SlowSite.start(t, kind, options, measure)
      const client = await site.open()
      client.send(post(4, '', 'Expect: 100-continue\r\n'))
      assert.ok(await client.until(() => client.text === 'HTTP/1.1 100 Continue\r\n\r\n'), 'it did not come')
      client.mark()
      await site.assertSilentEnd(client, 'body-timeout', LIMIT)
    })

    test(`${kind}: a body that does not come after the answer`, async t => {
      const site = await SlowSite.start(t, kind, options)
      const client = await site.open()
      client.send(post(100, 'half'))
      assert.ok(await client.until(() => client.text.endsWith('fine')), 'it did not come')
      client.mark()
      const event = await site.assertSilentEnd(client, 'body-timeout', LIMIT)
      assert.equal(event.url, '/form')
    })

    test(`${kind}: 0 is no limit, and a dry run tells once`, async t => {
      const [free, dry] = [
        await SlowSite.start(t, kind, off, measure),
        await SlowSite.start(t, kind, { ...options, dryRun: true }, measure),
      ]
      const clients = await Promise.all([free, dry].map(site => site.open()))
      for (const client of clients) client.send(post(4, 'bo'))
      assert.ok(await dry.until(() => dry.events.length > 0), 'no event')
      await settle(2 * LIMIT)
      for (const client of clients) {
        client.send('dy')
        assert.ok(await client.until(() => client.text.endsWith('got 4')), 'it did not come')
      }
      assert.deepEqual(free.events, [])
      assert.deepEqual(
        dry.events.map(({ reason, action }) => [reason, action]),
        [['body-timeout', 'dry-run']],
      )
    })
  }
})

describe('sendTimeout', { concurrency: true }, () => {
  for (const kind of kinds) {
    const options = { ...off, sendTimeout: LIMIT }

    test(`${kind}: a client that does not read`, async t => {
      const site = await SlowSite.start(t, kind, options, large)
      const client = await site.open()
      client.tcp.pause()
      client.send(get('/large'))
      const began = performance.now()
      assert.ok(await site.until(() => site.events.length > 0, LIMIT + 2_000), 'no event')
      assertInTime(performance.now() - began, LIMIT)
      const event = await site.assertOneEvent('send-timeout')
      assert.deepEqual([event.url, event.sentStatus, event.action], ['/large', 200, 'reset'])
      client.tcp.resume()
      assert.notEqual((await client.ended()).end, 'open')
      assert.ok(client.received < LARGE.length, 'all was received')
    })

    test(`${kind}: a client that reads slowly but steadily gets all`, async t => {
      const site = await SlowSite.start(t, kind, options, large)
      const client = await site.open()
      client.send(get('/large'))
      const began = performance.now()
      // Stops for a while after each megabyte.
      for (let want = 1e6; want < LARGE.length; want += 1e6) {
        assert.ok(await client.until(() => client.received >= want), 'it did not come')
        client.tcp.pause()
        await settle(LIMIT / 5)
        client.tcp.resume()
      }
      assert.ok(await client.until(() => client.received > LARGE.length), 'it did not come')
      assert.ok(performance.now() - began > 3 * LIMIT, 'too fast')
      assert.deepEqual(site.events, [])
    })

    test(`${kind}: 0 is no limit, and a dry run tells once`, async t => {
      const [free, dry] = [
        await SlowSite.start(t, kind, off, large),
        await SlowSite.start(t, kind, { ...options, dryRun: true }, large),
      ]
      const clients = await Promise.all([free, dry].map(site => site.open()))
      for (const client of clients) {
        client.tcp.pause()
        client.send(get('/large'))
      }
      assert.ok(await dry.until(() => dry.events.length > 0), 'no event')
      await settle(2 * LIMIT)
      for (const client of clients) {
        client.tcp.resume()
        assert.ok(await client.until(() => client.received > LARGE.length, 5_000), 'it did not come')
      }
      assert.deepEqual(free.events, [])
      assert.deepEqual(
        dry.events.map(({ reason, action }) => [reason, action]),
        [['send-timeout', 'dry-run']],
      )
    })
  }
})
