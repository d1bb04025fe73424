import assert from 'node:assert/strict'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  denyCidr,
  dropLog,
  onDrop,
  type ProtectOptions,
  protect,
  type Rule,
  rule,
  unprotect,
} from '../../lib/index.ts'
import { readClientHello } from '../../lib/server/phases/client-hello.ts'
import { readRawHead } from '../../lib/server/phases/raw-head.ts'
import { cpuTime } from '../support/cpu-time.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

const garbage = 'garbage\r\n\r\n'
const boom = () => {
  throw new Error('boom')
}

let drops: ReturnType<typeof collectDrops>
let running: RunningServer[] = []

beforeEach(() => {
  drops = collectDrops()
})
afterEach(async () => {
  for (const server of running) await server.close()
  running = []
  await settle(5)
  drops.stop()
  assert.deepEqual(uncaught.splice(0), [])
})

async function serve(handler: Handler, options: ProtectOptions = {}, tls = false) {
  const server = tls ? https.createServer(credentials, handler) : http.createServer(handler)
  const started = await listen(protect(server, options))
  running.push(started)
  return { port: started.port, tls, alpn: ['http/1.1'], server }
}

const told = () => drops.events.map(event => `${event.rule} ${event.reason} ${event.action}`)

for (const tls of [false, true]) {
  describe(`garbage behind a request that is dropped late: ${tls ? 'https' : 'http'}`, () => {
    const late = () => rule('late', async () => settle(40).then(() => 'late'))

    test('makes no byte and no event', async () => {
      const to = await serve(() => assert.fail('called'), { rules: [late()] }, tls)
      const wire = await exchange(to, get('/') + garbage)
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      await settle(30)
      assert.deepEqual(told(), ['late late close'])
    })

    test('leaves it its RST', async () => {
      const rules = [rule('late', async () => settle(40).then(() => 'late'), { reset: true })]
      const to = await serve(() => assert.fail('called'), { rules }, tls)
      const wire = await exchange(to, get('/') + garbage)
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'rst'])
      assert.deepEqual(told(), ['late late reset'])
    })
  })
}

describe('what users hand to protect may throw', () => {
  const rejecting = (async (_req: unknown, _res: unknown, _next: unknown) => boom()) as unknown as Rule

  test('a middleware that rejects: silence, and rule-error', async () => {
    const to = await serve(() => assert.fail('called'), { rules: [rejecting] })
    const wire = await exchange(to, get('/'))
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    assert.deepEqual(told(), ['rejecting rule-error close'])
  })

  test('a trust function, at the door and behind it: the request is judged', async () => {
    const rules = [denyCidr(['192.0.2.1'], { trustProxy: boom as () => boolean })]
    for (const options of [{ rules }, { trustProxy: boom as () => boolean }]) {
      const to = await serve((_req, res) => res.end('fine'), options)
      await exchange(to, get('/', { Connection: 'close' }))
    }
  })

  test('a logger, when a number of lines is said', async () => {
    const stop = dropLog({ info: boom }, { sum: 5 })
    const to = await serve(() => {})
    for (let i = 0; i < 3; i++) await exchange(to, garbage)
    await settle(30)
    stop()
    assert.equal(drops.events.length, 3)
  })
})

describe('what one packet can cost', () => {
  const bounded = (limit: number, work: () => void) => {
    const ms = cpuTime(work)
    assert.ok(ms < limit, `${ms} ms`)
  }

  test('a ClientHello in records of one byte', () => {
    const records = Buffer.concat(
      Array.from({ length: 30_000 }, (_, i) => Buffer.from([22, 3, 1, 0, 1, [1, 0, 0x75, 0x30][i] ?? 0])),
    )
    bounded(200, () => assert.equal(readClientHello(records), 'malformed-tls'))
  })

  test('a head with a long run of blanks', () => {
    const head = Buffer.from(`GET / HTTP/1.1\r\nHost: a${' '.repeat(16_300)}b\r\nbad\r\n`)
    bounded(100, () => assert.match(readRawHead(head).host ?? '', /^a +b$/))
  })
})

test('a trusted proxy keeps its connection where the request had no body', async () => {
  const to = await serve((_req, res) => res.end('fine'), { trustProxy: 'loopback' })
  const client = await RawClient.open(to)
  client.send('GET / HTTP/1.1\r\n\r\n')
  assert.ok(await client.until(() => /^HTTP\/1\.1 444 /.test(client.text)), 'told')
  client.send(get('/next'))
  assert.ok(await client.until(() => client.text.endsWith('fine')), 'answered')
  client.destroy()
  assert.deepEqual(told(), ['protect no-host hand-off'])
})

test('an upgrade that is answered ends its connection, though the client does not', async () => {
  const to = await serve(() => {}, { rules: [rule('no', () => 'no', { status: 403 })] })
  to.server.on('upgrade', () => assert.fail('called'))
  const client = await RawClient.open(to)
  client.send(get('/', { Connection: 'Upgrade', Upgrade: 'websocket' }))
  assert.ok(await client.until(() => client.end === 'fin'), 'FIN')
  assert.match(client.text, /^HTTP\/1\.1 403 /)
  const open = () => new Promise(resolve => to.server.getConnections((_, count) => resolve(count)))
  for (let tries = 0; tries < 60 && (await open()) !== 0; tries++) await settle(50)
  assert.equal(await open(), 0)
  client.destroy()
})

