import assert from 'node:assert/strict'
import http from 'node:http'
import http2, { type Http2ServerResponse } from 'node:http2'
import { PassThrough, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import express from 'express'
import express4 from 'express4'
import {
  type ProtectOptions,
  protect,
  type Request,
  type Response,
  type Rule,
  rule,
} from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { data, headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient, type RawOptions, SOON } from '../support/raw-client.ts'
import {
  type Handler,
  type Kind,
  kindName,
  kinds,
  listen,
  type RunningServer,
  start,
} from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

const http1 = kinds.filter(({ protocol }) => protocol === 1)
const bare = http1.filter(({ app }) => app === 'bare')

const head = (path = '/', more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n${more}\r\n`
const goOn = 'HTTP/1.1 100 Continue\r\n\r\n'
const answers = (client: RawClient) => client.text.split(/(?=HTTP\/1\.1 )/).filter(Boolean)

/** A rule that passes, or drops, when it is let go. */
function gate(verdict?: string) {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  let reached = () => {}
  const asked = new Promise<void>(resolve => {
    reached = resolve
  })
  const judge = rule('gate', () => {
    reached()
    return opened.then(() => verdict)
  })
  return { rule: judge, asked, open: () => open() }
}

/** The ways in which apps read a body. */
const readers: Record<string, (req: Readable) => Promise<string>> = {
  data: req =>
    new Promise(resolve => {
      let body = ''
      req.on('data', chunk => {
        body += chunk
      })
      req.on('end', () => resolve(body))
    }),
  readable: req =>
    new Promise(resolve => {
      let body = ''
      req.on('readable', () => {
        for (let chunk = req.read(); chunk !== null; chunk = req.read()) body += chunk
      })
      req.on('end', () => resolve(body))
    }),
  pipe: req => text(req.pipe(new PassThrough())),
  'for await': async req => {
    let body = ''
    for await (const chunk of req) body += chunk
    return body
  },
  'data, after a while': req => settle(40).then(() => readers.data?.(req) as Promise<string>),
  'resume, to throw it away': req =>
    new Promise(resolve => req.resume().on('end', () => resolve('thrown away'))),
}

let server: RunningServer | undefined

const told = () => drops.events.map(({ rule, reason }) => `${rule}: ${reason}`)

/** Says the body back. */
const sayBack: Handler = (req, res) => {
  void text(req).then(body => (res as Http2ServerResponse).end(`got ${body}`))
}

interface Site {
  readonly options?: ProtectOptions
  readonly mounted?: readonly Rule[]
  readonly handler?: Handler
}

async function serve(
  kind: Kind,
  { options, mounted = [], handler = sayBack }: Site = {},
): Promise<RawOptions> {
  server = closed(
    await start(kind, mounted, (req, res) => {
      calls.push(req.url as string)
      handler(req, res)
    }),
  )
  protect(server.server, options)
  return { port: server.port, tls: kind.tls, alpn: ['http/1.1'] }
}

async function assertSilent(to: RawOptions, bytes: string): Promise<void> {
  const wire = await exchange(to, bytes)
  assert.deepEqual([wire.wireBytes, wire.data.toString()], [0, ''])
  assert.notEqual(wire.end, 'open')
  assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
}

for (const kind of http1) {
  describe(`Expect: 100-continue, ${kindName(kind)}`, () => {
    hooks()

    for (const where of ['given to protect', 'mounted in the app'] as const) {
      const site = (...rules: Rule[]): Site =>
        where === 'given to protect' ? { options: { rules } } : { mounted: rules }

      test(`nothing is said until the rules ${where} have passed it`, async () => {
        const waits = gate()
        const client = await RawClient.open(
          await serve(
            kind,
            site(
              rule('fine', () => undefined),
              waits.rule,
            ),
          ),
        )
        client.send(head())
        await waits.asked
        await settle(20)
        assert.deepEqual([client.text, calls], ['', []])
        waits.open()
        assert.ok(await client.until(() => client.text === goOn), client.text)
        client.send('body')
        assert.ok(await client.until(() => client.text.endsWith('got body')), client.text)
        assert.equal(answers(client).length, 2)
        client.destroy()
        assert.deepEqual([calls, told()], [['/'], []])
      })

      for (const [what, body] of [
        ['that waits', ''],
        ['that has sent the body', 'body'],
        ['that has sent half of it', 'bo'],
      ] as const) {
        test(`rules ${where} drop a client ${what} in silence`, async () => {
          const to = await serve(kind, site(rule('no', () => 'unwelcome')))
          await assertSilent(to, head() + body)
          assert.deepEqual([calls, told()], [[], ['no: unwelcome']])
        })

        test(`asynchronous ones too: ${where}, ${what}`, async () => {
          const to = await serve(kind, site(rule('no', () => settle(30).then(() => 'unwelcome'))))
          await assertSilent(to, head() + body)
          assert.deepEqual([calls, told()], [[], ['no: unwelcome']])
        })
      }

      test(`a rule ${where} that answers does so without 100`, async () => {
        const no = rule('no', () => 'unwelcome', { status: 403 })
        const client = await RawClient.open(await serve(kind, site(no)))
        client.send(head())
        assert.ok(await client.until(() => client.text.includes('\r\n\r\n')))
        assert.match(client.text, /^HTTP\/1\.1 403 Forbidden\r\n/)
        client.destroy()
        assert.deepEqual(calls, [])
      })
    }

    test('a body that came at once is read', async () => {
      const client = await RawClient.open(await serve(kind))
      client.send(`${head()}body`)
      assert.ok(await client.until(() => client.text.endsWith('got body')), client.text)
      client.destroy()
    })

    test('an app that never reads answers without 100', async () => {
      const client = await RawClient.open(await serve(kind, { handler: (_req, res) => res.end('too large') }))
      client.send(head())
      assert.ok(await client.until(() => client.text.endsWith('too large')), client.text)
      await settle(30)
      assert.deepEqual(
        answers(client).map(text => text.slice(9, 12)),
        ['200'],
      )
      client.destroy()
    })

    test('each request of a connection that is kept open gets its own', async () => {
      const client = await RawClient.open(await serve(kind))
      for (const count of [1, 2, 3]) {
        client.send(head())
        assert.ok(await client.until(() => client.text.endsWith(goOn)), client.text)
        client.send('body')
        assert.ok(await client.until(() => client.text.split('got body').length === count + 1), client.text)
      }
      assert.equal(answers(client).length, 6)
      client.destroy()
    })

    test('behind a response that is pending it waits for its turn', async () => {
      let answer = () => {}
      const handler: Handler = (req, res) => {
        if (req.url === '/slow') answer = () => res.end('earlier')
        else sayBack(req, res)
      }
      const client = await RawClient.open(await serve(kind, { handler }))
      client.send(get('/slow') + head())
      await settle(40)
      assert.deepEqual([client.text, calls], ['', ['/slow']])
      answer()
      assert.ok(await client.until(() => client.text.endsWith(`earlier${goOn}`)), client.text)
      client.send('body')
      assert.ok(await client.until(() => client.text.endsWith('got body')), client.text)
      client.destroy()
    })

    test('dropped behind a response that is pending it gets no 100', async () => {
      const handler: Handler = (_req, res) => void setTimeout(() => res.end('earlier'), 30)
      const site = { mounted: [rule('no-bad', req => req.url === '/bad' && 'bad')], handler }
      const wire = await exchange(await serve(kind, site), get('/slow') + head('/bad'))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nearlier$/)
      assert.notEqual(wire.end, 'open')
      assert.deepEqual([calls, told()], [['/slow'], ['no-bad: bad']])
    })
  })
}

for (const kind of bare) {
  describe(`the body behind Expect, ${kindName(kind)}`, () => {
    hooks()

    for (const [how, read] of Object.entries(readers)) {
      test(`is asked for by an app that reads by ${how}`, async () => {
        const handler: Handler = (req, res) => void read(req).then(body => res.end(`got ${body}`))
        const client = await RawClient.open(await serve(kind, { handler }))
        client.send(head())
        assert.ok(await client.until(() => client.text === goOn), client.text)
        client.send('body')
        assert.ok(await client.until(() => /got (body|thrown away)$/.test(client.text)), client.text)
        assert.equal(answers(client).length, 2)
        client.destroy()
      })
    }

    test('is asked for in no version before 1.1', async () => {
      const client = await RawClient.open(await serve(kind))
      client.send(`${head().replace('HTTP/1.1', 'HTTP/1.0')}body`)
      assert.ok(await client.until(() => client.text.endsWith('got body')), client.text)
      assert.equal(answers(client).length, 1)
      client.destroy()
    })
  })

  describe(`the app's own listeners, ${kindName(kind)}`, () => {
    hooks()

    const no = () => rule('no-bad', req => settle(10).then(() => req.url === '/bad' && 'bad'))
    const strange = (path: string) => `${head(path).replace('100-continue', 'the-moon')}body`

    async function serveOwn(event: string, order: 'before' | 'after'): Promise<RawOptions> {
      server = closed(await start(kind, [], req => void calls.push(`request ${req.url}`)))
      const own = (req: Request, res: Response) => {
        calls.push(`${event} ${req.url}`)
        res.statusCode = 418
        res.end('own')
      }
      if (order === 'before') server.server.on(event, own)
      protect(server.server, { rules: [no()] })
      if (order === 'after') server.server.on(event, own)
      return { port: server.port, tls: kind.tls, alpn: ['http/1.1'] }
    }

    for (const order of ['before', 'after'] as const) {
      for (const event of ['checkContinue', 'checkExpectation'] as const) {
        const bytes = event === 'checkContinue' ? head : strange

        test(`${event}, added ${order} protect, gets what passes and nothing else`, async () => {
          const to = await serveOwn(event, order)
          const client = await RawClient.open(to)
          client.send(bytes('/good'))
          assert.ok(await client.until(() => client.text.endsWith('own')), client.text)
          assert.match(client.text, /^HTTP\/1\.1 418 /)
          client.destroy()
          assert.deepEqual(calls, [`${event} /good`])
          await assertSilent(to, bytes('/bad'))
          assert.deepEqual([calls, told()], [[`${event} /good`], ['no-bad: bad']])
        })
      }
    }

    test('without one, a strange Expect ends in silence; a rule that drops it is named', async () => {
      const to = await serve(kind, { options: { rules: [no()] } })
      await assertSilent(to, strange('/good'))
      await assertSilent(to, strange('/bad'))
      assert.deepEqual(told(), ['protect: unknown-expectation', 'no-bad: bad'])
      assert.equal(drops.events[0]?.detail, 'the-moon')
      assert.deepEqual(calls, [])
    })

    test('in a dry run a strange Expect gets the 417 that it gets of Node', async () => {
      const wire = await exchange(
        await serve(kind, { options: { dryRun: true } }),
        get('/', { Expect: 'the-moon', Connection: 'close' }),
      )
      assert.match(wire.data.toString(), /^HTTP\/1\.1 417 /)
      assert.deepEqual([calls, told()], [[], ['protect: unknown-expectation']])
    })
  })
}

