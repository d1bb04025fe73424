import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CommonOptions, drop, type Rule, rule } from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { data, type Frame, headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { type RawClient, SOON } from '../support/raw-client.ts'
import { type Handler, kindName, kinds, type RunningServer, start } from '../support/servers.ts'

const of = (frames: readonly Frame[], type: string) => frames.filter(frame => frame.type === type)
const streams = (frames: readonly Frame[]) => frames.map(({ stream }) => stream)

for (const kind of kinds.filter(({ protocol }) => protocol === 2)) {
  describe(`drop over HTTP/2: ${kindName(kind)}`, () => {
    let drops: ReturnType<typeof collectDrops>
    let server: RunningServer
    let client: RawClient
    let calls: string[]

    beforeEach(() => {
      drops = collectDrops()
      calls = []
    })
    afterEach(async () => {
      client.destroy()
      await server.close()
      await settle(5)
      drops.stop()
      assert.deepEqual(uncaught.splice(0), [])
    })

    const noBad = (options: CommonOptions = {}): Rule =>
      rule('no-bad', req => req.url?.startsWith('/bad') && 'bad', options)

    const serve = async (
      rules: readonly Rule[],
      handler: Handler = (req, res) => {
        if (req.url === '/slow') setTimeout(() => res.end('slow is done'), 80)
        else if (req.url === '/slower') setTimeout(() => res.end('done too'), 400)
        else res.end('fine')
      },
    ) => {
      server = await start(kind, rules, (req, res) => {
        calls.push(req.url as string)
        handler(req, res)
      })
      client = await openHttp2({ port: server.port, tls: kind.tls })
      client.mark()
      return client
    }
    /** What came since the connection was set up. */
    const since = () =>
      parseFrames(client.data).filter(({ type, stream }) => type !== 'SETTINGS' || stream !== 0)

    test('goaway: GOAWAY and RST_STREAM, no HEADERS, and the connection ends', async () => {
      await serve([noBad({ http2: 'goaway' })])
      client.send(headers(1, '/bad'))
      const wire = await client.ended(20_000)
      const frames = since()
      assert.deepEqual(of(frames, 'HEADERS'), [])
      assert.deepEqual(of(frames, 'DATA'), [])
      assert.deepEqual(streams(of(frames, 'RST_STREAM')), [1])
      assert.ok(of(frames, 'GOAWAY').length >= 1)
      assert.equal(wire.end, 'fin')
      assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
      assert.deepEqual(calls, [])
      assert.deepEqual(
        drops.events.map(({ action, httpVersion, host, url }) => [action, httpVersion, host, url]),
        [['goaway', '2.0', 'localhost', '/bad']],
      )
    })

    test('goaway: what comes before it is answered and finishes, what comes behind it is refused', async () => {
      await serve([noBad({ http2: 'goaway' })])
      client.send(
        Buffer.concat([headers(1, '/slow'), headers(3, '/bad'), headers(5, '/also'), headers(7, '/slower')]),
      )
      assert.ok(await client.until(() => of(since(), 'GOAWAY').length > 0, 20_000))
      client.send(headers(9, '/later'))
      const wire = await client.ended(20_000)
      const frames = since()
      assert.deepEqual(streams(of(frames, 'HEADERS')).sort(), [1, 5, 7])
      assert.deepEqual(streams(of(frames, 'RST_STREAM')), [3])
      // The first excludes nothing (RFC 9113 6.8); the last names what was read: a client may ask for the rest elsewhere.
      const named = of(frames, 'GOAWAY').map(({ payload }) => payload.readUInt32BE(0))
      assert.deepEqual([named[0], named.at(-1)], [2 ** 31 - 1, 7])
      // Whoever asks for one thing after the other knows of the end before it hears of the drop.
      const order = frames.map(({ type }) => type)
      assert.ok(order.indexOf('GOAWAY') < order.indexOf('RST_STREAM'))
      assert.equal(wire.end, 'fin')
      assert.deepEqual(calls, ['/slow', '/also', '/slower'])
      assert.equal(drops.events.length, 1)
    })

    test('goaway: two dropped streams in flight are two events', async () => {
      const later = rule(
        'later',
        async req => {
          await settle(20)
          return req.url?.startsWith('/bad') && 'bad'
        },
        { http2: 'goaway' },
      )
      await serve([later])
      client.send(Buffer.concat([headers(1, '/bad'), headers(3, '/bad'), headers(5, '/slow')]))
      await client.ended(20_000)
      assert.deepEqual(streams(of(since(), 'HEADERS')), [5])
      assert.equal(drops.events.length, 2)
    })

    test('destroy: the connection ends at once, with no byte', async () => {
      await serve([noBad({ http2: 'destroy' })])
      client.send(Buffer.concat([headers(1, '/slow'), headers(3, '/bad'), headers(5, '/third')]))
      const wire = await client.ended(20_000)
      assert.equal(wire.wireBytes, 0)
      assert.equal(wire.end, 'fin')
      assert.ok(wire.elapsed < SOON)
      assert.deepEqual(calls, ['/slow'])
      assert.deepEqual(
        drops.events.map(({ action }) => action),
        ['close'],
      )
    })

    test('stream: that stream is reset, nothing else', async () => {
      await serve([noBad({ http2: 'stream' })])
      client.send(headers(1, '/bad'))
      assert.ok(await client.until(() => of(since(), 'RST_STREAM').length > 0))
      client.send(headers(3, '/ok'))
      assert.ok(await client.until(() => of(since(), 'DATA').length > 0))
      const frames = since()
      assert.deepEqual(streams(of(frames, 'HEADERS')), [3])
      assert.deepEqual(of(frames, 'GOAWAY'), [])
      assert.equal(client.end, 'open')
      assert.deepEqual(
        drops.events.map(({ action }) => action),
        ['reset'],
      )
    })

    test('reset: true sends RST, with no byte', async () => {
      await serve([noBad({ reset: true })])
      client.send(headers(1, '/bad'))
      const wire = await client.ended(20_000)
      assert.equal(wire.wireBytes, 0)
      assert.equal(wire.end, 'rst')
      assert.deepEqual(
        drops.events.map(({ action }) => action),
        ['reset'],
      )
    })

    test('a body half sent', async () => {
      await serve([noBad({ http2: 'goaway' })])
      client.send(Buffer.concat([headers(1, '/bad', { ':method': 'POST' }, false), data(1, 'half')]))
      const wire = await client.ended(20_000)
      assert.deepEqual(of(since(), 'HEADERS'), [])
      assert.equal(wire.end, 'fin')
      assert.equal(drops.events.length, 1)
    })

    test('a response already started, and a second drop', async () => {
      await serve([], (req, res) => {
        ;(res as unknown as { write(chunk: string): void }).write('first')
        setTimeout(() => {
          drop(req, { res, http2: 'goaway' })
          drop(req, { res })
          res.end('second')
        }, 20)
      })
      client.send(headers(1, '/'))
      const wire = await client.ended(20_000)
      const frames = since()
      assert.equal(of(frames, 'HEADERS').length, 1)
      assert.equal(String(Buffer.concat(of(frames, 'DATA').map(({ payload }) => payload))), 'first')
      assert.deepEqual(streams(of(frames, 'RST_STREAM')), [1])
      assert.equal(wire.end, 'fin')
      assert.deepEqual(
        drops.events.map(({ sentStatus }) => sentStatus),
        [200],
      )
    })

    test('a client already gone', async () => {
      const go: (() => void)[] = []
      await serve([rule('late', () => new Promise<string>(resolve => go.push(() => resolve('late'))))])
      client.send(headers(1, '/'))
      await settle(30)
      client.destroy()
      await settle(30)
      for (const resolve of go) resolve()
      await settle(10)
      assert.deepEqual(calls, [])
      assert.equal(drops.events.length, 1)
    })

    test('drop without res', async () => {
      await serve([], req => drop(req, { http2: 'goaway' }))
      client.send(headers(1, '/'))
      const wire = await client.ended(20_000)
      assert.deepEqual(of(since(), 'HEADERS'), [])
      assert.equal(wire.end, 'fin')
      assert.equal(drops.events.length, 1)
    })
  })
}
