import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex, PassThrough } from 'node:stream'
import { afterEach, describe, test } from 'node:test'
import {
  denyCidr,
  drop,
  dropLog,
  protect,
  type Rule,
  rateLimit,
  repeatOffender,
  rule,
} from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { frame, headers, preface } from '../support/http2-frames.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { type Kind, kindName, kinds, listen, type Middleware, start } from '../support/servers.ts'

const HERE = '127.0.0.1'
const drops = collectDrops()
afterEach(() => assert.deepEqual(uncaught.splice(0), []))

async function firstEvents() {
  for (let i = 0; i < 1_000 && drops.events.length === 0; i++) await settle(5)
  await settle()
  return drops.events.splice(0)
}

/** Has what waits go on when the server has seen the client leave. */
class Gate {
  readonly isAsked: Promise<void>
  readonly #gone: Promise<void>
  #ask = () => {}
  #leave = () => {}

  constructor() {
    this.isAsked = new Promise(resolve => {
      this.#ask = resolve
    })
    this.#gone = new Promise(resolve => {
      this.#leave = resolve
    })
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      // Behind Node's own listeners: streams and sessions are closed too.
      socket.once('close', () => setImmediate(this.#leave))
    })
  }

  wait(): Promise<void> {
    this.#ask()
    return this.#gone
  }
}

const deny = () => denyCidr(['127.0.0.0/8'])
const waitAt =
  (gate: Gate): Middleware =>
  (_req, _res, next) =>
    void gate.wait().then(() => next())
const lateRule = (gate: Gate) => rule('late', () => gate.wait().then(() => 'bad'))

interface Site {
  readonly app: readonly (Rule | Middleware)[]
  /** The rules of `protect`; undefined without it. */
  readonly guard?: readonly Rule[]
}

const sites: Record<string, (gate: Gate) => Site> = {
  'by an asynchronous rule': gate => ({ app: [lateRule(gate)] }),
  'by a rule behind an asynchronous middleware': gate => ({ app: [waitAt(gate), deny()] }),
  'by drop() that is called late': gate => ({
    app: [(req, res) => void gate.wait().then(() => drop(req, { res }))],
  }),
  'by an asynchronous rule of protect': gate => ({ app: [], guard: [lateRule(gate)] }),
  'by a rule behind an asynchronous middleware, and protect': gate => ({
    app: [waitAt(gate), deny()],
    guard: [],
  }),
}