test('an upgrade with a body waits for the response before it', async () => {
  const to = await serve((_req, res) => setTimeout(() => res.end('first'), 60))
  let upgraded = 0
  to.server.on('upgrade', (_req, socket) => {
    upgraded++
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  })
  const client = await RawClient.open(to)
  const upgrade = get('/', { Connection: 'Upgrade', Upgrade: 'x', 'Content-Length': '4' })
  client.send(`${get('/slow')}${upgrade}body`)
  assert.ok(await client.until(() => client.text.includes('101')), client.text)
  assert.ok(client.text.indexOf('first') < client.text.indexOf('101'), client.text)
  assert.equal(upgraded, 1)
  client.destroy()
})

test('RTSP behind a slow response is seen', async () => {
  const seen: string[] = []
  const to = await serve((req, res) => {
    seen.push(req.url as string)
    setTimeout(() => res.end('slow'), 40)
  })
  await exchange(to, `${get('/slow')}OPTIONS /x RTSP/1.0\r\n\r\n`)
  assert.deepEqual(seen, ['/slow'])
  assert.deepEqual(told(), ['protect invalid-version close'])
})

test('guarded anew, a server watches the connections it has', async () => {
  const to = await serve((_req, res) => res.end('fine'))
  const client = await RawClient.open(to)
  client.send(get('/'))
  await client.until(() => client.text.endsWith('fine'))
  protect(unprotect(to.server), { headerTimeout: 300 })
  client.send(get('/again'))
  await client.until(() => client.text.split('fine').length === 3)
  client.send('GET /half HTTP/1.1\r\nHo')
  const wire = await client.ended()
  client.destroy()
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
  assert.deepEqual(told(), ['protect header-timeout close'])
})

test('PINGs do not make up for a response that is not taken', async () => {
  const server = http2.createServer((_req, res) => res.end(Buffer.alloc(1_000_000)))
  const started = await listen(protect(server, { sendTimeout: 600 }))
  running.push(started)
  const client = await openHttp2({ port: started.port })
  client.send(headers(1, '/'))
  const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
  const pings = setInterval(() => client.tcp.write(ping), 100)
  const isOver = await client.until(() => client.end !== 'open')
  clearInterval(pings)
  client.destroy()
  assert.ok(isOver, 'still open')
  assert.deepEqual(told(), ['protect send-timeout reset'])
})

test('a verdict that comes when its stream is closed still ends the connection', async () => {
  const late = rule('late', async () => settle(40).then(() => 'late'), { http2: 'goaway' })
  const started = await listen(
    protect(
      http2.createServer(() => assert.fail('called')),
      { rules: [late] },
    ),
  )
  running.push(started)
  const addresses: unknown[] = []
  const stop = onDrop(event => addresses.push(event.clientAddress))
  const client = await openHttp2({ port: started.port })
  client.send(Buffer.concat([headers(1, '/'), Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8])]))
  const isOver = await client.until(() => client.end !== 'open')
  stop()
  client.destroy()
  assert.ok(isOver, 'still open')
  assert.deepEqual([told(), addresses], [['late late goaway'], ['127.0.0.1']])
})

describe('in a dry run, or for whom nothing is asked', () => {
  test('a rule that throws lets the request pass, and one that throws behind next() is only told', async () => {
    const behind = ((_req: unknown, _res: unknown, next: () => void) => {
      next()
      boom()
    }) as unknown as Rule
    const rules = [rule('broken', boom, { dryRun: true }), behind]
    const to = await serve((_req, res) => res.end('fine'), { rules })
    const wire = await exchange(to, get('/', { Connection: 'close' }))
    assert.match(wire.data.toString(), /fine$/)
    assert.deepEqual(told(), [])
  })

  test('a trust function that throws names nobody, so nobody is excepted', async () => {
    const options = { except: ['192.0.2.1'], trustProxy: boom as () => boolean }
    const to = await serve((_req, res) => res.end('fine'), options)
    const forwarded = get('/', { Connection: 'close', 'X-Forwarded-For': '192.0.2.1' })
    assert.match((await exchange(to, forwarded)).data.toString(), /fine$/)
  })

  test('CONNECT over HTTP/2 gets the 405 that it got before', async () => {
    const started = await listen(
      protect(
        http2.createServer(() => {}),
        { dryRun: true },
      ),
    )
    running.push(started)
    const session = http2.connect(`http://127.0.0.1:${started.port}`)
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'a:80' })
    const status = await new Promise(resolve => stream.on('response', fields => resolve(fields[':status'])))
    session.destroy()
    assert.equal(status, 405)
    assert.deepEqual(told(), ['protect connect-method dry-run'])
    assert.equal(drops.events[0]?.url, 'a:80')
  })
})

