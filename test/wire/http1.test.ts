import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { drop, type Rule, rule } from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { exchange, get, RawClient, SOON } from '../support/raw-client.ts'
import { type Handler, kindName, kinds, type RunningServer, start } from '../support/servers.ts'

const post = (path: string, length: number, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${body}`

for (const kind of kinds.filter(({ protocol }) => protocol === 1)) {
  describe(`drop over HTTP/1: ${kindName(kind)}`, () => {
    let drops: ReturnType<typeof collectDrops>
    let server: RunningServer
    let calls: string[]

    beforeEach(() => {
      drops = collectDrops()
      calls = []
    })
    afterEach(async () => {
      await server.close()
      await settle(5)
      drops.stop()
      assert.deepEqual(uncaught.splice(0), [])
    })

    const noBad = (options = {}): Rule => rule('no-bad', req => req.url?.startsWith('/bad') && 'bad', options)
    const serve = async (rules: readonly Rule[], handler: Handler = (_req, res) => res.end('fine')) => {
      server = await start(kind, rules, (req, res) => {
        calls.push(req.url as string)
        handler(req, res)
      })
      return { port: server.port, tls: kind.tls, alpn: ['http/1.1'] }
    }

    test('sends no byte, closes with FIN at once, and publishes one event', async () => {
      const to = await serve([noBad()])
      const wire = await exchange(to, get('/bad?q', { Referer: 'http://r/', 'User-Agent': 'ua' }))
      assert.equal(wire.wireBytes, 0)
      assert.equal(wire.end, 'fin')
      assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
      assert.deepEqual(calls, [])
      assert.equal(drops.events.length, 1)
      const [event] = drops.events
      assert.ok(event && Object.isFrozen(event))
      const { time, ...rest } = event
      assert.ok(Math.abs(time - Date.now()) < 5_000)
      assert.deepEqual(rest, {
        status: 444,
        sentStatus: undefined,
        action: 'close',
        rule: 'no-bad',
        reason: 'bad',
        detail: undefined,
        bodyBytesSent: 0,
        clientAddress: '127.0.0.1',
        peerAddress: '127.0.0.1',
        remoteUser: undefined,
        method: 'GET',
        url: '/bad?q',
        httpVersion: '1.1',
        host: 'localhost',
        referer: 'http://r/',
        userAgent: 'ua',
        requestLine: undefined,
      })
    })

    test('passes every other request untouched, on the same connection too', async () => {
      const to = await serve([noBad()])
      const client = await RawClient.open(to)
      for (const [index, path] of ['/a', '/b'].entries()) {
        client.send(get(path))
        const answered = () => client.text.split('\r\n\r\nfine').length === index + 2
        assert.ok(await client.until(answered), client.text)
      }
      assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
      client.send(get('/bad'))
      const wire = await client.ended()
      assert.equal(wire.wireBytes, 0)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(calls, ['/a', '/b'])
    })

    test('reset: true sends RST', async () => {
      const to = await serve([noBad({ reset: true })])
      const wire = await exchange(to, get('/bad'))
      assert.equal(wire.wireBytes, 0)
      assert.equal(wire.end, 'rst')
      assert.deepEqual(
        drops.events.map(({ action }) => action),
        ['reset'],
      )
    })

    test('HTTP/1.0', async () => {
      const to = await serve([noBad()])
      const wire = await exchange(to, 'GET /bad HTTP/1.0\r\n\r\n')
      assert.equal(wire.wireBytes, 0)
      assert.equal(wire.end, 'fin')
      assert.equal(drops.events[0]?.httpVersion, '1.0')
    })

    test('in a pipeline: the slow one before it arrives whole, the third never runs', async () => {
      let served = 0
      const to = await serve([noBad()], (_req, res) => {
        served++
        setTimeout(() => res.end('x'.repeat(200_000)), 60)
      })
      const client = await RawClient.open(to)
      client.send(get('/slow') + get('/bad') + get('/third'))
      const wire = await client.ended()
      const [head = '', body = ''] = wire.data.toString().split('\r\n\r\n')
      assert.match(head, /^HTTP\/1\.1 200/)
      assert.equal(body, 'x'.repeat(200_000))
      assert.equal(wire.end, 'fin')
      assert.ok(wire.elapsed >= 50)
      assert.equal(served, 1)
      assert.deepEqual(calls, ['/slow'])
      assert.equal(drops.events.length, 1)
    })

    test('two slow ones before it, and reset: true, which then waits and ends with FIN', async () => {
      const to = await serve([noBad({ reset: true })], (req, res) => {
        setTimeout(() => res.end(`done ${req.url}`), req.url === '/one' ? 60 : 10)
      })
      const wire = await exchange(to, get('/one') + get('/two') + get('/bad') + get('/third'))
      assert.match(wire.data.toString(), /done \/one[\s\S]*done \/two$/)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(calls, ['/one', '/two'])
      assert.deepEqual(
        drops.events.map(({ action }) => action),
        ['close'],
      )
    })

    test('an earlier large response reaches a slow reader whole', async () => {
      const size = 4_000_000
      const to = await serve([noBad()], (_req, res) => res.end(Buffer.alloc(size, 'x')))
      const client = await RawClient.open(to)
      client.tcp.pause()
      client.send(get('/large') + get('/bad'))
      await settle(100)
      client.tcp.resume()
      const wire = await client.ended()
      assert.equal(wire.data.length - wire.data.indexOf('\r\n\r\n') - 4, size)
      assert.equal(wire.end, 'fin')
    })

    test('an earlier response arrives whole while the dropped request is still uploading', async () => {
      const size = 1_000_000
      const to = await serve([noBad()], (_req, res) => {
        setTimeout(() => res.end(Buffer.alloc(size, 'x')), 30)
      })
      const client = await RawClient.open(to)
      client.send(get('/large') + post('/bad', 3_000_000, 'y'.repeat(1_000_000)))
      await client.until(() => client.data.length >= size + 100)
      assert.equal(client.data.length - client.data.indexOf('\r\n\r\n') - 4, size)
      client.finish()
      const wire = await client.ended()
      assert.notEqual(wire.end, 'open')
    })

    test('a body half sent', async () => {
      const to = await serve([noBad()])
      const wire = await exchange(to, post('/bad', 1000, 'half'))
      assert.equal(wire.wireBytes, 0)
      assert.notEqual(wire.end, 'open')
      assert.equal(drops.events.length, 1)
    })

    test('a client already gone', async () => {
      const go: (() => void)[] = []
      const to = await serve([
        rule('late', () => new Promise<string>(resolve => go.push(() => resolve('late')))),
      ])
      const client = await RawClient.open(to)
      client.send(get('/'))
      await settle(30)
      client.destroy()
      await settle(30)
      for (const resolve of go) resolve()
      await settle(10)
      assert.deepEqual(calls, [])
      assert.equal(drops.events.length, 1)
      assert.equal(drops.events[0]?.reason, 'late')
    })

    test('a response already started', async () => {
      const to = await serve([], (req, res) => {
        res.writeHead(200)
        ;(res as ServerResponse).write('first')
        setTimeout(() => {
          drop(req, { res })
          res.end('second')
        }, 20)
      })
      const wire = await exchange(to, get('/'))
      assert.match(wire.data.toString(), /first/)
      assert.doesNotMatch(wire.data.toString(), /second|\r\n0\r\n/)
      assert.equal(wire.end, 'fin')
      assert.equal(drops.events.length, 1)
      assert.equal(drops.events[0]?.sentStatus, 200)
    })

    test('garbage behind the request in the same chunk', async () => {
      const to = await serve([noBad()])
      const wire = await exchange(to, `${get('/bad')}\x00\x01 garbage\r\n\r\n`)
      assert.equal(wire.wireBytes, 0)
      assert.notEqual(wire.end, 'open')
      assert.equal(drops.events.length, 1)
    })

    test('a second drop, and rules after it, change nothing', async () => {
      const twice = (req: never, res: never, next: () => void) => {
        drop(req, { res, reason: 'first' })
        drop(req, { res, reason: 'second' })
        next()
      }
      const to = await serve([twice as unknown as Rule, rule('after', () => 'after')])
      const wire = await exchange(to, get('/'))
      assert.equal(wire.wireBytes, 0)
      assert.deepEqual(
        drops.events.map(({ rule, reason }) => `${rule} ${reason}`),
        ['drop first'],
      )
      assert.deepEqual(calls, [])
    })
  })
}
