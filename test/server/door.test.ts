import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import express from 'express'
import {
  allowCidr,
  type DropEvent,
  denyCidr,
  drop444,
  type ProtectOptions,
  protect,
  type Rule,
} from '../../lib/index.ts'
import { parseAddress } from '../../lib/match/addresses/address.ts'
import { Connection } from '../../lib/server/connection.ts'
import type { GuardedServer } from '../../lib/server/guarded-server.ts'
import { makeAdmission } from '../../lib/server/phases/admission.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { openHttp2, parseFrames, preface } from '../support/http2-frames.ts'
import { exchange, get, RawClient, SOON, type Wire } from '../support/raw-client.ts'
import { kindName, kinds, listen, type RunningServer, type ServerKind, start } from '../support/servers.ts'
import { helloMessage, record } from './fuzz-grammar.ts'

const BAD = '127.9.0.1'
const GOOD = '127.0.0.1'
const hello = record(helloMessage({ name: 'localhost' }))

let drops: ReturnType<typeof collectDrops>
let running: RunningServer
/** What the app was told: its `connection` events and its requests. */
let seen: string[]

beforeEach(() => {
  drops = collectDrops()
  seen = []
})
afterEach(async () => {
  drops.stop()
  await running?.close()
  assert.deepEqual(uncaught.splice(0), [])
})

async function guarded(server: ServerKind, options: ProtectOptions): Promise<number> {
  running = await start({ server, app: 'bare' }, [], (req, res) => {
    seen.push(req.url as string)
    res.end('fine')
  })
  running.server.on('connection', () => seen.push('connection'))
  protect(running.server, options)
  return running.port
}

/** What a client of each kind says first, before anything came back. */
const first = (server: ServerKind) => {
  if (server === 'http') return get()
  return server === 'h2c' ? preface : hello
}

const ask = (
  port: number,
  localAddress: string,
  bytes: string | Buffer = get('/', { Connection: 'close' }),
) => exchange({ port, localAddress }, bytes)

function assertSilent(wire: Wire): void {
  assert.equal(wire.wireBytes, 0)
  assert.notEqual(wire.end, 'open')
  assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
}

/** How a connection that says nothing ends. A RST may be there before the client has heard of its connection. */
async function howRefused(port: number): Promise<string> {
  try {
    const client = await RawClient.open({ port, localAddress: BAD })
    const { end } = await client.ended()
    return client.received === 0 ? end : `${client.received} bytes`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 'rst' : String(error)
  }
}

function assertPassed(wire: Wire): void {
  assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*fine$/)
}

const brief = ({ rule, reason, action, method }: DropEvent) => `${rule} ${reason} ${action} ${method}`.trim()
const events = () => drops.events.map(brief)

