import assert from 'node:assert/strict'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type ProtectOptions, protect, rule } from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { exchange, get, RawClient, SOON } from '../support/raw-client.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

const garbage = 'garbage\r\n\r\n'
const chunked = (path = '/') => `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`
const badChunk = '5\r\nhello\r\nzz\r\n'

for (const tls of [false, true]) {
  describe(`malformed input: ${tls ? 'https' : 'http'}`, () => {
    let drops: ReturnType<typeof collectDrops>
    let server: RunningServer | undefined

    beforeEach(() => {
      drops = collectDrops()
    })
    afterEach(async () => {
      await server?.close()
      await settle(5)
      drops.stop()
      assert.deepEqual(uncaught.splice(0), [])
    })

    async function serve(handler: Handler, options: ProtectOptions = {}) {
      const bare = tls ? https.createServer(credentials, handler) : http.createServer(handler)
      server = await listen(protect(bare, options))
      return { port: server.port, tls, alpn: ['http/1.1'] }
    }

    /** What the events say: reason, action and what was sent. */
    const told = () => drops.events.map(({ reason, action, sentStatus }) => [reason, action, sentStatus])

    test('garbage behind a request whose answer is slow waits for it', async () => {
      const size = 2_000_000
      const to = await serve((_req, res) => {
        setTimeout(() => res.end(Buffer.alloc(size, 'x')), 100)
      })
      const wire = await exchange(to, get('/slow') + garbage + garbage, 4_000)
      assert.equal(wire.data.length - wire.data.indexOf('\r\n\r\n') - 4, size)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(told(), [['invalid-method', 'close', undefined]])
      assert.equal(drops.events[0]?.requestLine, 'garbage')
    })

    test('of a pipeline in front of garbage all is answered, in order', async () => {
      const seen: string[] = []
      const to = await serve((req, res) => {
        seen.push(req.url as string)
        setTimeout(() => res.end(`done ${req.url}`), 20)
      })
      const wire = await exchange(to, get('/1') + get('/2') + get('/3') + garbage)
      assert.match(wire.data.toString(), /done \/1[\s\S]*done \/2[\s\S]*done \/3$/)
      assert.deepEqual(seen, ['/1', '/2', '/3'])
      assert.deepEqual(told(), [['invalid-method', 'close', undefined]])
    })

    test('garbage behind a dropped request is no event of its own', async () => {
      const to = await serve(() => assert.fail('called'), { rules: [rule('no', () => 'no')] })
      const wire = await exchange(to, get('/') + garbage)
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      await settle(20)
      assert.deepEqual(told(), [['no', 'close', undefined]])
    })

    test('slow, dropped and garbage in one packet: the slow one is answered', async () => {
      const to = await serve((_req, res) => setTimeout(() => res.end('slow'), 60), {
        rules: [rule('no', req => req.url === '/bad' && 'no')],
      })
      const wire = await exchange(to, get('/slow') + get('/bad') + garbage)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 [\s\S]*slow$/)
      await settle(30)
      assert.deepEqual(told(), [['no', 'close', undefined]])
    })

    test('a broken body: nothing is sent, and the app learns of the end', async () => {
      let aborted = 0
      const to = await serve(req => {
        req.resume().once('aborted', () => aborted++)
        req.once('error', () => {})
      })
      const client = await RawClient.open(to)
      client.send(chunked())
      await settle(20)
      client.send(badChunk)
      const wire = await client.ended()
      client.destroy()
      assert.deepEqual([wire.data.length, wire.end], [0, 'fin'])
      await settle(10)
      assert.equal(aborted, 1)
      assert.deepEqual(told(), [['invalid-chunk', 'close', undefined]])
      const [event] = drops.events
      assert.deepEqual([event?.method, event?.url, event?.requestLine], ['POST', '/', undefined])
    })

    test('a broken body leaves the response to the app, which may still set a header', async () => {
      let failed: unknown
      const to = await serve((req, res) => {
        // As loggers of headers hook it.
        const { writeHead } = res
        res.writeHead = ((...head: [number]) => writeHead.apply(res, head)) as typeof writeHead
        req.resume().once('error', () => {
          try {
            res.writeHead(400, { 'Content-Type': 'text/plain' }).end('your body is broken')
          } catch (error) {
            failed = error
          }
        })
      })
      const wire = await exchange(to, chunked() + badChunk)
      assert.deepEqual([wire.data.length, wire.end], [0, 'fin'])
      await settle(20)
      assert.equal(failed, undefined)
    })

    test('a broken body behind a slow request: that one is answered', async () => {
      const seen: string[] = []
      const to = await serve((req, res) => {
        seen.push(req.url as string)
        setTimeout(() => res.end('slow'), 60)
      })
      const wire = await exchange(to, get('/slow') + chunked('/upload') + badChunk)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 [\s\S]*slow$/)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(seen, ['/slow'])
      assert.deepEqual(told(), [['invalid-chunk', 'close', undefined]])
    })

    test('a broken body whose response has started: the response goes on', async () => {
      const to = await serve((req, res) => {
        req.resume().once('error', () => {})
        res.write('first ')
        setTimeout(() => res.end('last'), 80)
      })
      const client = await RawClient.open(to)
      client.send(chunked())
      await client.until(() => client.text.includes('first'))
      client.send(badChunk)
      const wire = await client.ended()
      client.destroy()
      assert.match(wire.data.toString(), /first [\s\S]*last\r\n0\r\n\r\n$/)
      assert.deepEqual(told(), [['invalid-chunk', 'close', 200]])
    })

    test('and is given up where it waits for the rest of the body', async () => {
      const to = await serve(
        (req, res) => {
          req.once('error', () => {})
          res.write('echo: ')
          req.pipe(res)
        },
        { bodyTimeout: 300 },
      )
      const client = await RawClient.open(to)
      client.send(chunked())
      await client.until(() => client.text.includes('echo'))
      client.send(badChunk)
      const wire = await client.ended()
      client.destroy()
      assert.doesNotMatch(wire.data.toString(), /0\r\n\r\n$|400/)
      assert.ok(wire.end !== 'open' && wire.elapsed < SOON, `${wire.end} ${wire.elapsed}`)
      assert.deepEqual(told(), [['invalid-chunk', 'close', 200]])
    })

    test('a broken body while a rule is still at it: it never runs', async () => {
      const rules = [rule('slow', async () => settle(50))]
      const to = await serve(() => assert.fail('called'), { rules })
      const wire = await exchange(to, chunked() + badChunk)
      assert.deepEqual([wire.data.length, wire.end], [0, 'fin'])
      await settle(80)
      assert.deepEqual(told(), [['invalid-chunk', 'close', undefined]])
    })

    test('the client that just leaves is no event', async () => {
      const to = await serve((_req, res) => res.end('fine'))
      for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
        const client = await RawClient.open(to)
        client.tcp[leave]()
        await settle(10)
      }
      const client = await RawClient.open(to)
      client.send(get('/'))
      await client.until(() => client.text.includes('fine'))
      client.tcp.resetAndDestroy()
      await settle(20)
      assert.deepEqual(told(), [])
    })

    test('dryRun: Node answers as before, and each case is an event', async () => {
      const to = await serve((_req, res) => res.end('fine'), { dryRun: true })
      const cases: [string, number, string][] = [
        [garbage, 400, 'invalid-method'],
        [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431, 'header-too-large'],
        ['GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nConnection: close\r\n\r\n', 417, 'unknown-expectation'],
        ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'no-host'],
        ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', 200, 'duplicate-host'],
        ['OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 200, 'asterisk-target'],
      ]
      for (const [bytes, status, reason] of cases) {
        drops.events.length = 0
        const wire = await exchange(to, bytes)
        assert.match(wire.data.toString(), new RegExp(`^HTTP/1\\.1 ${status} `), reason)
        assert.deepEqual(told(), [[reason, 'dry-run', undefined]])
      }
    })

    test('except: Node answers as before, and there is no event', async () => {
      const to = await serve((_req, res) => res.end('fine'), { except: ['loopback'] })
      const wire = await exchange(to, garbage)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
      const bare = await exchange(to, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')
      assert.match(bare.data.toString(), /^HTTP\/1\.1 200 /)
      assert.deepEqual(told(), [])
    })

    test('reset: true sends RST', async () => {
      const to = await serve((_req, res) => res.end('fine'), { reset: true })
      const wire = await exchange(to, garbage)
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'rst'])
      assert.deepEqual(told(), [['invalid-method', 'reset', undefined]])
    })

    test('a trusted proxy is told, and its connection ends with the answer', async () => {
      const handler: Handler = (req, res) => {
        req.once('error', () => {})
        req.resume().once('end', () => res.end('fine'))
      }
      const to = await serve(handler, { trustProxy: 'loopback' })
      for (const bytes of [garbage, chunked() + badChunk, get('/').replace('Host: localhost\r\n', '')]) {
        drops.events.length = 0
        const wire = await exchange(to, bytes, 1_000)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 444 [\s\S]*\r\n\r\n$/, bytes)
        assert.match(wire.data.toString(), /Content-Length: 0\r\n/i)
        assert.deepEqual(
          told().map(([, ...rest]) => rest),
          [['hand-off', 444]],
        )
      }
    })
  })
}
