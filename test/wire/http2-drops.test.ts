import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { drop, pathAllowlist, protect, rule } from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { type Frame, frame, headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import type { RawClient } from '../support/raw-client.ts'
import { credentials, type Handler, listen, type RunningServer } from '../support/servers.ts'

const count = (frames: readonly Frame[], type: string) => frames.filter(frame => frame.type === type).length
const list = () => [pathAllowlist(['/img/*'])]

for (const tls of [true, false]) {
  describe(`HTTP/2, how many drops end a connection: ${tls ? 'TLS' : 'h2c'}`, () => {
    let drops: ReturnType<typeof collectDrops>
    let server: RunningServer
    let client: RawClient
    let id: number

    beforeEach(() => {
      drops = collectDrops()
      id = -1
    })
    afterEach(async () => {
      client.destroy()
      await server.close()
      drops.stop()
      assert.deepEqual(uncaught.splice(0), [])
    })

    const serve = async (
      rules: Parameters<typeof protect>[1],
      handler: Handler = (_req, res) => res.end('ok'),
    ) => {
      const app = handler as never
      const bare = tls ? http2.createSecureServer(credentials, app) : http2.createServer(app)
      server = await listen(rules ? protect(bare, rules) : bare)
      client = await openHttp2({ port: server.port, tls })
    }
    const frames = () => parseFrames(client.data)
    const next = (path: string) => {
      id += 2
      return headers(id, path)
    }
    /** Streams that are answered to the end, or reset. */
    const over = () =>
      frames().filter(
        ({ type, flags }) =>
          type === 'RST_STREAM' || (['DATA', 'HEADERS'].includes(type) && (flags & 1) === 1),
      ).length
    /** Sends, and waits until all of it is answered or reset, or the connection has ended. */
    const ask = async (...paths: string[]) => {
      const before = over()
      client.send(Buffer.concat(paths.map(next)))
      const isDone = () => client.end !== 'open' || over() >= before + paths.length
      assert.ok(await client.until(isDone, 20_000))
    }
    const oneByOne = async (paths: readonly string[]) => {
      for (const path of paths) if (client.end === 'open' && count(frames(), 'GOAWAY') === 0) await ask(path)
      await client.ended(20_000)
    }
    const unlisted = (most: number) => Array.from({ length: most }, (_, i) => `/x${i}`)
    const actions = () => drops.events.map(({ action }) => action)

    test('a scanner is cut off by its 20th drop', async () => {
      await serve({ rules: list() })
      await oneByOne(unlisted(30))
      assert.equal(client.end, 'fin')
      assert.equal(count(frames(), 'HEADERS'), 0)
      assert.equal(count(frames(), 'RST_STREAM'), 20)
      assert.deepEqual(actions(), [...Array(19).fill('reset'), 'goaway'])
    })

    test('also one that asks for something listed in between', async () => {
      await serve({ rules: list() })
      await oneByOne(unlisted(30).flatMap(path => [path, '/img/1']))
      assert.equal(client.end, 'fin')
      assert.equal(drops.events.length, 20)
    })

    test('and by drop() in a handler', async () => {
      await serve(undefined, req => drop(req))
      await oneByOne(unlisted(30))
      assert.equal(client.end, 'fin')
      assert.equal(drops.events.length, 20)
    })

    test('each request of a burst has its event, or its answer', async () => {
      await serve({ rules: list() })
      client.send(Buffer.concat([...unlisted(30), '/img/a', ...unlisted(10)].map(next)))
      await settle(20)
      client.send(Buffer.concat(unlisted(20).map(next)))
      await client.ended(20_000)
      assert.equal(client.end, 'fin')
      assert.equal(drops.events.length, 60)
      assert.equal(count(frames(), 'RST_STREAM'), 60)
      assert.equal(count(frames(), 'HEADERS'), 1)
    })

    test('a page of 40 images with 10 unlisted ones, again and again on one connection', async () => {
      await serve({ rules: list() }, (_req, res) => void setTimeout(() => res.end('ok'), 5))
      for (let load = 0; load < 20; load++) {
        await ask('/img/page')
        const first = load % 3 === 0
        const images = Array.from({ length: 40 }, (_, i) =>
          (first ? i < 10 : load % 3 === 1 ? i >= 30 : i % 4 === 1) ? `/old/${i}` : `/img/${i}`,
        )
        await ask(...images)
      }
      assert.equal(client.end, 'open')
      assert.equal(count(frames(), 'GOAWAY'), 0)
      assert.equal(count(frames(), 'HEADERS'), 20 * 31)
      assert.deepEqual(actions(), Array(200).fill('reset'))
    })

    test('what is answered with 400 and more is no part of a page', async () => {
      await serve({ rules: list() }, (_req, res) => {
        res.statusCode = 404
        res.end('no')
      })
      await ask('/x', ...Array(60).fill('/img/1'))
      await oneByOne(unlisted(30))
      assert.equal(drops.events.length, 20)
    })

    test('a broken frame behind the drop that ends a connection does not keep it', async () => {
      await serve({ rules: [pathAllowlist(['/img/*'], { http2: 'goaway' })], headerTimeout: 300 })
      const settingsOfStream = frame('SETTINGS', 0, 7, Buffer.alloc(8))
      client.send(Buffer.concat([next('/x'), settingsOfStream, next('/img/1')]))
      await client.ended(8_000)
      assert.equal(client.end, 'fin')
      // Later Nodes tell of the frame too.
      assert.equal(actions()[0], 'goaway')
    })

    test('whoever was dropped keeps no idle connection', async () => {
      await serve({ rules: list(), headerTimeout: 300 })
      await ask('/x')
      const since = performance.now()
      client.send(next('/y'))
      await client.ended(5_000)
      assert.equal(client.end, 'fin')
      assert.ok(performance.now() - since > 200)
      assert.ok(count(frames(), 'GOAWAY') > 0)
      assert.deepEqual(actions(), ['reset', 'reset'])
    })

    for (const http2 of [20, 'goaway'] as const)
      test(`nor does it by leaving its side open: ${http2}`, async () => {
        await serve({ rules: [pathAllowlist(['/img/*'], { http2 })], headerTimeout: 300 })
        client.send(next('/x'))
        await client.ended(5_000)
        assert.equal(client.end, 'fin')
        const left = () =>
          new Promise<number>(resolve => server.server.getConnections((_, open) => resolve(open)))
        for (let tries = 0; tries < 100 && (await left()) > 0; tries++) await pause(50)
        assert.equal(await left(), 0)
      })

    test('but in a dry run of protect it does', async () => {
      await serve({ dryRun: true, headerTimeout: 300 }, req => drop(req))
      await ask('/x')
      await pause(1_200)
      assert.equal(client.end, 'open')
      assert.equal(count(frames(), 'GOAWAY'), 0)
    })

    test('a page of which one image was dropped does, and so does whoever waits for an answer', async () => {
      let answer = () => {}
      await serve({ rules: list(), headerTimeout: 300 }, (req, res) => {
        if (req.url === '/img/slow') answer = () => res.end('ok')
        else res.end('ok')
      })
      // A client that answers PING: Node 20 is asked whether it still hears.
      const session = http2.connect(`http${tls ? 's' : ''}://localhost:${server.port}`, {
        rejectUnauthorized: false,
      })
      let end = ''
      session.on('goaway', () => (end = 'goaway'))
      const get = (path: string) =>
        new Promise<unknown>(resolve => {
          const stream = session.request({ ':path': path })
          stream.on('response', headers => resolve(headers[':status']))
          stream.on('error', () => {})
          stream.on('close', () => resolve('reset')).resume()
        })
      assert.deepEqual(await Promise.all(['/x', '/img/1', '/img/2'].map(get)), ['reset', 200, 200])
      await pause(1_200)
      assert.deepEqual(await Promise.all(['/x', '/y'].map(get)), ['reset', 'reset'])
      const slow = get('/img/slow')
      await pause(1_200)
      assert.equal(end, '')
      answer()
      assert.equal(await slow, 200)
      // Now it is dropped more often than it was answered.
      const isOver = new Promise(resolve => session.on('close', resolve))
      assert.equal(await get('/z'), 'reset')
      await isOver
      assert.equal(end, 'goaway')
    })

    test('the number is an option', async () => {
      await serve({ rules: [pathAllowlist(['/img/*'], { http2: 3 })] })
      await oneByOne(unlisted(10))
      assert.deepEqual(actions(), ['reset', 'reset', 'goaway'])
    })

    test("the app's answer to a dropped request does not go out while the connection ends", async () => {
      await serve(undefined, (req, res) => {
        drop(req, { res, http2: 1 })
        res.end('late')
      })
      client.send(next('/'))
      await client.ended(20_000)
      assert.equal(count(frames(), 'HEADERS') + count(frames(), 'DATA'), 0)
    })

    test('a client that never falls quiet is left after a second', async () => {
      await serve({ rules: [rule('all', () => 'x', { http2: 1 })] })
      const timer = setInterval(() => client.end === 'open' && client.send(next('/')), 20)
      const ended = await client.until(() => client.end !== 'open', 20_000)
      clearInterval(timer)
      assert.ok(ended)
      assert.ok(drops.events.length >= 1)
    })

    test('reset: true without http2 ends it at the first, with no frame', async () => {
      await serve({ rules: [pathAllowlist(['/img/*'], { reset: true })] })
      client.send(next('/x'))
      const wire = await client.ended(20_000)
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'rst'])
    })
  })
}