async function until(count: number): Promise<void> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const open = await new Promise<number>(resolve =>
      (running.server as Server).getConnections((_error, found) => resolve(found)),
    )
    if (open === count) return
    assert.ok(performance.now() < deadline, `${open} connections, not ${count}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** What passes the door of each kind, up to a response. */
async function assertServes(kind: (typeof kinds)[number], port: number): Promise<void> {
  if (kind.protocol === 2) {
    const client = await openHttp2({ port, tls: kind.tls, localAddress: GOOD })
    assert.ok(parseFrames(client.data).length > 0)
    client.destroy()
    return
  }
  const to = { port, tls: kind.tls, alpn: ['http/1.1'], localAddress: GOOD }
  assertPassed(await exchange(to, get('/', { Connection: 'close' })))
}

for (const kind of kinds.filter(({ app }) => app === 'bare')) {
  describe(`refused at the door: ${kindName(kind)}`, () => {
    for (const [rule, reason, detail] of [
      [denyCidr(['127.9.0.0/16']), 'denied-address', '127.9.0.0/16'],
      [allowCidr(['127.0.0.0/16']), 'unlisted-address', BAD],
    ] as const) {
      test(`${rule.name}: no byte, no TLS, no parser, no listener of the app, one event`, async () => {
        const port = await guarded(kind.server, { rules: [rule] })
        assertSilent(await ask(port, BAD, first(kind.server)))
        assert.deepEqual(seen, [])
        assert.equal(drops.events.length, 1)
        const { time: _, ...event } = drops.events[0] as DropEvent
        assert.deepEqual(event, {
          status: 444,
          sentStatus: undefined,
          action: 'close',
          rule: rule.name,
          reason,
          detail,
          bodyBytesSent: 0,
          clientAddress: BAD,
          peerAddress: BAD,
          remoteUser: undefined,
          method: '',
          url: '',
          httpVersion: '',
          host: undefined,
          referer: undefined,
          userAgent: undefined,
          requestLine: '',
        })
        await assertServes(kind, port)
        assert.equal(drops.events.length, 1)
      })
    }

    test('a client that says nothing is refused too', async () => {
      const port = await guarded(kind.server, { rules: [denyCidr([BAD])] })
      const client = await RawClient.open({ port, localAddress: BAD })
      assert.equal((await client.ended()).end, 'fin')
      assert.equal(client.received, 0)
      assert.deepEqual(events(), ['denyCidr denied-address close'])
      client.destroy()
    })

    test('reset: true sends RST', async () => {
      const port = await guarded(kind.server, { rules: [denyCidr([BAD], { reset: true })] })
      assert.equal(await howRefused(port), 'rst')
      assert.deepEqual(events(), ['denyCidr denied-address reset'])
    })

    test('connectionsPerAddress: one too many is refused; there is room again when one has gone', async () => {
      const port = await guarded(kind.server, {
        connectionsPerAddress: 3,
        handshakeTimeout: 0,
        headerTimeout: 0,
      })
      const open = (localAddress: string) => RawClient.open({ port, localAddress })
      const clients = [await open(BAD), await open(BAD), await open(BAD)]
      await until(3)
      for (let i = 0; i < 2; i++) assertSilent(await ask(port, BAD, first(kind.server)))
      assert.deepEqual(events(), Array(2).fill('protect too-many-connections close'))
      assert.equal(drops.events[0]?.detail, '3')
      assert.equal(drops.events[0]?.peerAddress, BAD)
      clients.push(await open(GOOD))
      await until(4)
      clients[0]?.destroy()
      await until(3)
      clients.push(await open(BAD))
      await until(4)
      assert.equal(drops.events.length, 2)
      assertSilent(await ask(port, BAD, first(kind.server)))
      assert.equal(drops.events.length, 3)
      for (const client of clients) {
        assert.equal(client.end, 'open')
        client.destroy()
      }
    })
  })
}

/** Denies the proxy itself and one client. */
const list = [BAD, '192.0.2.1']
const forwarded = (address: string) => get('/', { 'X-Forwarded-For': address, Connection: 'close' })

describe('behind a trusted proxy', () => {
  const places: Record<string, [Parameters<typeof denyCidr>[1], ProtectOptions]> = {
    'by the rule': [{ trustProxy: BAD }, {}],
    'by protect': [{}, { trustProxy: BAD }],
  }
  for (const [place, [own, options]] of Object.entries(places)) {
    test(`${place}: the client is judged by its request, and the proxy is told`, async () => {
      const port = await guarded('http', { rules: [denyCidr(list, own)], ...options })
      assertPassed(await ask(port, BAD, forwarded('192.0.2.9')))
      assert.match((await ask(port, BAD, forwarded('192.0.2.1'))).data.toString(), /^HTTP\/1\.1 444 /)
      assert.deepEqual(events(), ['denyCidr denied-address hand-off GET'])
      assert.equal(drops.events[0]?.clientAddress, '192.0.2.1')
    })

    test(`${place}: address 'peer' refuses the proxy's connection`, async () => {
      const port = await guarded('http', { rules: [denyCidr(list, { ...own, address: 'peer' })], ...options })
      assertSilent(await ask(port, BAD, forwarded('192.0.2.9')))
      assert.deepEqual(events(), ['denyCidr denied-address close'])
      assert.deepEqual(seen, [])
    })
  }

  test("by the Express app's own setting", async () => {
    const app = express().set('trust proxy', BAD)
    app.use((_req, res) => void res.end('fine'))
    running = await listen(createServer(app))
    protect(running.server, { rules: [denyCidr([...list, '127.9.0.2'])] })
    assertPassed(await ask(running.port, BAD, forwarded('192.0.2.9')))
    assertSilent(await ask(running.port, '127.9.0.2', forwarded('192.0.2.9')))
    assert.deepEqual(events(), ['denyCidr denied-address close'])
  })

  test('connections of the proxy are not counted', async () => {
    const port = await guarded('http', { trustProxy: BAD, connectionsPerAddress: 1 })
    const clients = await Promise.all(
      Array.from({ length: 5 }, () => RawClient.open({ port, localAddress: BAD })),
    )
    await until(5)
    for (const client of clients) client.destroy()
    assert.deepEqual(events(), [])
  })
})

