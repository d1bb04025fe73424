import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import http from 'node:http'
import net, { type Server } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import tls from 'node:tls'
import { promisify } from 'node:util'
import express from 'express'
import { denyCidr, OptionsError, type ProtectOptions, protect, rule, unprotect } from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient, type RawOptions } from '../support/raw-client.ts'
import { type Handler, type RunningServer, type ServerKind, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'

const serverKinds: readonly ServerKind[] = ['http', 'https', 'http2-h1', 'http2', 'h2c']
const http1: readonly ServerKind[] = serverKinds.filter(kind => kind !== 'http2' && kind !== 'h2c')

let drops: ReturnType<typeof collectDrops>
let running: RunningServer[]

function hooks(): void {
  beforeEach(() => {
    drops = collectDrops()
    running = []
  })
  afterEach(async () => {
    for (const server of running) await server.close()
    drops.stop()
    assert.deepEqual(uncaught.splice(0), [])
  })
}

const reasons = () => drops.events.map(({ reason }) => reason)

async function run(kind: ServerKind, handler: Handler = (_req, res) => void res.end('fine')) {
  const server = await start({ server: kind, app: 'bare' }, [], handler)
  running.push(server)
  return server
}

const optionsFor = (kind: ServerKind, { port }: RunningServer): RawOptions => ({
  port,
  tls: kind !== 'http' && kind !== 'h2c',
  alpn: kind === 'http2' ? ['h2'] : ['http/1.1'],
})

/** All that can be told apart of a server from outside. */
function snapshot(server: Server) {
  const properties = Reflect.ownKeys(server).map(key => {
    const { value, ...descriptor } = Object.getOwnPropertyDescriptor(server, key) as PropertyDescriptor
    // The listeners are compared below.
    return { key, ...descriptor, value: key === '_events' ? undefined : value }
  })
  const listeners = server.eventNames().map(event => ({ event, listeners: server.rawListeners(event) }))
  return { properties, listeners }
}

/** As `snapshot`, identities too. */
function assertSame(actual: ReturnType<typeof snapshot>, expected: ReturnType<typeof snapshot>): void {
  assert.deepEqual(
    actual.properties.map(({ value: _value, ...rest }) => rest),
    expected.properties.map(({ value: _value, ...rest }) => rest),
  )
  for (const [index, { key, value }] of expected.properties.entries()) {
    assert.ok(Object.is(actual.properties[index]?.value, value), String(key))
  }
  const events = ({ listeners }: typeof actual) => listeners.map(({ event }) => event)
  assert.deepEqual(events(actual), events(expected))
  for (const [index, { event, listeners }] of expected.listeners.entries()) {
    const now = actual.listeners[index]?.listeners ?? []
    assert.equal(now.length, listeners.length, String(event))
    assert.ok(
      listeners.every((listener, at) => now[at] === listener),
      String(event),
    )
  }
}

/** Waits until the server has no connection: then it counts none. */
async function emptied({ server }: RunningServer): Promise<void> {
  const count = () => new Promise<number>(resolve => server.getConnections((_error, left) => resolve(left)))
  const until = performance.now() + 20_000
  while ((await count()) > 0 && performance.now() < until) await settle(5)
}

const garbage = '\x00\x01 what?\r\n\r\n'
const noHost = 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'
/** What Node, left to itself, answers. */
const nodeAnswers: Record<string, string> = {
  garbage,
  noHost,
  expect: get('/', { Expect: 'the-moon', Connection: 'close' }),
  continue: 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n',
  connect: 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
  large: get('/', { 'X-Large': 'x'.repeat(20_000) }),
  good: get('/', { Connection: 'close' }),
}

/** What each of them gets from a server, without the date. */
async function answersOf(kind: ServerKind, server: RunningServer): Promise<Record<string, string>> {
  const answers: Record<string, string> = {}
  for (const [name, bytes] of Object.entries(nodeAnswers)) {
    const client = await RawClient.open(optionsFor(kind, server))
    client.send(bytes)
    if (name === 'continue') await client.until(() => client.text.includes('fine') || client.end !== 'open')
    else await client.ended()
    const frames = client.text.startsWith('HTTP/') ? client.text : client.data.toString('hex')
    answers[name] = frames.replace(/\r\nDate: [^\r]*/i, '')
    client.destroy()
  }
  return answers
}

type State = 'fresh' | 'idle' | 'busy'

/** What `server.close()` does to a connection, at once and when its request is answered. */
async function closing(kind: ServerKind, state: State, guarded: boolean) {
  let answer = () => {}
  let isAsked = () => {}
  const asked = new Promise<void>(resolve => {
    isAsked = resolve
  })
  const server = await run(kind, (_req, res) => {
    answer = () => res.end('fine')
    if (state !== 'busy') answer()
    isAsked()
  })
  if (guarded) protect(server.server)
  const isHttp2 = kind === 'http2' || kind === 'h2c'
  const to = optionsFor(kind, server)
  const client = isHttp2 ? await openHttp2(to) : await RawClient.open(to)
  if (state !== 'fresh') {
    client.send(isHttp2 ? headers(1, '/') : get('/'))
    await asked
    if (state === 'idle') await client.until(() => client.text.includes('fine'))
  }
  let isClosed = false
  server.server.close(() => {
    isClosed = true
  })
  const look = async () => {
    await client.until(() => client.end !== 'open', 300)
    await settle(10)
    return { end: client.end, isClosed }
  }
  const atOnce = await look()
  answer()
  const answered = await look()
  client.destroy()
  return { atOnce, answered }
}

for (const kind of serverKinds) {
  describe(`protect and unprotect, ${kind}`, () => {
    hooks()

    test('return the server; a second protect is an error', async () => {
      const { server } = await run(kind)
      assert.equal(protect(server), server)
      assert.throws(
        () => protect(server, { dryRun: true }),
        (error: unknown) =>
          error instanceof OptionsError &&
          error.code === 'DROP444_ALREADY_PROTECTED' &&
          error.option === 'server' &&
          error.value === server &&
          /unprotect/.test(error.message),
      )
      assert.equal(unprotect(server), server)
      assert.equal(unprotect(server), server)
      assert.equal(protect(server), server)
    })

    test('restore the server exactly', async () => {
      const server = await run(kind)
      const own = () => {}
      server.server.on('connect', own).once('checkContinue', own).on('clientError', own).on('connection', own)
      // Node itself adds to a server of HTTP/2 with its first HTTP/1 connection.
      await exchange(optionsFor(kind, server), get('/', { Connection: 'close' }), 300)
      await emptied(server)
      const before = snapshot(server.server)
      protect(server.server, {
        serverNames: undefined,
        rules: [rule('late', () => settle(5).then(() => ''))],
      })
      for (const bytes of [get('/', { Connection: 'close' }), garbage]) {
        await exchange(optionsFor(kind, server), bytes, 300)
      }
      await emptied(server)
      unprotect(server.server)
      assertSame(snapshot(server.server), before)
    })

    test('keep an emit that the server had of its own, and listeners that came meanwhile', async () => {
      const { server } = await run(kind)
      const seen: unknown[] = []
      const emit = (event: string, ...args: unknown[]) => {
        seen.push(event)
        return (net.Server.prototype.emit as (...args: unknown[]) => boolean).call(server, event, ...args)
      }
      Object.defineProperty(server, 'emit', { value: emit, configurable: true, enumerable: false })
      const before = snapshot(server)
      protect(server)
      server.emit('own')
      const late = () => {}
      server.on('late', late)
      unprotect(server)
      assert.equal(server.emit, emit)
      assert.ok(seen.includes('own'))
      assert.deepEqual(server.listeners('late'), [late])
      server.off('late', late)
      assertSame(snapshot(server), before)
    })

    test('give Node its answers back', async () => {
      const plain = await answersOf(kind, await run(kind))
      const server = await run(kind)
      protect(server.server)
      unprotect(server.server)
      assert.deepEqual(await answersOf(kind, server), plain)
      if (http1.includes(kind)) assert.match(plain.garbage ?? '', /^HTTP\/1\.1 400 /)
      assert.deepEqual(drops.events, [])
    })

    for (const state of ['fresh', 'idle', 'busy'] as const) {
      test(`server.close() ends what it ends without protect: a connection that is ${state}`, async () => {
        const outcomes = [await closing(kind, state, false), await closing(kind, state, true)]
        assert.deepEqual(outcomes[1], outcomes[0])
      })
    }

    for (const order of ['before', 'after'] as const) {
      test(`the app's listeners, added ${order} protect, see what passes and nothing else`, async () => {
        const server = await run(kind)
        const seen: string[] = []
        const listen = () => {
          for (const event of ['connection', 'secureConnection', 'session', 'stream', 'request']) {
            server.server.on(event, () => void seen.push(event))
          }
        }
        if (order === 'before') listen()
        protect(server.server, { rules: [denyCidr(['127.0.0.7'])] })
        if (order === 'after') listen()
        const isHttp2 = kind === 'http2' || kind === 'h2c'
        const to = optionsFor(kind, server)
        const wire = await exchange({ ...to, tls: false, localAddress: '127.0.0.7' }, get('/'))
        assert.deepEqual([wire.wireBytes, seen, reasons()], [0, [], ['denied-address']])
        const client = isHttp2 ? await openHttp2(to) : await RawClient.open(to)
        client.send(isHttp2 ? headers(1, '/') : get('/'))
        assert.ok(await client.until(() => client.text.includes('fine')), client.text)
        client.destroy()
        // Node's own listeners come first, so the order is that of who listened when.
        assert.deepEqual(
          seen.sort(),
          [
            'connection',
            'request',
            ...(to.tls ? ['secureConnection'] : []),
            ...(isHttp2 ? ['session', 'stream'] : []),
          ].sort(),
        )
      })
    }

    test('protect takes on the connections that are there', async () => {
      const server = await run(kind)
      const isHttp2 = kind === 'http2' || kind === 'h2c'
      const to = optionsFor(kind, server)
      const open = () => (isHttp2 ? openHttp2(to) : RawClient.open(to))
      const clients = [await open(), await open(), await open()]
      const request = (path: string, stream: number) => (isHttp2 ? headers(stream, path) : get(path))
      const [idle, fresh, half] = clients as [RawClient, RawClient, RawClient]
      const count = (client: RawClient) => client.text.split('fine').length - 1
      idle.send(request('/one', 1))
      assert.ok(await idle.until(() => count(idle) === 1))
      const bytes = Buffer.from(request('/one', 1))
      half.send(bytes.subarray(0, 10))
      await settle(20)
      protect(server.server, {
        rules: [rule('no-bad', req => req.url === '/bad' && 'bad', { http2: 'goaway' })],
      })
      half.send(bytes.subarray(10))
      fresh.send(request('/one', 1))
      idle.send(request('/two', 3))
      assert.ok(await half.until(() => count(half) === 1), half.text)
      assert.ok(await fresh.until(() => count(fresh) === 1), fresh.text)
      assert.ok(await idle.until(() => count(idle) === 2), idle.text)
      for (const client of clients) {
        client.send(request('/bad', 5))
        const wire = await client.ended()
        assert.notEqual(wire.end, 'open')
        if (isHttp2) {
          assert.equal(parseFrames(wire.data).filter(({ type }) => type === 'HEADERS').length, count(client))
        } else assert.equal(wire.wireBytes, 0)
      }
      assert.deepEqual(reasons(), ['bad', 'bad', 'bad'])
    })

    test('connections that were guarded go on without', async () => {
      const server = await run(kind)
      protect(server.server)
      const isHttp2 = kind === 'http2' || kind === 'h2c'
      const to = optionsFor(kind, server)
      const client = isHttp2 ? await openHttp2(to) : await RawClient.open(to)
      client.send(isHttp2 ? headers(1, '/') : get('/'))
      assert.ok(await client.until(() => client.text.includes('fine')))
      unprotect(server.server)
      client.send(isHttp2 ? headers(3, '/') : get('/'))
      assert.ok(await client.until(() => client.text.split('fine').length === 3), client.text)
      if (!isHttp2) {
        client.send(garbage)
        assert.match((await client.ended()).data.toString(), /fineHTTP\/1\.1 400 /)
      } else client.destroy()
      assert.deepEqual(drops.events, [])
    })
  })
}

for (const kind of http1) {
  describe(`clientError, ${kind}`, () => {
    hooks()

    test("the app's listener hears of clients that left, not of what ended in silence", async () => {
      let asked = () => {}
      const reached = new Promise<void>(resolve => {
        asked = resolve
      })
      const server = await run(kind, () => asked())
      const codes: (string | undefined)[] = []
      let heard = () => {}
      const told = new Promise<void>(resolve => {
        heard = resolve
      })
      server.server.on('clientError', (error: NodeJS.ErrnoException, socket: net.Socket) => {
        codes.push(error.code)
        heard()
        if (socket.writable) socket.end('HTTP/1.1 400 by the app\r\n\r\n')
      })
      protect(server.server)
      const wire = await exchange(optionsFor(kind, server), garbage)
      assert.deepEqual([wire.wireBytes, codes], [0, []])
      const client = await RawClient.open(optionsFor(kind, server))
      client.send(get('/'))
      await reached
      client.tcp.resetAndDestroy()
      await told
      assert.deepEqual(codes, ['ECONNRESET'])
      assert.deepEqual(reasons(), ['invalid-method'])
    })
  })
}

for (const kind of ['http', 'https'] as const) {
  describe(`closing connections, ${kind}`, () => {
    hooks()

    test('closeIdleConnections and closeAllConnections close what they close without protect', async () => {
      const server = await run(kind, (req, res) => {
        if (req.url === '/idle') res.end('fine')
      })
      protect(server.server)
      const to = optionsFor(kind, server)
      const [idle, busy] = [await RawClient.open(to), await RawClient.open(to)]
      idle.send(get('/idle'))
      busy.send(get('/busy'))
      assert.ok(await idle.until(() => idle.text.endsWith('fine')))
      const own = server.server as http.Server
      own.closeIdleConnections()
      assert.ok(await idle.until(() => idle.end === 'fin'))
      assert.equal(busy.end, 'open')
      own.closeAllConnections()
      assert.ok(await busy.until(() => busy.end !== 'open'))
      assert.deepEqual(drops.events, [])
    })
  })
}

describe('protect before listen', () => {
  hooks()

  test('guards from the first connection on', async () => {
    const server = protect(http.createServer((_req, res) => void res.end('fine')))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    assert.equal((await exchange({ port }, garbage)).wireBytes, 0)
    const wire = await exchange({ port }, get('/', { Connection: 'close' }))
    assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*fine$/)
    assert.deepEqual(reasons(), ['invalid-method'])
    await new Promise(resolve => server.close(resolve))
  })

  test('guards what app.listen returned', async () => {
    const app = express()
    app.get('/', (_req, res) => void res.send('fine'))
    const server = protect(app.listen(0, '127.0.0.1'))
    if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as net.AddressInfo
    assert.equal((await exchange({ port }, noHost)).wireBytes, 0)
    const wire = await exchange({ port }, get('/', { Connection: 'close' }))
    assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*fine$/)
    assert.deepEqual(reasons(), ['no-host'])
    await new Promise(resolve => server.close(resolve))
  })
})

