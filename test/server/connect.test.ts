import assert from 'node:assert/strict'
import http2, { type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { describe, test } from 'node:test'
import {
  drop,
  noHost,
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
import { credentials, type Handler, listen, type RunningServer, start } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

const target = 'example.com:443'
const connect = (host = target) => `CONNECT ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const late = () => rule('late', () => settle(30).then(() => undefined))

let server: RunningServer | undefined

const told = () => drops.events.map(({ rule, reason, detail }) => `${rule}: ${reason}: ${detail}`)
const refused = [`protect: connect-method: ${target}`]

/** A tunnel that leads back. */
function tunnel(req: Request, socket: Socket, head: Buffer): void {
  calls.push(`tunnel ${req.url}`)
  socket.write('HTTP/1.1 200 Connected\r\n\r\n')
  socket.write(head)
  socket.on('data', chunk => socket.write(chunk))
  socket.on('end', () => socket.end())
}

for (const kind of ['http', 'https', 'http2-h1'] as const) {
  describe(`CONNECT on ${kind}`, () => {
    hooks()

    async function serve(
      options: ProtectOptions,
      { listener, handler }: { listener?: 'before' | 'after'; handler?: Handler } = {},
    ): Promise<RawOptions> {
      server = closed(
        await start({ server: kind, app: 'bare' }, [], (req, res) => {
          calls.push(req.url as string)
          if (handler) handler(req, res)
          else res.end('page')
        }),
      )
      if (listener === 'before') server.server.on('connect', tunnel)
      protect(server.server, options)
      if (listener === 'after') server.server.on('connect', tunnel)
      return { port: server.port, tls: kind !== 'http', alpn: ['http/1.1'] }
    }

    async function assertSilent(to: RawOptions, bytes: string): Promise<void> {
      const wire = await exchange(to, bytes)
      assert.equal(wire.wireBytes, 0)
      assert.notEqual(wire.end, 'open')
      assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
    }

    test('ends in silence where the app has no listener', async () => {
      await assertSilent(await serve({}), connect())
      assert.deepEqual(told(), refused)
      assert.deepEqual(calls, [])
      const [event] = drops.events
      assert.deepEqual([event?.method, event?.url, event?.host], ['CONNECT', target, target])
    })

    test('the same behind an asynchronous rule, with bytes behind it', async () => {
      await assertSilent(await serve({ rules: [late()] }), `${connect()}early`)
      assert.deepEqual(told(), refused)
    })

    test('a rule that drops it is the one that is named', async () => {
      await assertSilent(await serve({ rules: [noHost({ serverNames: ['localhost'] })] }), connect())
      assert.deepEqual(told(), ['noHost: unknown-host: example.com'])
    })

    for (const listener of ['before', 'after'] as const) {
      test(`reaches a listener that was added ${listener} protect, with the bytes behind it`, async () => {
        for (const rules of [[], [late()]]) {
          calls.length = 0
          const client = await RawClient.open(await serve({ rules }, { listener }))
          client.send(`${connect()}early`)
          assert.ok(await client.until(() => client.text.endsWith('early')), client.text)
          client.send(' and later')
          assert.ok(await client.until(() => client.text.endsWith(' and later')), client.text)
          assert.match(client.text, /^HTTP\/1\.1 200 Connected\r\n\r\nearly and later$/)
          client.destroy()
          assert.deepEqual(calls, [`tunnel ${target}`])
          assert.deepEqual(told(), [])
          await server?.close()
        }
      })
    }

    const verdicts: Record<string, Rule> = {
      'at once': rule('no', () => 'unwelcome'),
      'by a rule that waits': rule('no', () => settle(30).then(() => 'unwelcome')),
    }
    for (const [when, no] of Object.entries(verdicts)) {
      test(`dropped ${when} it never reaches the listener`, async () => {
        await assertSilent(await serve({ rules: [no] }, { listener: 'before' }), `${connect()}early`)
        assert.deepEqual(told(), ['no: unwelcome: undefined'])
        assert.deepEqual(calls, [])
      })
    }

    test('a rule that throws ends it in silence', async () => {
      const broken = rule('broken', () => {
        throw new Error('out of order')
      })
      await assertSilent(await serve({ rules: [broken] }, { listener: 'before' }), connect())
      assert.deepEqual(told(), ['broken: rule-error: out of order'])
      assert.deepEqual(calls, [])
    })

    test('a rule with a status answers', async () => {
      const no = rule('no', () => 'unwelcome', { status: 403 })
      const wire = await exchange(await serve({ rules: [no] }, { listener: 'before' }), connect())
      assert.match(wire.data.toString(), /^HTTP\/1\.1 403 Forbidden\r\n/)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(calls, [])
    })

    test('behind a response that is pending it waits for its turn', async () => {
      let answer = () => {}
      const handler: Handler = (_req, res) => {
        answer = () => res.end('earlier')
      }
      const client = await RawClient.open(await serve({}, { listener: 'before', handler }))
      client.send(`${get('/slow')}${connect()}early`)
      await settle(50)
      assert.deepEqual([client.text, calls], ['', ['/slow']])
      answer()
      assert.ok(await client.until(() => client.text.endsWith('early')), client.text)
      assert.match(client.text, /earlierHTTP\/1\.1 200 Connected\r\n\r\nearly$/)
      client.destroy()
    })

    test('without a listener it leaves the response before it whole', async () => {
      const handler: Handler = (_req, res) => void setTimeout(() => res.end('earlier'), 30)
      const wire = await exchange(await serve({}, { handler }), get('/slow') + connect())
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nearlier$/)
      assert.notEqual(wire.end, 'open')
      assert.deepEqual(told(), refused)
    })

    for (const when of ['by a rule', 'by the app, later'] as const) {
      test(`behind a request that is dropped ${when} it never runs`, async () => {
        const rules = when === 'by a rule' ? [rule('no-bad', req => req.url === '/bad' && 'bad')] : []
        const handler: Handler = (req, res) => void settle(40).then(() => drop(req, { res, reason: 'bad' }))
        const to = await serve({ rules }, { listener: 'before', handler })
        await assertSilent(to, get('/bad') + connect())
        assert.deepEqual(
          drops.events.map(({ reason }) => reason),
          ['bad'],
        )
        assert.deepEqual(calls, when === 'by a rule' ? [] : ['/bad'])
      })
    }

    test('a dry run tells, and closes as Node does', async () => {
      await assertSilent(await serve({ dryRun: true }), connect())
      assert.deepEqual(
        drops.events.map(({ action, reason }) => `${action} ${reason}`),
        ['dry-run connect-method'],
      )
    })
  })
}

/** HTTP/2: `:scheme` and `:path` are left out (RFC 9113 8.5). */
const connectStream = (stream: number, extra: Record<string, string> = {}) =>
  headers(stream, '', { ':method': 'CONNECT', ':scheme': '', ':authority': target, ...extra }, false)

type App = 'compat' | 'stream' | 'both'

for (const tls of [false, true]) {
  describe(`CONNECT over HTTP/2, ${tls ? 'TLS' : 'h2c'}`, () => {
    hooks()

    const accept = (stream: ServerHttp2Stream, by: string) => {
      calls.push(by)
      stream.respond({ ':status': 200 })
      stream.on('data', chunk => stream.write(chunk)).on('error', () => {})
    }

    async function serve(options: ProtectOptions, app: App, isWanted: boolean): Promise<RawOptions> {
      const own = tls ? http2.createSecureServer(credentials) : http2.createServer()
      if (app !== 'stream') own.on('request', (_req, res) => res.end('page'))
      if (app !== 'compat') {
        own.on('stream', (stream, fields) => {
          if (fields[':method'] === 'CONNECT' && app === 'stream') accept(stream, 'stream')
          else if (app === 'stream') stream.respond({ ':status': 200 }, { endStream: true })
        })
      }
      const onConnect = (_req: Request, res: Response) =>
        accept((res as Http2ServerResponse).stream, 'connect')
      if (isWanted) own.on('connect', onConnect as never)
      server = closed(await listen(protect(own as Server, options)))
      return { port: server.port, tls }
    }

    const responses = (bytes: Buffer) => parseFrames(bytes).filter(({ type }) => type === 'HEADERS').length
    const hasEcho = (client: RawClient, text: string) =>
      parseFrames(client.data).some(({ type, payload }) => type === 'DATA' && payload.toString() === text)

    for (const app of ['compat', 'both'] as const) {
      test(`ends without a response where an app (${app}) has no listener`, async () => {
        const client = await openHttp2(await serve({}, app, false))
        client.send(connectStream(1))
        const wire = await client.ended()
        assert.notEqual(wire.end, 'open')
        assert.equal(responses(wire.data), 0)
        assert.deepEqual(
          drops.events.map(({ reason, host }) => `${reason}: ${host}`),
          [`connect-method: ${target}`],
        )
        assert.deepEqual(calls, [])
      })

      test(`reaches the listener of an app (${app}), and each rule judges it once`, async () => {
        const judged: string[] = []
        const count = rule('count', async req => {
          await settle(20)
          judged.push(req.method as string)
        })
        const client = await openHttp2(await serve({ rules: [count] }, app, true))
        client.send(connectStream(1))
        assert.ok(await client.until(() => responses(client.data) === 1))
        client.send(data(1, 'there and back'))
        assert.ok(await client.until(() => hasEcho(client, 'there and back')))
        client.destroy()
        assert.deepEqual([calls, judged, told()], [['connect'], ['CONNECT'], []])
      })
    }

    for (const app of ['compat', 'stream', 'both'] as const) {
      test(`dropped by a rule it never reaches an app (${app})`, async () => {
        for (const no of [
          rule('no', () => 'unwelcome', { http2: 'goaway' }),
          rule('no', () => settle(20).then(() => 'unwelcome'), { http2: 'goaway' }),
        ]) {
          const client = await openHttp2(await serve({ rules: [no] }, app, true))
          client.send(connectStream(1))
          const wire = await client.ended()
          assert.notEqual(wire.end, 'open')
          assert.equal(responses(wire.data), 0)
          assert.deepEqual(told(), ['no: unwelcome: undefined'])
          assert.deepEqual(calls, [])
          drops.events.length = 0
          await server?.close()
        }
      })
    }

    test('reaches an app that takes streams itself', async () => {
      const client = await openHttp2(await serve({ rules: [late()] }, 'stream', false))
      client.send(Buffer.concat([connectStream(1), data(1, 'early')]))
      assert.ok(await client.until(() => hasEcho(client, 'early')))
      client.destroy()
      assert.deepEqual([calls, told()], [['stream'], []])
    })
  })
}
