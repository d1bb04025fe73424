import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2'
import { after, describe, type TestContext, test } from 'node:test'
import { settle, uncaught } from '../support/events.ts'
import type { Handler } from '../support/servers.ts'
import { SlowSite } from './slow-site.ts'

const LIMIT = 500
const limits = { handshakeTimeout: LIMIT, headerTimeout: LIMIT, bodyTimeout: LIMIT, sendTimeout: LIMIT }
/** Several limits long. */
const LONG = 3_000

after(() => assert.deepEqual(uncaught.splice(0), []))

/** The body of a response. */
async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

const BIG = 1_000_000

/** Takes up to `some` bytes, then nothing for a while, then the rest. */
const pausing =
  (some: number): Handler =>
  async (req, res) => {
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
  }

describe('what is never hurt by time limits', { concurrency: true }, () => {
  for (const kind of ['h2c', 'http2'] as const) {
    describe(kind, { concurrency: true }, () => {
      async function begin(t: TestContext, handler?: Handler) {
        const site = await SlowSite.start(t, kind, limits, handler)
        const scheme = kind === 'h2c' ? 'http' : 'https'
        const session = http2.connect(`${scheme}://127.0.0.1:${site.to.port}`, { rejectUnauthorized: false })
        session.on('error', () => {})
        t.after(() => session.destroy())
        return { site, session }
      }

      /** The stream was answered, and the session takes another one. */
      async function assertAnswered(
        site: SlowSite,
        session: ClientHttp2Session,
        stream: ClientHttp2Stream,
        body: string,
      ) {
        assert.equal(await textOf(stream), body)
        assert.equal(session.closed, false)
        assert.deepEqual(site.events, [])
      }

      const post = (session: ClientHttp2Session, extra = {}) =>
        session.request({ ':method': 'POST', ':path': '/form', ...extra })

      test('an app that takes its time', async t => {
        const { site, session } = await begin(t, (_req, res) => setTimeout(() => res.end('late'), LONG))
        await assertAnswered(site, session, session.request({ ':path': '/' }), 'late')
      })

      for (const [name, body] of [
        ['an empty body', ''],
        ['a small body', 'body'],
      ] as const) {
        for (const reads of [true, false]) {
          test(`an app that takes its time with ${name} that it ${reads ? 'has read' : 'never reads'}`, async t => {
            const { site, session } = await begin(t, (req, res) => {
              if (reads) req.resume()
              setTimeout(() => res.end('late'), LONG)
            })
            const stream = post(session)
            await settle(50)
            stream.end(body)
            await assertAnswered(site, session, stream, 'late')
          })
        }
      }

      for (const [name, length, some] of [
        ['a small body', 10, 0],
        ['a large body', BIG, 0],
        ['a large body half-way', BIG, BIG / 2],
      ] as const) {
        test(`an app that leaves ${name} alone, then reads all of it`, async t => {
          const { site, session } = await begin(t, pausing(some))
          const stream = post(session)
          stream.end('x'.repeat(length))
          await assertAnswered(site, session, stream, `got ${length}`)
        })
      }

      test('an app that has taken the first piece, and leaves the second alone while more is to come', async t => {
        const stages = new EventEmitter()
        const { site, session } = await begin(t, (req, res) => {
          let text = ''
          req.on('data', chunk => {
            text += chunk
            stages.emit(text)
            if (text !== 'one ') return
            req.pause()
            setTimeout(() => req.resume(), LONG)
          })
          req.on('end', () => res.end(text))
        })
        const stream = post(session)
        stream.write('one ')
        await once(stages, 'one ')
        stream.write('two ')
        await once(stages, 'one two ')
        stream.end('three')
        await assertAnswered(site, session, stream, 'one two three')
      })

      test('an app that is long about each piece of a body', async t => {
        const { site, session } = await begin(t, async (req, res) => {
          let length = 0
          let pieces = 0
          for await (const piece of req) {
            length += piece.length
            if (++pieces <= 4) await settle(1.5 * LIMIT)
          }
          res.end(`got ${length} in ${pieces > 4}`)
        })
        const stream = post(session)
        stream.end('x'.repeat(BIG))
        await assertAnswered(site, session, stream, `got ${BIG} in true`)
      })

      test('an app that streams', async t => {
        const { site, session } = await begin(t, (_req, res) => {
          let left = 13
          const timer = setInterval(() => {
            const isLast = --left === 0
            if (isLast) clearInterval(timer)
            if (isLast) res.end('last')
            else (res as http2.Http2ServerResponse).write('x')
          }, 300)
        })
        await assertAnswered(site, session, session.request({ ':path': '/' }), `${'x'.repeat(12)}last`)
      })

      test('a session at rest', async t => {
        const { site, session } = await begin(t)
        await assertAnswered(site, session, session.request({ ':path': '/' }), 'fine')
        await settle(LONG)
        await assertAnswered(site, session, session.request({ ':path': '/' }), 'fine')
      })

      test('a stream that stays open both ways', async t => {
        const { site, session } = await begin(t, (req, res) => {
          res.writeHead(200)
          ;(res as http2.Http2ServerResponse).write('hello ')
          req.pipe(res as http2.Http2ServerResponse)
        })
        const stream = post(session)
        const text = textOf(stream)
        for (const word of ['one ', 'two ']) {
          await settle(LONG / 2)
          stream.write(word)
        }
        stream.end('three')
        assert.equal(await text, 'hello one two three')
        assert.deepEqual(site.events, [])
      })

      test('a stream beside one whose app is slow', async t => {
        const { site, session } = await begin(t, (req, res) => {
          if (req.url === '/slow') setTimeout(() => res.end('late'), LONG)
          else res.end('fine')
        })
        const slow = session.request({ ':path': '/slow' })
        for (let round = 0; round < 10; round++) {
          assert.equal(await textOf(session.request({ ':path': '/' })), 'fine')
          await settle(LONG / 20)
        }
        await assertAnswered(site, session, slow, 'late')
      })

      test('an app that reads after a while what it was asked for with Expect', async t => {
        const { site, session } = await begin(t, (req, res) => {
          setTimeout(() => {
            let body = ''
            req.on('data', chunk => {
              body += chunk
            })
            req.on('end', () => res.end(`got ${body}`))
          }, 2_000)
        })
        const stream = post(session, { expect: '100-continue' })
        await once(stream, 'continue')
        stream.end('body')
        await assertAnswered(site, session, stream, 'got body')
      })

      test('an app that takes streams itself', async t => {
        const { site, session } = await begin(t)
        site.server.removeAllListeners('request').removeAllListeners('stream')
        site.server.on('stream', (stream: ServerHttp2Stream) => {
          setTimeout(() => {
            stream.respond({ ':status': 200 })
            stream.pipe(stream)
          }, LONG)
        })
        const stream = post(session)
        stream.end('body')
        await assertAnswered(site, session, stream, 'body')
      })

      test('a quiet tunnel', async t => {
        const { site, session } = await begin(t)
        site.server.on('connect', (req: http2.Http2ServerRequest) => {
          req.stream.respond({ ':status': 200 })
          req.stream.pipe(req.stream)
        })
        const stream = session.request({ ':method': 'CONNECT', ':authority': 'a.example:443' })
        await once(stream, 'response')
        const text = textOf(stream)
        for (const word of ['one ', 'two']) {
          await settle(LONG / 2)
          stream.write(word)
        }
        stream.end()
        assert.equal(await text, 'one two')
        assert.deepEqual(site.events, [])
      })
    })
  }
})