describe('bad options of protect', () => {
  const cases: [string, unknown, string, string?][] = [
    ['unknown', { wall: true }, 'DROP444_UNKNOWN_OPTION'],
    ['misspelt headerTimeout', { headersTimeout: 1 }, 'DROP444_UNKNOWN_OPTION', 'headerTimeout'],
    ['misspelt bodyTimeout', { bodyTimout: 1 }, 'DROP444_UNKNOWN_OPTION', 'bodyTimeout'],
    ['misspelt sendTimeout', { send_timeout: 1 }, 'DROP444_UNKNOWN_OPTION', 'sendTimeout'],
    ['misspelt handshakeTimeout', { handshaketimeout: 1 }, 'DROP444_UNKNOWN_OPTION', 'handshakeTimeout'],
    ['rule for rules', { rule: [] }, 'DROP444_UNKNOWN_OPTION', 'rules'],
    ['negative', { headerTimeout: -1 }, 'DROP444_INVALID_OPTION'],
    ['text', { bodyTimeout: '10s' }, 'DROP444_INVALID_OPTION'],
    ['a fraction', { sendTimeout: 0.5 }, 'DROP444_INVALID_OPTION'],
    ['endless', { handshakeTimeout: Number.POSITIVE_INFINITY }, 'DROP444_INVALID_OPTION'],
    ['no number', { headerTimeout: Number.NaN }, 'DROP444_INVALID_OPTION'],
    ['more than a timer can wait', { headerTimeout: 2 ** 31 }, 'DROP444_INVALID_OPTION'],
    ['no connection at all', { connectionsPerAddress: 0 }, 'DROP444_INVALID_OPTION'],
    ['a rule alone', { rules: rule('one', () => '') }, 'DROP444_INVALID_OPTION'],
    ['rules that are text', { rules: ['noHost'] }, 'DROP444_INVALID_ENTRY'],
    ['a factory that was not called', { rules: [denyCidr] }, 'DROP444_INVALID_ENTRY'],
    ['a judge that is no rule', { rules: [() => true] }, 'DROP444_INVALID_ENTRY'],
    ['nothing in rules', { rules: [undefined] }, 'DROP444_INVALID_ENTRY'],
    ['dryRun as text', { dryRun: 'true' }, 'DROP444_INVALID_OPTION'],
    ['an address that is none', { except: ['1.2.3.400'] }, 'DROP444_INVALID_ENTRY'],
    ['a list', [], 'DROP444_INVALID_OPTION'],
    ['a rule for the options', rule('one', () => ''), 'DROP444_INVALID_OPTION'],
  ]
  for (const [what, options, code, didYouMean] of cases) {
    test(`${what}: ${code}`, () => {
      const server = http.createServer()
      const before = snapshot(server)
      assert.throws(
        () => protect(server, options as ProtectOptions),
        (error: unknown) =>
          error instanceof OptionsError && error.code === code && error.didYouMean === didYouMean,
      )
      assertSame(snapshot(server), before)
    })
  }

  const none: [string, () => unknown][] = [
    ['an Express app', () => express()],
    ['a server of net', () => net.createServer()],
    ['a server of tls', () => tls.createServer()],
    ['a listener', () => () => {}],
    ['an agent', () => new http.Agent()],
    ['nothing', () => undefined],
    ['null', () => null],
    ['a port', () => 3000],
  ]
  for (const [what, make] of none) {
    test(`${what} in place of the server`, () => {
      assert.throws(
        () => protect(make() as Server),
        (error: unknown) =>
          error instanceof OptionsError &&
          error.option === 'server' &&
          (what !== 'an Express app' || /protect\(app\.listen/.test(error.message)),
      )
    })
  }
})

describe('curl', { skip: requireTool('curl') }, () => {
  hooks()
  const curl = async (...args: string[]) =>
    (await promisify(execFile)('curl', ['-sS', '--noproxy', '*', '-m', '10', ...args])).stdout

  test('--http2 to a plain port gets its 200', async () => {
    const server = await run('http')
    protect(server.server, { rules: [rule('late', () => settle(10).then(() => ''))] })
    const url = `http://127.0.0.1:${server.port}/`
    assert.equal(await curl('--http2', '-w', ' %{http_code} %{http_version}', url), 'fine 200 1.1')
    assert.deepEqual(drops.events, [])
  })

  test('--http2 to a TLS port, and --http2-prior-knowledge to h2c, get theirs', async () => {
    const [secure, plain] = [await run('http2'), await run('h2c')]
    protect(secure.server)
    protect(plain.server)
    const format = ['-w', ' %{http_code} %{http_version}']
    assert.equal(await curl('-k', '--http2', ...format, `https://127.0.0.1:${secure.port}/`), 'fine 200 2')
    assert.equal(
      await curl('--http2-prior-knowledge', ...format, `http://127.0.0.1:${plain.port}/`),
      'fine 200 2',
    )
    assert.deepEqual(drops.events, [])
  })
})