for (const [name, make] of Object.entries({ 'Express 4': express4, 'Express 5': express })) {
  describe(`body parsers of ${name}`, () => {
    hooks()

    test('get their body behind an asynchronous rule', async () => {
      const app = make()
      app.use(rule('late', () => settle(20).then(() => undefined)))
      app.use(express.json())
      app.post('/', (req, res) => void res.json({ got: req.body.a }))
      server = closed(await listen(protect(http.createServer(app))))
      const client = await RawClient.open({ port: server.port })
      const body = '{"a":444}'
      client.send(
        head('/', 'Content-Type: application/json\r\n').replace('Length: 4', `Length: ${body.length}`),
      )
      assert.ok(await client.until(() => client.text === goOn), client.text)
      client.send(body)
      assert.ok(await client.until(() => client.text.endsWith('{"got":444}')), client.text)
      client.destroy()
    })
  })
}

for (const kind of kinds.filter(({ protocol, app }) => protocol === 2 && app === 'bare')) {
  describe(`Expect over HTTP/2, ${kindName(kind)}`, () => {
    hooks()

    const post = (expect = '100-continue') => headers(1, '/', { ':method': 'POST', expect }, false)
    const responses = (bytes: Buffer) => parseFrames(bytes).filter(({ type }) => type === 'HEADERS').length

    async function connectHttp2(to: RawOptions) {
      const session = http2.connect(`${to.tls ? 'https' : 'http'}://localhost:${to.port}`, {
        lookup: (_host: string, _options: unknown, done: (error: null, found: unknown) => void) =>
          done(null, [{ address: '127.0.0.1', family: 4 }]),
        rejectUnauthorized: false,
      } as http2.SecureClientSessionOptions)
      session.on('error', () => {})
      return session
    }

    for (const [how, read] of Object.entries(readers)) {
      test(`100 comes once the rules have passed and the app reads by ${how}`, async () => {
        const waits = gate()
        const handler: Handler = (req, res) => void read(req).then(body => res.end(`got ${body}`))
        const session = await connectHttp2(await serve(kind, { options: { rules: [waits.rule] }, handler }))
        const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
        let continued = false
        stream.on('continue', () => {
          continued = true
          stream.end('body')
        })
        await waits.asked
        await settle(20)
        assert.deepEqual([continued, calls], [false, []])
        waits.open()
        assert.match(await text(stream), /^got (body|thrown away)$/)
        assert.deepEqual([continued, calls, told()], [true, ['/'], []])
        session.destroy()
      })
    }

    for (const [when, verdict] of [
      ['at once', () => 'unwelcome'],
      ['late', () => settle(30).then(() => 'unwelcome')],
    ] as const) {
      for (const body of ['', 'body']) {
        test(`dropped ${when} it gets no HEADERS${body && ', though it has sent the body'}`, async () => {
          const to = await serve(kind, { options: { rules: [rule('no', verdict, { http2: 'goaway' })] } })
          const client = await openHttp2(to)
          client.send(body ? Buffer.concat([post(), data(1, body)]) : post())
          const wire = await client.ended()
          assert.notEqual(wire.end, 'open')
          assert.equal(responses(wire.data), 0)
          assert.deepEqual([calls, told()], [[], ['no: unwelcome']])
        })
      }
    }

    test('a strange one gets no HEADERS', async () => {
      const client = await openHttp2(await serve(kind))
      client.send(post('the-moon'))
      const wire = await client.ended()
      assert.notEqual(wire.end, 'open')
      assert.equal(responses(wire.data), 0)
      assert.deepEqual([calls, told()], [[], ['protect: unknown-expectation']])
    })

    test('an app that never reads answers without 100', async () => {
      const session = await connectHttp2(await serve(kind, { handler: (_req, res) => res.end('too large') }))
      const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
      let continued = false
      stream.on('continue', () => {
        continued = true
      })
      assert.equal(await text(stream), 'too large')
      assert.equal(continued, false)
      session.destroy()
    })

    test("the app's own checkContinue gets what passes", async () => {
      const to = await serve(kind)
      server?.server.on('checkContinue', (req: Request, res: Response) => {
        calls.push(`own ${req.url}`)
        res.statusCode = 200
        res.end('own')
      })
      const session = await connectHttp2(to)
      const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
      assert.equal(await text(stream), 'own')
      assert.deepEqual(calls, ['own /'])
      session.destroy()
    })
  })
}