test('TLS without a protocol, on a server of HTTP/2 alone, ends in silence; in a dry run Node answers', async () => {
  for (const dryRun of [false, true]) {
    drops.events.length = 0
    const started = await listen(
      protect(
        http2.createSecureServer(credentials, () => {}),
        { dryRun },
      ),
    )
    running.push(started)
    const client = await RawClient.open({ port: started.port, tls: true })
    client.mark()
    await client.until(() => client.end !== 'open' || (dryRun && client.data.length > 0))
    client.destroy()
    assert.equal(client.data.length > 0, dryRun)
    assert.deepEqual(told(), [`protect unknown-protocol ${dryRun ? 'dry-run' : 'close'}`])
  }
})

test('serverNames on a server without TLS are warned of once', async () => {
  const warnings: string[] = []
  const onWarning = (warning: Error & { code?: string }) => warnings.push(warning.code ?? '')
  process.on('warning', onWarning)
  for (let i = 0; i < 2; i++) unprotect(protect(http.createServer(), { serverNames: ['example.com'] }))
  await settle(10)
  process.off('warning', onWarning)
  assert.deepEqual(
    warnings.filter(code => code === 'DROP444_NO_TLS'),
    ['DROP444_NO_TLS'],
  )
})

test('a client that takes nothing of the responses before its garbage is let go', async () => {
  const to = await serve((_req, res) => res.end(Buffer.alloc(40_000_000)), { sendTimeout: 500 })
  const client = await RawClient.open(to)
  client.tcp.pause()
  client.tcp.write(get('/') + garbage)
  const open = () => new Promise(resolve => to.server.getConnections((_, count) => resolve(count)))
  for (let tries = 0; tries < 80 && (tries < 4 || (await open()) !== 0); tries++) await settle(50)
  assert.equal(await open(), 0)
  client.destroy()
  assert.deepEqual(told(), ['protect invalid-method close'])
})

test('an HTTP/2 session that is over holds nothing of ours', async () => {
  const sessions: object[] = []
  const server = http2.createServer((_req, res) => res.end('fine'))
  server.on('session', session => sessions.push(session))
  const started = await listen(protect(server))
  running.push(started)
  const client = await openHttp2({ port: started.port })
  client.send(headers(1, '/'))
  await client.until(() => client.text.includes('fine'))
  const ours = (session = {}) =>
    Object.getOwnPropertySymbols(session).filter(({ description }) => description === 'drop444.connection')
  assert.equal(ours(sessions[0]).length, 1)
  client.destroy()
  for (let tries = 0; tries < 40 && ours(sessions[0]).length > 0; tries++) await settle(25)
  assert.equal(ours(sessions[0]).length, 0)
  const events = (sessions[0] as http2.ServerHttp2Session).eventNames()
  assert.deepEqual(
    events.filter(name => name === 'ping' || name === 'remoteSettings'),
    [],
  )
})

test('who finishes the handshake and sends half a head has sent something; who does not, has not', async () => {
  for (const [bytes, detail] of [
    ['GET / HTTP/1.1\r\nHo', undefined],
    ['', 'nothing was sent'],
  ] as const) {
    drops.events.length = 0
    const to = await serve(() => assert.fail('called'), { headerTimeout: 300 }, true)
    const wire = await exchange(to, bytes)
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    assert.deepEqual([told(), drops.events[0]?.detail], [['protect header-timeout close'], detail])
  }
})

describe('who subscribes to nothing, and what is asked of nobody', () => {
  test('a connection that ends without a subscriber is warned of once, and ends', async () => {
    drops.stop()
    const to = await serve((_req, res) => res.end('fine'))
    const wire = await exchange(to, garbage)
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    drops = collectDrops()
  })

  test('a trust function that throws when the event is made changes nothing for the drop', async () => {
    const rules = [rule('no', () => 'no', { trustProxy: boom as () => boolean })]
    const to = await serve(() => assert.fail('called'), { rules })
    const wire = await exchange(to, get('/', { 'X-Forwarded-For': '192.0.2.1' }))
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    assert.equal(drops.events.length, 1)
  })

  test('a socket error on a connection that still listens gets no 400', async () => {
    const to = await serve((_req, res) => res.end('fine'))
    const seen: unknown[] = []
    const errored = new Promise<void>(resolve => {
      to.server.once('connection', socket => {
        setTimeout(() => {
          const error = Object.assign(new Error('odd'), { code: 'EODD' })
          seen.push(to.server.emit('clientError', error, socket))
          resolve()
        }, 20)
      })
    })
    const client = await RawClient.open(to)
    client.mark()
    await errored
    const wire = await client.ended()
    client.destroy()
    assert.deepEqual([wire.wireBytes, wire.end, seen], [0, 'fin', [true]])
    assert.deepEqual(told(), [])
  })

  test('a client that leaves in the middle of its first bytes is told of as cut short', async () => {
    const to = await serve(() => assert.fail('called'), {}, true)
    const client = await RawClient.open({ port: to.port })
    client.send('\x16\x03\x01')
    await settle(20)
    client.finish()
    const wire = await client.ended()
    client.destroy()
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    assert.deepEqual(told(), ['protect truncated-request close'])
  })
})
