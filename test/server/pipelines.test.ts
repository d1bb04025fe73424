import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http, { type ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import { drop, type ProtectOptions, protect, type Request, type Rule, rule } from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { exchange, get, RawClient, type RawOptions, SOON } from '../support/raw-client.ts'
import { runs } from '../support/runs.ts'
import {
  type Handler,
  type Kind,
  kindName,
  kinds,
  listen,
  type Middleware,
  type RunningServer,
  start,
} from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

const http1 = kinds.filter(({ protocol }) => protocol === 1)
const bare = http1.filter(({ app }) => app === 'bare')

const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const chunked = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
const responses = (text: string) => text.split(/(?=HTTP\/1\.1 \d)/).filter(Boolean)
const bodies = (text: string) => responses(text).map(response => response.split('\r\n\r\n')[1])

let server: RunningServer | undefined

const answer: Handler = (req, res) => void res.end(`answer ${req.url}`)
const slowly: Handler = (req, res) => void setTimeout(() => res.end(`answer ${req.url}`), 10)

interface Site {
  readonly options?: ProtectOptions
  readonly mounted?: readonly (Rule | Middleware)[]
  readonly handler?: Handler
}

async function serve(kind: Kind, { options, mounted = [], handler = answer }: Site): Promise<RawOptions> {
  server = closed(
    await start(kind, mounted, (req, res) => {
      calls.push(req.url as string)
      handler(req, res)
    }),
  )
  protect(server.server, options)
  return { port: server.port, tls: kind.tls, alpn: ['http/1.1'] }
}

const connections = () =>
  new Promise<number>(resolve => server?.server.getConnections((_error, count) => resolve(count)))

/** Waits until no connection is left; the number that is. */
async function leftConnections(): Promise<number> {
  const until = performance.now() + 20_000
  while ((await connections()) > 0 && performance.now() < until) await settle(5)
  return connections()
}

const isBad = (req: Request) => req.url === '/bad' && 'bad'
const byApp: Middleware = (req, res, next) => {
  if (!isBad(req)) return next()
  setTimeout(() => drop(req, { res, rule: 'no-bad', reason: 'bad' }), 50)
}

/** Who drops `/bad`, and when. */
const droppers: Record<string, () => Site> = {
  'by a rule of protect': () => ({ options: { rules: [rule('no-bad', isBad)] } }),
  'by a rule of protect that waits': () => ({
    options: { rules: [rule('no-bad', req => settle(40).then(() => isBad(req)))] },
  }),
  'by a rule of the app': () => ({ mounted: [rule('no-bad', isBad)] }),
  'by a rule of the app that waits': () => ({
    mounted: [rule('no-bad', req => settle(40).then(() => isBad(req)))],
  }),
  'by the app, later': () => ({ mounted: [byApp] }),
}

for (const kind of http1) {
  describe(`requests behind one that is dropped, ${kindName(kind)}`, () => {
    hooks()

    async function assertOnlyBad(to: RawOptions, bytes: string): Promise<void> {
      const wire = await exchange(to, bytes)
      assert.equal(wire.wireBytes, 0)
      assert.notEqual(wire.end, 'open')
      assert.equal(await leftConnections(), 0)
      assert.deepEqual(calls, [])
      assert.deepEqual(
        drops.events.map(({ rule, reason, url }) => `${rule} ${reason} ${url}`),
        ['no-bad bad /bad'],
      )
    }

    for (const [who, site] of Object.entries(droppers)) {
      test(`never run, dropped ${who}`, async () => {
        await assertOnlyBad(await serve(kind, site()), get('/bad') + get('/second') + get('/third'))
      })

      test(`never run behind a body, dropped ${who}`, async () => {
        const bytes = `${post('/bad', 'x'.repeat(5_000))}${chunked('/second', 'more')}${post('/third', 'x')}`
        await assertOnlyBad(await serve(kind, site()), bytes)
      })

      test(`never run in a packet each, dropped ${who}`, async () => {
        const client = await RawClient.open(await serve(kind, site()))
        client.tcp.setNoDelay(true)
        client.send(get('/bad'))
        for (let index = 0; index < 19; index++) {
          await settle(1)
          if (client.end === 'open') client.send(get(`/${index}`))
        }
        const wire = await client.ended()
        assert.equal(client.text, '')
        assert.notEqual(wire.end, 'open')
        assert.deepEqual([calls, drops.events.length], [[], 1])
      })

      for (const [when, delay] of Object.entries({ later: 1, 'at once': undefined }))
        test(`never run, and those before it, answered ${when}, arrive whole, dropped ${who}`, async () => {
          const handler: Handler = (req, res) => {
            const answerIt = () => void res.end(`${req.url} ${'x'.repeat(300_000)}`)
            if (delay === undefined) answerIt()
            else setTimeout(answerIt, req.url === '/1' ? 30 : delay)
          }
          const before = Array.from({ length: 10 }, (_, index) => `/${index}`)
          const bytes = [...before, '/bad', ...before].map(path => get(path)).join('')
          const wire = await exchange(await serve(kind, { ...site(), handler }), bytes, 5_000)
          assert.deepEqual(
            bodies(wire.data.toString()).map(body => `${body?.slice(0, 2)} ${body?.length}`),
            before.map(path => `${path} 300003`),
          )
          assert.notEqual(wire.end, 'open')
          assert.deepEqual([calls, drops.events.length], [before, 1])
        })
    }

    test('twenty good ones in a packet are answered, in order', async () => {
      const paths = Array.from({ length: 20 }, (_, index) => `/${index}`)
      const rules = [rule('late', () => settle(2).then(() => undefined))]
      for (const site of [{}, { options: { rules } }, { mounted: rules }]) {
        calls.length = 0
        const to = await serve(kind, { ...site, handler: (req, res) => setImmediate(answer, req, res) })
        const client = await RawClient.open(to)
        client.send(paths.map(path => get(path)).join(''))
        assert.ok(await client.until(() => client.text.endsWith('answer /19')), client.text)
        assert.deepEqual(
          bodies(client.text),
          paths.map(path => `answer ${path}`),
        )
        assert.deepEqual([calls, drops.events], [paths, []])
        client.destroy()
        await server?.close()
      }
    })
  })
}

describe('rules on a path', () => {
  hooks()

  const apps = { 'Express 4': express4, 'Express 5': express, Connect: connect as unknown as typeof express }
  for (const [name, make] of Object.entries(apps)) {
    for (const waits of [false, true]) {
      test(`${name}: a rule ${waits ? 'that waits, ' : ''}on a path ends the pipeline`, async () => {
        const app = make()
        app.use(
          '/private',
          rule('closed', () => (waits ? settle(40).then(() => 'closed') : 'closed')),
        )
        app.use((req: Request, res: ServerResponse) => {
          calls.push(req.url as string)
          res.end(`answer ${req.url}`)
        })
        server = closed(await listen(protect(http.createServer(app))))
        const to = { port: server.port }
        const wire = await exchange(
          to,
          ['/a', '/private/x', '/b', '/private/y'].map(path => get(path)).join(''),
        )
        assert.deepEqual(bodies(wire.data.toString()), ['answer /a'])
        assert.notEqual(wire.end, 'open')
        assert.deepEqual(calls, ['/a'])
        assert.deepEqual(
          drops.events.map(({ rule, url }) => `${rule} ${url}`),
          ['closed /private/x'],
        )
      })
    }
  }
})

for (const kind of bare) {
  describe(`a long pipeline, ${kindName(kind)}`, () => {
    hooks()

    test('whose answers are read by nobody is not answered any further than a few megabytes', async () => {
      const large = 'x'.repeat(200_000)
      const handler: Handler = (_req, res) => void res.end(large)
      const client = await RawClient.open(await serve(kind, { handler }))
      client.tcp.pause()
      client.send(get('/').repeat(200))
      for (let last = -1; last < calls.length; await settle(200)) last = calls.length
      // Some of it the kernel takes: up to 10 MB on loopback.
      assert.ok(calls.length > 1 && calls.length < 80, `${calls.length} requests ran`)
      client.tcp.resume()
      assert.ok(await client.until(() => client.received > 200 * large.length, 20_000))
      assert.equal(calls.length, 200)
      client.destroy()
    })

    test('is answered whole, one at a time, by a slow app', async () => {
      const count = runs(500)
      let running = 0
      let most = 0
      const handler: Handler = (req, res) => {
        most = Math.max(most, ++running)
        setImmediate(() => {
          running--
          res.end(`answer ${req.url}`)
        })
      }
      const client = await RawClient.open(await serve(kind, { handler }))
      const paths = Array.from({ length: count }, (_, index) => `/${index}`)
      client.send(paths.map(path => get(path)).join(''))
      // Looking at all of a long text each time is slow.
      const last = Buffer.from(`answer /${count - 1}`)
      const isWhole = () => client.received > count * 100 && client.data.subarray(-last.length).equals(last)
      assert.ok(await client.until(isWhole), `${calls.length} of ${count}`)
      client.destroy()
      assert.equal(most, 1)
      assert.deepEqual(calls, paths)
      assert.deepEqual(
        bodies(client.text),
        paths.map(path => `answer ${path}`),
      )
      assert.deepEqual(drops.events, [])
    })

    test('of requests that the app answers at once is answered whole', async () => {
      const client = await RawClient.open(await serve(kind, {}))
      const paths = Array.from({ length: runs(200) }, (_, index) => `/${index}`)
      client.send(paths.map(path => get(path)).join(''))
      const last = Buffer.from(`answer /${paths.length - 1}`)
      assert.ok(await client.until(() => client.data.subarray(-last.length).equals(last)))
      client.destroy()
      assert.deepEqual([calls, bodies(client.text)], [paths, paths.map(path => `answer ${path}`)])
    })

    test('is read only a little ahead while none is answered', async () => {
      let go = () => {}
      const gate = new Promise<void>(resolve => {
        go = resolve
      })
      const handler: Handler = (req, res) => void gate.then(() => answer(req, res))
      const client = await RawClient.open(await serve(kind, { handler }))
      let parsed = 0
      const onStart = () => parsed++
      subscribe('http.server.request.start', onStart)
      client.send(get('/', { 'X-Long': 'x'.repeat(2_000) }).repeat(5_000))
      // As far as it goes: nothing more for a while.
      for (let seen = -1; seen !== parsed; await settle(150)) seen = parsed
      unsubscribe('http.server.request.start', onStart)
      assert.ok(parsed > 90 && parsed < 500, `${parsed} were parsed`)
      assert.equal(calls.length, 1)
      client.destroy()
      go()
      assert.equal(await leftConnections(), 0)
    })

    test('ends at once where one in front of hundreds is dropped', async () => {
      const site = { mounted: [byApp], handler: slowly }
      const client = await RawClient.open(await serve(kind, site))
      client.send(get('/first') + get('/bad') + get('/more', { 'X-Long': 'x'.repeat(1_000) }).repeat(1_000))
      const wire = await client.ended()
      assert.notEqual(wire.end, 'open')
      assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
      assert.equal(await leftConnections(), 0)
      assert.deepEqual([calls, drops.events.length], [['/first'], 1])
    })

    for (const how of ['leaves', 'is reset'] as const) {
      test(`of a client that ${how} is let go`, async () => {
        let leave = () => {}
        const asked = new Promise<void>(resolve => {
          leave = resolve
        })
        const client = await RawClient.open(await serve(kind, { handler: () => leave() }))
        client.send(Array.from({ length: 50 }, (_, index) => get(`/${index}`)).join(''))
        await asked
        assert.equal(await connections(), 1)
        if (how === 'leaves') client.destroy()
        else client.tcp.resetAndDestroy()
        assert.equal(await leftConnections(), 0)
        assert.deepEqual(calls, ['/0'])
        assert.deepEqual(drops.events, [])
      })
    }

    test('of a client that ends its side behind it is answered, as far as the app answers at once', async () => {
      const client = await RawClient.open(await serve(kind, {}))
      client.send(get('/1') + get('/2') + get('/3', { Connection: 'close' }))
      // Under TLS that would be a connection cut off: there was no close_notify.
      if (!kind.tls) client.finish()
      const wire = await client.ended()
      assert.deepEqual(bodies(wire.data.toString()), ['answer /1', 'answer /2', 'answer /3'])
      assert.deepEqual(drops.events, [])
    })

    test('behind a large answer that the client does not wait for takes nobody down', async () => {
      const handler: Handler = (req, res) => {
        if (req.url !== '/large') return answer(req, res)
        for (let i = 0; i < 20; i++) (res as ServerResponse).write(Buffer.alloc(1_000_000))
        setImmediate(() => res.end())
      }
      const to = await serve(kind, { handler })
      const client = await RawClient.open(to)
      client.tcp.pause()
      client.send(get('/large') + get('/behind'))
      while (calls.length === 0) await settle(5)
      await settle(100)
      client.tcp.resetAndDestroy()
      await settle(100)
      assert.deepEqual(calls, ['/large'])
      assert.equal(await leftConnections(), 0)
      assert.deepEqual(bodies((await exchange(to, get('/', { Connection: 'close' }))).data.toString()), [
        'answer /',
      ])
    })

    for (const [what, bytes] of Object.entries({
      'a broken chunk': 'POST /3 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
      'an unknown expectation': get('/3', { Expect: 'something' }),
      'half a head': 'GET /3 HTTP',
    }))
      test(`is answered as far as ${what}`, async () => {
        const client = await RawClient.open(await serve(kind, {}))
        client.send(get('/1') + get('/2') + bytes)
        if (what === 'half a head' && !kind.tls) client.finish()
        await client.until(() => bodies(client.text).length === 2, 5_000)
        assert.deepEqual(bodies(client.text), ['answer /1', 'answer /2'])
        client.destroy()
      })

    for (const [when, by] of Object.entries({ later: slowly, 'at once': answer }))
      test(`ends with the response that closes the connection, given ${when}`, async () => {
        const handler: Handler = (req, res) => {
          if (req.url === '/2') res.setHeader('Connection', 'close')
          by(req, res)
        }
        const client = await RawClient.open(await serve(kind, { handler }))
        client.send(get('/1') + get('/2') + get('/3'))
        const wire = await client.ended(5_000)
        assert.notEqual(wire.end, 'open')
        assert.deepEqual(bodies(wire.data.toString()), ['answer /1', 'answer /2'])
        assert.deepEqual(calls, ['/1', '/2'])
        assert.equal(await leftConnections(), 0)
      })

    test('goes on behind bodies that nobody read', async () => {
      const client = await RawClient.open(await serve(kind, { handler: slowly }))
      const large = 'x'.repeat(300_000)
      client.send(post('/1', large) + chunked('/2', large) + post('/3', large) + get('/4'))
      assert.ok(await client.until(() => client.text.endsWith('answer /4')), client.text)
      assert.deepEqual(
        bodies(client.text),
        [1, 2, 3, 4].map(index => `answer /${index}`),
      )
      client.destroy()
    })

    test('goes on behind a request that a rule has answered', async () => {
      const rules = [rule('limit', req => req.url === '/2' && 'too-many', { status: 429 })]
      const client = await RawClient.open(await serve(kind, { options: { rules }, handler: slowly }))
      client.send(get('/1') + get('/2') + get('/3'))
      assert.ok(await client.until(() => client.text.endsWith('answer /3')), client.text)
      assert.deepEqual(
        responses(client.text).map(text => text.slice(9, 12)),
        ['200', '429', '200'],
      )
      assert.deepEqual(calls, ['/1', '/3'])
      client.destroy()
    })

    test('goes on behind a request that a trusted proxy is told of', async () => {
      const options = { trustProxy: 'loopback', rules: [rule('no-bad', isBad)] }
      const client = await RawClient.open(await serve(kind, { options, handler: slowly }))
      client.send(get('/1') + get('/bad') + get('/3'))
      assert.ok(await client.until(() => client.text.endsWith('answer /3')), client.text)
      assert.deepEqual(
        responses(client.text).map(text => text.slice(9, 12)),
        ['200', '444', '200'],
      )
      assert.deepEqual(calls, ['/1', '/3'])
      client.destroy()
    })
  })
}