describe('what needs a request is judged by it', () => {
  test('status: the client gets its code', async () => {
    const port = await guarded('http', { rules: [denyCidr(list, { status: 403 })] })
    assert.match((await ask(port, BAD)).data.toString(), /^HTTP\/1\.1 403 Forbidden\r\n/)
    assert.deepEqual(events(), ['denyCidr denied-address respond GET'])
  })

  test('dryRun: it passes, and is told once', async () => {
    const port = await guarded('http', { rules: [denyCidr(list, { dryRun: true })] })
    assertPassed(await ask(port, BAD))
    assert.deepEqual(events(), ['denyCidr denied-address dry-run GET'])
  })

  test('skip: it is asked', async () => {
    const port = await guarded('http', { rules: [denyCidr(list, { skip: req => req.url === '/health' })] })
    assertPassed(await ask(port, BAD, get('/health', { Connection: 'close' })))
    assertSilent(await ask(port, BAD))
    assert.deepEqual(events(), ['denyCidr denied-address close GET'])
    assert.deepEqual(seen, ['connection', '/health', 'connection'])
  })

  test('except: of the rule, and of protect', async () => {
    const rule = denyCidr(['127.9.0.0/16'], { except: [BAD] })
    const port = await guarded('http', { rules: [rule] })
    assertPassed(await ask(port, BAD))
    assertSilent(await ask(port, '127.9.0.2'))
    assert.deepEqual(events(), ['denyCidr denied-address close'])
  })

  test('except of protect: neither the rules of the door nor the count of connections', async () => {
    const port = await guarded('http', { except: [BAD], connectionsPerAddress: 1 })
    const clients = await Promise.all(
      Array.from({ length: 5 }, () => RawClient.open({ port, localAddress: BAD })),
    )
    await until(5)
    for (const client of clients) client.destroy()
    assert.deepEqual(events(), [])
  })
})

describe('chains and order', () => {
  test('the address rules of drop444 stand at the door, with their options', async () => {
    const chain = drop444({ noHost: true, denyCidr: { list, name: 'blocked', reset: true } })
    const port = await guarded('http', { rules: [chain] })
    assert.equal(await howRefused(port), 'rst')
    assert.deepEqual(events(), ['blocked denied-address reset'])
    assert.deepEqual(seen, [])
  })

  test('the first rule in order is the one that is named', async () => {
    const rules: Rule[] = [denyCidr([BAD], { name: 'one' }), denyCidr([BAD], { name: 'two' })]
    const port = await guarded('http', { rules })
    assertSilent(await ask(port, BAD))
    assert.deepEqual(events(), ['one denied-address close'])
  })

  test('a rule that is mounted in the app alone does not stand at the door', async () => {
    running = await start({ server: 'http', app: 'express5' }, [denyCidr([BAD])], (_req, res) =>
      res.end('fine'),
    )
    protect(running.server)
    assertSilent(await ask(running.port, BAD))
    assert.deepEqual(events(), ['denyCidr denied-address close GET'])
  })

  test('dryRun of protect: what it would refuse goes on to the rules', async () => {
    const port = await guarded('http', { dryRun: true, connectionsPerAddress: 1 })
    const client = await RawClient.open({ port, localAddress: BAD })
    await until(1)
    assertPassed(await ask(port, BAD))
    assert.deepEqual(events(), ['protect too-many-connections dry-run'])
    client.destroy()
  })
})

test('a unix-domain socket has no address: the request is judged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drop444-door-'))
  try {
    const socketPath = join(directory, 'socket')
    const server = createServer((_req, res) => res.end('fine'))
    running = await listen(server, socketPath)
    const pass = denyCidr(list, { noAddress: 'pass' })
    protect(server, {
      rules: [pass, denyCidr(list, { skip: req => req.url === '/ok' })],
      connectionsPerAddress: 1,
    })
    const outcome = (path: string) =>
      new Promise<string | number | undefined>(resolve => {
        httpRequest({ socketPath, path, agent: false }, res => resolve(res.resume().statusCode))
          .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
          .end()
      })
    assert.deepEqual(await Promise.all(['/ok', '/ok', '/', '/ok'].map(outcome)), [
      200,
      200,
      'ECONNRESET',
      200,
    ])
    assert.deepEqual(events(), ['denyCidr no-address close GET'])
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('connectionsPerAddress counts a /64 of IPv6 as one, and IPv4 by the address', () => {
  const guarded = {
    settings: { rules: [], connectionsPerAddress: 2, dryRun: false, reset: false, name: 'protect' },
  }
  const { isOneTooMany } = makeAdmission(guarded as unknown as GuardedServer)
  const come = (address: string) => {
    const tcp = Object.assign(new EventEmitter(), { remoteAddress: address, destroy: () => {} })
    const peer = parseAddress(address)
    return { tcp, refused: isOneTooMany(new Connection(tcp as unknown as Socket, peer, false, false)) }
  }
  const refused = (...addresses: string[]) => addresses.map(address => come(address).refused)
  assert.deepEqual(refused('2001:db8::1', '2001:db8::2:0:0:1', '2001:db8::ffff'), [false, false, true])
  assert.deepEqual(refused('2001:db8:0:1::1', '2001:db8:0:1::2'), [false, false])
  assert.deepEqual(refused('192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '192.0.2.2'), [
    false,
    false,
    true,
    false,
  ])
  const first = come('198.51.100.1')
  assert.deepEqual(refused('198.51.100.1', '198.51.100.1'), [false, true])
  first.tcp.emit('close')
  assert.deepEqual(refused('198.51.100.1', '198.51.100.1'), [false, true])
})
