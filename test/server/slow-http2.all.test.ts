import assert from 'node:assert/strict'
import type { ServerHttp2Stream } from 'node:http2'
import { after, describe, test } from 'node:test'
import type { DropEvent, ProtectOptions } from '../../lib/index.ts'
import { settle, uncaught } from '../support/events.ts'
import { data, headers, openHttp2, parseFrames, preface } from '../support/http2-frames.ts'
import type { RawClient } from '../support/raw-client.ts'
import type { Handler } from '../support/servers.ts'
import { assertInTime, drip, SlowSite } from './slow-site.ts'

const LIMIT = 600
/** None of the others, so that each is seen alone. */
const off = { handshakeTimeout: 0, headerTimeout: 0, bodyTimeout: 0, sendTimeout: 0 }

/** Answers with the length of the body, once it is there. */
const measure: Handler = (req, res) => {
  let length = 0
  req.on('error', () => {})
  req.on('data', chunk => {
    length += chunk.length
  })
  req.on('end', () => res.end(`got ${length}`))
}

const LARGE = Buffer.alloc(20_000_000, 'x')
const large: Handler = (_req, res) => res.end(LARGE)

/** A frame without payload of its own, by its type (RFC 9113 6). */
function bare(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const ping = bare(6, 0, 0, Buffer.alloc(8))
const endOfStream = (stream: number) => bare(0, 1, stream, Buffer.alloc(0))

function windowUpdate(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return bare(8, 0, stream, payload)
}

/** Headers that want a body, without the end of the stream. */
const post = (stream: number, extra: Record<string, string> = {}) =>
  headers(stream, '/form', { ':method': 'POST', ...extra }, false)

const framesOf = (client: RawClient, type: string, stream?: number) =>
  parseFrames(client.data).filter(one => one.type === type && (stream === undefined || one.stream === stream))

/** The text of the DATA frames of a stream. */
const bodyOf = (client: RawClient, stream: number) =>
  Buffer.concat(framesOf(client, 'DATA', stream).map(({ payload }) => payload)).toString()

/** Ended in time, and with no frame of the request's. */
async function assertEnd(
  site: SlowSite,
  client: RawClient,
  reason: string,
  since: number,
): Promise<DropEvent> {
  await client.ended(LIMIT + 2_000)
  const elapsed = performance.now() - since
  assert.notEqual(client.end, 'open')
  assertInTime(elapsed, LIMIT)
  const types = parseFrames(client.data).map(({ type }) => type)
  const allowed = reason === 'body-timeout' ? [...quiet, 'RST_STREAM', 'GOAWAY'] : quiet
  assert.deepEqual(
    types.filter(type => !allowed.includes(type)),
    [],
  )
  // The session waits a while for the client's FIN.
  client.destroy()
  return site.assertOneEvent(reason)
}

/** What the protocol sends by itself. */
const quiet = ['SETTINGS', 'PING', 'WINDOW_UPDATE']

const told = (events: readonly DropEvent[]) => events.map(({ reason, action }) => `${reason} ${action}`)

after(() => assert.deepEqual(uncaught.splice(0), []))

describe('slow clients', { concurrency: true }, () => {
  for (const kind of ['h2c', 'http2'] as const) {
    describe(kind, { concurrency: true }, () => {
      const header = { ...off, headerTimeout: LIMIT }

      for (const [name, bytes] of [
        ['silence', ''],
        ['half a preface', 'PRI * HTTP/2.0\r\n'],
      ] as const) {
        test(`headerTimeout: ${name}`, async t => {
          const site = await SlowSite.start(t, kind, header)
          const client = await site.open()
          if (bytes) client.send(bytes)
          await site.assertSilentEnd(client, 'header-timeout', LIMIT)
        })
      }

      test('headerTimeout: a byte of the preface every 100 ms', async t => {
        const site = await SlowSite.start(t, kind, header)
        const client = await site.open()
        const began = performance.now()
        await drip(client, preface, 100)
        await site.assertSilentEnd(client, 'header-timeout', LIMIT, began)
      })

      const request = headers(1, '/')
      for (const [name, bytes] of [
        ['silence', Buffer.alloc(0)],
        ['half a head', request.subarray(0, request.length / 2)],
        ['a head without its end', bare(1, 1, 1, request.subarray(9))],
      ] as const) {
        test(`headerTimeout: ${name} behind the preface`, async t => {
          const site = await SlowSite.start(t, kind, header)
          const began = performance.now()
          const client = await openHttp2(site.to)
          t.after(() => client.destroy())
          client.send(bytes)
          const event = await assertEnd(site, client, 'header-timeout', began)
          assert.deepEqual([event.method, event.url, event.action], ['', '', 'close'])
        })
      }

      test('headerTimeout: a PING every 100 ms', async t => {
        const site = await SlowSite.start(t, kind, header)
        const began = performance.now()
        const client = await openHttp2(site.to)
        t.after(() => client.destroy())
        while (client.end === 'open' && performance.now() - began < 3 * LIMIT) {
          client.send(ping)
          await client.until(() => client.end !== 'open', 100)
        }
        await assertEnd(site, client, 'header-timeout', began)
      })

      const bodies = { ...off, bodyTimeout: LIMIT }

      for (const [name, bytes] of [
        ['no body', post(1)],
        ['no body of the length that it has', post(1, { 'content-length': '9' })],
        ['half a body', Buffer.concat([post(1), data(1, 'half')])],
        ['half a frame', Buffer.concat([post(1), data(1, 'half').subarray(0, 11)])],
      ] as const) {
        test(`bodyTimeout: ${name}`, async t => {
          const site = await SlowSite.start(t, kind, bodies, measure)
          const client = await openHttp2(site.to)
          t.after(() => client.destroy())
          client.send(bytes)
          const event = await assertEnd(site, client, 'body-timeout', performance.now())
          assert.deepEqual([event.method, event.url, event.action], ['POST', '/form', 'goaway'])
        })
      }

      test('bodyTimeout: between two reads, not in all', async t => {
        const site = await SlowSite.start(t, kind, bodies, measure)
        const client = await openHttp2(site.to)
        t.after(() => client.destroy())
        client.send(post(1))
        for (const byte of 'body') {
          await settle(LIMIT * 0.75)
          client.send(data(1, byte))
        }
        await settle(LIMIT * 0.75)
        client.send(endOfStream(1))
        assert.ok(await client.until(() => bodyOf(client, 1) === 'got 4'), 'it did not come')
        assert.deepEqual(site.events, [])
      })

      test('bodyTimeout: the stream beside a slow one is answered', async t => {
        const site = await SlowSite.start(t, kind, bodies, (req, res) => {
          if (req.url === '/form') measure(req, res)
          else setTimeout(() => res.end('late'), 2 * LIMIT)
        })
        const client = await openHttp2(site.to)
        t.after(() => client.destroy())
        client.send(Buffer.concat([post(1), headers(3, '/beside')]))
        assert.ok(await client.until(() => bodyOf(client, 3) === 'late', 3 * LIMIT), 'it did not come')
        await client.ended()
        assert.notEqual(client.end, 'open')
        assert.deepEqual(framesOf(client, 'HEADERS', 1), [])
        client.destroy()
        await site.assertOneEvent('body-timeout')
      })

      const sending = { ...off, sendTimeout: LIMIT }

      for (const reads of [false, true]) {
        test(`sendTimeout: a client that does not ${reads ? 'open its window' : 'read'}`, async t => {
          const site = await SlowSite.start(t, kind, sending, large)
          const client = await openHttp2(site.to)
          t.after(() => client.destroy())
          if (!reads) {
            client.send(windowUpdate(0, 1e9))
            client.tcp.pause()
          }
          client.send(Buffer.concat([headers(1, '/large'), ...(reads ? [] : [windowUpdate(1, 1e9)])]))
          const began = performance.now()
          assert.ok(await site.until(() => site.events.length > 0, LIMIT + 2_000), 'no event')
          assertInTime(performance.now() - began, LIMIT)
          const event = await site.assertOneEvent('send-timeout')
          assert.deepEqual([event.url, event.sentStatus, event.action], ['/large', 200, 'reset'])
          client.tcp.resume()
          assert.notEqual((await client.ended()).end, 'open')
          assert.ok(client.received < LARGE.length, 'all was received')
        })
      }

      test('sendTimeout: a client that opens its window slowly but steadily gets all', async t => {
        const length = 300_000
        const site = await SlowSite.start(t, kind, sending, (_req, res) => res.end(LARGE.subarray(0, length)))
        const client = await openHttp2(site.to)
        t.after(() => client.destroy())
        client.send(headers(1, '/large'))
        for (let window = 65_535; window < length; window += 50_000) {
          assert.ok(await client.until(() => bodyOf(client, 1).length === window), 'it did not come')
          await settle(0.75 * LIMIT)
          client.send(Buffer.concat([windowUpdate(0, 50_000), windowUpdate(1, 50_000)]))
        }
        assert.ok(await client.until(() => bodyOf(client, 1).length === length), 'it did not come')
        assert.deepEqual(site.events, [])
      })

      test('bodyTimeout: an app that takes streams itself', async t => {
        const site = await SlowSite.start(t, kind, bodies)
        site.server.removeAllListeners('request').removeAllListeners('stream')
        site.server.on('stream', (stream: ServerHttp2Stream) => stream.on('error', () => {}).resume())
        const client = await openHttp2(site.to)
        t.after(() => client.destroy())
        client.send(post(1))
        await assertEnd(site, client, 'body-timeout', performance.now())
      })

      test('sendTimeout: an app that takes streams itself', async t => {
        const site = await SlowSite.start(t, kind, sending)
        site.server.removeAllListeners('request').removeAllListeners('stream')
        site.server.on('stream', (stream: ServerHttp2Stream) => {
          stream.on('error', () => {}).respond({ ':status': 200 })
          stream.end(LARGE)
        })
        const client = await openHttp2(site.to)
        t.after(() => client.destroy())
        client.send(headers(1, '/large'))
        const { elapsed } = await client.ended(LIMIT + 2_000)
        assertInTime(elapsed, LIMIT)
        const event = await site.assertOneEvent('send-timeout')
        assert.deepEqual([event.url, event.sentStatus], ['/large', 200])
      })

      for (const [name, options, request, rest] of [
        ['header', header, Buffer.alloc(0), headers(1, '/')],
        ['body', bodies, post(1), endOfStream(1)],
      ] as [string, ProtectOptions, Buffer, Buffer][]) {
        test(`${name}Timeout: 0 is no limit, and a dry run tells once`, async t => {
          const free = await SlowSite.start(t, kind, off, measure)
          const dry = await SlowSite.start(t, kind, { ...options, dryRun: true }, measure)
          const clients = [await openHttp2(free.to), await openHttp2(dry.to)]
          t.after(() => clients.forEach(client => void client.destroy()))
          for (const client of clients) client.send(request)
          assert.ok(await dry.until(() => dry.events.length > 0), 'no event')
          await settle(2 * LIMIT)
          for (const client of clients) {
            client.send(rest)
            assert.ok(await client.until(() => bodyOf(client, 1) === 'got 0'), 'it did not come')
          }
          assert.deepEqual(told(free.events), [])
          assert.deepEqual(told(dry.events), [`${name}-timeout dry-run`])
        })
      }

      test('sendTimeout: 0 is no limit, and a dry run tells once', async t => {
        const handler: Handler = (_req, res) => res.end(LARGE.subarray(0, 100_000))
        const free = await SlowSite.start(t, kind, off, handler)
        const dry = await SlowSite.start(t, kind, { ...sending, dryRun: true }, handler)
        const clients = [await openHttp2(free.to), await openHttp2(dry.to)]
        t.after(() => clients.forEach(client => void client.destroy()))
        for (const client of clients) client.send(headers(1, '/large'))
        assert.ok(await dry.until(() => dry.events.length > 0), 'no event')
        await settle(2 * LIMIT)
        for (const client of clients) {
          client.send(Buffer.concat([windowUpdate(0, 50_000), windowUpdate(1, 50_000)]))
          assert.ok(await client.until(() => bodyOf(client, 1).length === 100_000), 'it did not come')
        }
        assert.deepEqual(told(free.events), [])
        assert.deepEqual(told(dry.events), ['send-timeout dry-run'])
      })
    })
  }
})