describe('a client that leaves before the verdict has its address in the event', () => {
  async function askAndLeave(kind: Kind, site: (gate: Gate) => Site, leave: 'destroy' | 'resetAndDestroy') {
    const gate = new Gate()
    const { app, guard } = site(gate)
    const running = await start(kind, app, (_req, res) => void res.end())
    if (guard) protect(running.server, { rules: guard })
    gate.watch(running.server)
    const options = { port: running.port, tls: kind.tls, ...(kind.protocol === 2 ? { alpn: ['h2'] } : {}) }
    const client = await RawClient.open(options)
    client.send(kind.protocol === 1 ? get('/x') : Buffer.concat([preface, headers(1, '/x')]))
    await gate.isAsked
    client.tcp[leave]()
    const events = await firstEvents()
    await running.close()
    return events.map(event => [event.clientAddress, event.peerAddress])
  }

  const few = kinds.filter(({ app, server }) => app === 'bare' || (app !== 'express4' && server === 'https'))
  for (const kind of few) {
    for (const [name, site] of Object.entries(sites)) {
      for (const leave of ['destroy', 'resetAndDestroy'] as const) {
        test(`${kindName(kind)}, dropped ${name}: it calls ${leave}`, async () => {
          assert.deepEqual(await askAndLeave(kind, site, leave), [[HERE, HERE]])
        })
      }
    }
  }

  for (const [name, request] of [
    ['an upgrade', 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'],
    ['Expect', 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'],
    ['half a body', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na'],
  ]) {
    test(`${name}, judged by an asynchronous rule of protect`, async () => {
      for (const server of ['http', 'https'] as const) {
        const gate = new Gate()
        const running = await start({ server, app: 'bare' }, [], (_req, res) => void res.end())
        for (const event of ['upgrade', 'connect'])
          running.server.on(event, (_req, socket) => socket.destroy())
        protect(running.server, { rules: [lateRule(gate)] })
        gate.watch(running.server)
        const client = await RawClient.open({ port: running.port, tls: server === 'https' })
        client.send(request as string)
        await gate.isAsked
        client.tcp.resetAndDestroy()
        // Of an upgrade Node does not watch the socket.
        setTimeout(() => running.close(), 200)
        const events = await firstEvents()
        assert.deepEqual(
          events.map(event => [event.clientAddress, event.peerAddress]),
          [[HERE, HERE]],
          server,
        )
        await running.close()
      }
    })
  }
})

describe('HTTP/2 streams that are cancelled in the packet of their HEADERS', () => {
  const cancel = (stream: number) => frame('RST_STREAM', 0, stream, Buffer.from([0, 0, 0, 8]))
  const cancelled = (count: number) =>
    Array.from({ length: count }, (_, i) => [headers(2 * i + 1, `/${i}`), cancel(2 * i + 1)]).flat()
  const wait: Middleware = (_req, _res, next) => void setTimeout(next, 5)

  /** Sends 60 such requests over 3 connections, in the first write of each, and counts those that reach the app. */
  async function flood(server: 'http2' | 'h2c', make: () => Site) {
    let ran = 0
    const { app, guard } = make()
    const running = await start({ server, app: 'bare' }, app, (_req, res) => {
      ran++
      res.end()
    })
    if (guard) protect(running.server, { rules: guard })
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.open({ port: running.port, tls: server === 'http2', alpn: ['h2'] })
      client.send(Buffer.concat([preface, ...cancelled(20)]))
      await settle(30)
      client.destroy()
    }
    await settle(50)
    await running.close()
    const events = drops.events.splice(0)
    return { ran, events, addresses: [...new Set(events.map(event => event.peerAddress))] }
  }

  const limit = () => rateLimit({ rate: '1r/m', burst: 2 })
  for (const server of ['http2', 'h2c'] as const) {
    for (const [name, make] of [
      ['in the app', () => ({ app: [limit()] })],
      ['behind an asynchronous middleware', () => ({ app: [wait, limit()] })],
      ['in protect', () => ({ app: [], guard: [limit()] })],
      [
        'in the app behind protect and an asynchronous middleware',
        () => ({ app: [wait, limit()], guard: [] }),
      ],
    ] as const) {
      test(`${server}: a limit of 3 counts them all, ${name}`, async () => {
        const { ran, events, addresses } = await flood(server, make)
        assert.equal(ran, 3)
        assert.deepEqual(addresses, [HERE])
        assert.ok(events.every(({ reason }) => reason === 'rate-limited'))
      })
    }
    test(`${server}: a denied address is dropped by its address`, async () => {
      for (const make of [() => ({ app: [deny()] }), () => ({ app: [wait, deny()] })]) {
        const { ran, events, addresses } = await flood(server, make)
        assert.deepEqual([ran, addresses], [0, [HERE]])
        assert.ok(events.every(({ reason }) => reason === 'denied-address'))
      }
    })
  }
})

describe('a client that has reset its connection before it is accepted', () => {
  /** The loop stands still meanwhile, so that nothing is accepted. */
  function askAndReset(port: number): void {
    const script = `const s = require('node:net').connect(${port}, '${HERE}', () => s.write(
      'GET /x HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n', () => s.resetAndDestroy()))`
    spawnSync(process.execPath, ['-e', script])
  }

  async function reset(middlewares: readonly (Rule | Middleware)[], guard?: readonly Rule[]) {
    let ran = 0
    const lines = new PassThrough()
    const stop = dropLog(lines)
    const running = await start({ server: 'http', app: 'bare' }, middlewares, (_req, res) => {
      ran++
      res.end()
    })
    if (guard) protect(running.server, { rules: guard })
    askAndReset(running.port)
    await settle(100)
    await running.close()
    stop()
    const events = drops.events.splice(0).map(event => [event.reason, event.clientAddress, event.peerAddress])
    return { ran, events, line: String(lines.read() ?? '') }
  }

  for (const [name, make] of [
    ['denyCidr', () => denyCidr(['192.0.2.1'])],
    ['rateLimit', () => rateLimit({ rate: '100r/s' })],
    ['repeatOffender', () => repeatOffender()],
  ] as const) {
    test(`${name} can't judge it, and drops it as unknown`, async () => {
      for (const where of ['app', 'protect']) {
        const { ran, events, line } = await (where === 'app' ? reset([make()]) : reset([], [make()]))
        assert.deepEqual([ran, events], [0, [['no-address', undefined, 'unknown']]], where)
        assert.match(line, /^- - - \[/)
      }
    })
  }

  test("with noAddress: 'pass' it passes", async () => {
    const { ran } = await reset([
      repeatOffender({ noAddress: 'pass' }),
      denyCidr(['192.0.2.1'], { noAddress: 'pass' }),
    ])
    assert.equal(ran, 1)
  })

  test('it is no health check', async () => {
    let ran = 0
    const server = http.createServer((_req, res) => void res.end(String(ran++)))
    const running = await listen(protect(server, { rules: [deny()], healthCheck: '/x' }))
    askAndReset(running.port)
    await settle(100)
    await running.close()
    assert.deepEqual([ran, drops.events.splice(0).length], [0, 1])
  })
})

describe('who has no address', () => {
  test('is unix: on a unix-domain socket, also once it has left', {
    skip: process.platform === 'win32',
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'left-'))
    const path = join(folder, 'app.sock')
    for (const guards of [false, true]) {
      const lines = new PassThrough()
      const stop = dropLog(lines)
      const gate = new Gate()
      const late = lateRule(gate)
      const server = http.createServer((req, res) => (guards ? res.end() : late(req, res, () => res.end())))
      if (guards) protect(server, { rules: [late] })
      gate.watch(server)
      const running = await listen(server, path)
      const client = connect(path, () => client.write(get('/x')))
      await gate.isAsked
      client.destroy()
      const [event] = await firstEvents()
      await running.close()
      stop()
      assert.deepEqual([event?.clientAddress, event?.peerAddress], [undefined, undefined])
      assert.match(String(lines.read()), /^unix: - - \[/)
    }
    rmSync(folder, { recursive: true })
  })

  test('is unknown on a stream of its own, which rules judge as ever', async () => {
    const server = http.createServer((req, res) => deny()(req, res, () => res.end()))
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    server.emit('connection', stream)
    stream.push(get('/x'))
    const [event] = await firstEvents()
    assert.deepEqual([event?.reason, event?.peerAddress], ['no-address', 'unknown'])
  })
})
