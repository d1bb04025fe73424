import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  badAgent,
  denyCidr,
  drop,
  noHost,
  type ProtectOptions,
  pathAllowlist,
  protect,
  rule,
} from '../../lib/index.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { exchange, get, RawClient, type RawOptions, SOON } from '../support/raw-client.ts'
import { type Handler, type RunningServer, start } from '../support/servers.ts'

const upgradeHeaders = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const handshake = (path = '/ws', headers: Record<string, string> = {}) =>
  get(path, { ...upgradeHeaders, ...headers })

/** A text frame of a client, masked with zeros (RFC 6455 5.2); under 126 bytes. */
const frame = (text: string) =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
const withFrame = (text: string) => Buffer.concat([Buffer.from(handshake()), frame(text)]).toString('latin1')
/** The same of a server. */
const echo = (text: string) => `\x81${String.fromCharCode(text.length)}${text}`
const accepted = /^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/

type Attach = 'server' | 'noServer'
type Order = 'before' | 'after'

/** A WebSocket server that says everything back. */
function attach(how: Attach, server: Server, onConnection: (url: string) => void): WebSocketServer {
  const wss = how === 'server' ? new WebSocketServer({ server: server as never }) : noServer(server)
  wss.on('connection', (socket: WebSocket, req: IncomingMessage) => {
    onConnection(req.url as string)
    socket.on('message', message => socket.send(message.toString()))
  })
  return wss
}

function noServer(server: Server): WebSocketServer {
  const wss = new WebSocketServer({ noServer: true })
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    wss.handleUpgrade(req, socket, head, client => wss.emit('connection', client, req))
  })
  return wss
}

/** To be called in a suite: each of its tests has its own server. */
function bench(kind: 'http' | 'https' | 'http2-h1') {
  const tls = kind !== 'http'
  let drops: ReturnType<typeof collectDrops>
  let server: RunningServer
  let wss: WebSocketServer
  const calls: string[] = []

  async function serve(
    options: ProtectOptions,
    { how = 'server', order = 'after', handler }: { how?: Attach; order?: Order; handler?: Handler } = {},
  ): Promise<RawOptions> {
    server = await start({ server: kind, app: 'bare' }, [], (req, res) => {
      calls.push(req.url as string)
      if (handler) handler(req, res)
      else res.end('page')
    })
    if (order === 'before') protect(server.server, options)
    wss = attach(how, server.server, url => calls.push(`ws ${url}`))
    if (order === 'after') protect(server.server, options)
    return { port: server.port, tls, alpn: ['http/1.1'] }
  }

  beforeEach(() => {
    drops = collectDrops()
    calls.length = 0
  })
  afterEach(async () => {
    for (const client of wss.clients) client.terminate()
    await server.close()
    drops.stop()
    assert.deepEqual(uncaught.splice(0), [])
  })

  const told = () => drops.events.map(({ rule, reason }) => `${rule}: ${reason}`)

  async function assertSilent(to: RawOptions, bytes: string, event: string): Promise<void> {
    const wire = await exchange(to, bytes)
    assert.equal(wire.wireBytes, 0)
    assert.notEqual(wire.end, 'open')
    assert.ok(wire.elapsed < SOON, `${wire.elapsed} ms`)
    assert.deepEqual(told(), [event])
    assert.deepEqual(calls, [])
  }

  async function assertEchoes(client: RawClient, text: string): Promise<void> {
    assert.ok(await client.until(() => client.text.endsWith(echo(text))), client.text)
    assert.match(client.text, accepted)
  }

  const close = () => server.close()
  const withoutUpgrades = () => server.server.removeAllListeners('upgrade')
  const connections = () =>
    new Promise<number>(resolve => server.server.getConnections((_error, count) => resolve(count)))
  const events = () => drops.events
  return { serve, close, calls, events, told, assertSilent, assertEchoes, connections, withoutUpgrades }
}

for (const kind of ['http', 'https', 'http2-h1'] as const) {
  for (const how of ['server', 'noServer'] as const) {
    for (const order of ['before', 'after'] as const) {
      describe(`WebSocketServer by ${how} on ${kind}, protected ${order} it was attached`, () => {
        const { serve, close, calls, told, assertSilent, assertEchoes } = bench(kind)
        const rules = () => [
          denyCidr(['127.0.0.7']),
          noHost({ serverNames: ['localhost'] }),
          badAgent(),
          pathAllowlist(['/ws', '/page']),
        ]

        test('the right handshake passes, and messages go both ways', async () => {
          const to = await serve({ rules: rules() }, { how, order })
          const client = await RawClient.open(to)
          client.send(handshake())
          assert.ok(await client.until(() => client.text.endsWith('\r\n\r\n')), client.text)
          for (const text of ['one', 'two']) {
            client.send(frame(text))
            await assertEchoes(client, text)
          }
          client.destroy()
          assert.deepEqual(calls, ['ws /ws'])
          assert.deepEqual(told(), [])
        })

        test('a plain request passes too', async () => {
          const to = await serve({ rules: rules() }, { how, order })
          const wire = await exchange(to, get('/page', { Connection: 'close' }))
          assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*page$/)
          assert.deepEqual(calls, ['/page'])
        })

        const wrong = [
          {
            what: 'Host',
            bytes: handshake('/ws', { Host: 'other.example' }),
            event: 'noHost: unknown-host',
          },
          { what: 'path', bytes: handshake('/admin'), event: 'pathAllowlist: unlisted-path' },
          {
            what: 'agent',
            bytes: handshake('/ws', { 'User-Agent': 'sqlmap/1' }),
            event: 'badAgent: bad-agent',
          },
          {
            what: 'Host, with a message in the same packet',
            bytes: withFrame('early').replace('Host: localhost', 'Host: other.example'),
            event: 'noHost: unknown-host',
          },
        ]
        for (const { what, bytes, event } of wrong) {
          test(`the wrong ${what} ends it in silence`, async () => {
            await assertSilent(await serve({ rules: rules() }, { how, order }), bytes, event)
          })
        }

        test('the wrong address ends it in silence, before TLS', async () => {
          const to = await serve({ rules: rules() }, { how, order })
          const stranger = { ...to, tls: false, localAddress: '127.0.0.7' }
          await assertSilent(stranger, handshake(), 'denyCidr: denied-address')
        })

        test('a message in the packet of the handshake arrives, also while a rule is waiting', async () => {
          const judged: string[] = []
          const late = rule('late', async req => {
            await settle(30)
            judged.push(req.url as string)
          })
          for (const [index, rules] of [[], [late]].entries()) {
            const to = await serve({ rules }, { how, order })
            const client = await RawClient.open(to)
            client.send(withFrame('early'))
            await assertEchoes(client, 'early')
            client.send(frame('later'))
            await assertEchoes(client, 'later')
            client.destroy()
            assert.equal(judged.length, index)
            if (index === 0) await close()
          }
        })
      })
    }
  }

  describe(`upgrades on ${kind}`, () => {
    const { serve, calls, events, told, assertSilent, assertEchoes, connections, withoutUpgrades } =
      bench(kind)

    /** A rule that waits until it is let go. */
    function gate(name = 'gate', verdict?: string) {
      let open = () => {}
      let reached = () => {}
      const asked = new Promise<void>(resolve => {
        reached = resolve
      })
      const opened = new Promise<void>(resolve => {
        open = resolve
      })
      const judge = rule(name, async () => {
        reached()
        await opened
        return verdict
      })
      return { rule: judge, asked, open: () => open() }
    }

    test('messages that come while a rule is waiting arrive, in order', async () => {
      const waits = gate()
      const client = await RawClient.open(await serve({ rules: [waits.rule] }))
      client.send(handshake())
      await waits.asked
      const many = Array.from({ length: 50 }, (_, index) => `message ${index}`)
      for (const text of many) client.send(frame(text))
      await settle(20)
      assert.deepEqual([client.text, calls], ['', []])
      waits.open()
      await assertEchoes(client, 'message 49')
      assert.ok(client.text.endsWith(many.map(echo).join('')))
      client.destroy()
    })

    test('an asynchronous verdict ends it in silence', async () => {
      const waits = gate('gate', 'unwelcome')
      const to = await serve({ rules: [waits.rule] })
      void waits.asked.then(() => settle(30)).then(waits.open)
      await assertSilent(to, withFrame('early'), 'gate: unwelcome')
    })

    test('a client that leaves while a rule is waiting is let go', async () => {
      const waits = gate()
      const client = await RawClient.open(await serve({ rules: [waits.rule] }))
      client.send(handshake())
      await waits.asked
      client.tcp.resetAndDestroy()
      await settle(30)
      waits.open()
      await settle(30)
      assert.deepEqual(calls, [])
      assert.equal(await connections(), 0)
    })

    test('a rule with a status answers, and the connection ends', async () => {
      const to = await serve({ rules: [noHost({ serverNames: ['localhost'], status: 403 })] })
      const wire = await exchange(to, handshake('/ws', { Host: 'other.example' }))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*Connection: close\r\n/i)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(calls, [])
      assert.deepEqual(
        events().map(({ action, status, sentStatus }) => ({ action, status, sentStatus })),
        [{ action: 'respond', status: 403, sentStatus: 403 }],
      )
    })

    test('a rule with a status that has to wait answers too', async () => {
      const slow = rule('slow', () => settle(30).then(() => 'no'), { status: 403 })
      const wire = await exchange(await serve({ rules: [slow] }), withFrame('early'))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 403 Forbidden\r\n/)
      assert.notEqual(wire.end, 'open')
      assert.deepEqual(calls, [])
    })

    test('a dry run tells and passes', async () => {
      const to = await serve({ rules: [noHost({ serverNames: ['localhost'], dryRun: true })] })
      const client = await RawClient.open(to)
      client.send(withFrame('early').replace('Host: localhost', 'Host: other.example'))
      await assertEchoes(client, 'early')
      client.destroy()
      assert.deepEqual(
        events().map(({ action, reason }) => `${action} ${reason}`),
        ['dry-run unknown-host'],
      )
    })

    test('a trusted proxy is told', async () => {
      const to = await serve({ trustProxy: 'loopback', rules: [pathAllowlist(['/ws'])] })
      const wire = await exchange(to, handshake('/admin', { 'X-Forwarded-For': '203.0.113.9' }))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 444 [^\r\n]*\r\n/)
      assert.deepEqual(calls, [])
      assert.deepEqual(
        events().map(({ action, clientAddress }) => `${action} ${clientAddress}`),
        ['hand-off 203.0.113.9'],
      )
    })

    test('a handshake without Host, or with two, ends in silence', async () => {
      const to = await serve({})
      await assertSilent(to, handshake().replace('Host: localhost\r\n', ''), 'protect: no-host')
      events().length = 0
      const two = handshake().replace('Host: localhost\r\n', 'Host: localhost\r\nHost: localhost\r\n')
      await assertSilent(to, two, 'protect: duplicate-host')
    })

    const failing: Record<string, () => never | Promise<never>> = {
      throws: () => {
        throw new Error('broken')
      },
      rejects: () => settle(10).then(() => Promise.reject(new Error('broken'))),
    }
    for (const [what, judge] of Object.entries(failing)) {
      test(`a rule that ${what} ends it in silence`, async () => {
        const to = await serve({ rules: [rule('broken', judge)] })
        await assertSilent(to, withFrame('early'), 'broken: rule-error')
      })
    }

    test('behind a response that is pending it waits for its turn', async () => {
      let answer = () => {}
      const to = await serve(
        {},
        {
          handler: (_req, res) => {
            answer = () => res.end('earlier')
          },
        },
      )
      const client = await RawClient.open(to)
      client.send(get('/slow') + withFrame('early'))
      await settle(50)
      assert.deepEqual([client.text, calls], ['', ['/slow']])
      answer()
      assert.ok(await client.until(() => client.text.endsWith(echo('early'))), client.text)
      assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*earlierHTTP\/1\.1 101 /)
      client.send(frame('later'))
      assert.ok(await client.until(() => client.text.endsWith(echo('later'))), client.text)
      client.destroy()
      assert.deepEqual(calls, ['/slow', 'ws /ws'])
    })

    test('a dropped one behind a response that is pending leaves that whole', async () => {
      const to = await serve(
        { rules: [pathAllowlist(['/slow'])] },
        { handler: (_req, res) => void setTimeout(() => res.end('x'.repeat(500_000)), 50) },
      )
      const wire = await exchange(to, get('/slow') + handshake('/admin'))
      const [head = '', body = ''] = wire.data.toString().split('\r\n\r\n')
      assert.match(head, /^HTTP\/1\.1 200 OK/)
      assert.equal(body, 'x'.repeat(500_000))
      assert.notEqual(wire.end, 'open')
      assert.deepEqual(calls, ['/slow'])
      assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
    })

    for (const when of ['at once', 'by a rule that waits', 'by the app, later'] as const) {
      test(`behind a request that is dropped ${when} it never runs`, async () => {
        const verdict = rule('no-bad', req => {
          const finding = req.url === '/bad' && 'bad'
          return when === 'by a rule that waits' ? settle(40).then(() => finding) : finding
        })
        const handler: Handler = (req, res) => void settle(40).then(() => drop(req, { res, reason: 'bad' }))
        const to = await serve({ rules: when === 'by the app, later' ? [] : [verdict] }, { handler })
        const wire = await exchange(to, get('/bad') + withFrame('early'))
        assert.equal(wire.wireBytes, 0)
        assert.notEqual(wire.end, 'open')
        assert.deepEqual(calls, when === 'by the app, later' ? ['/bad'] : [])
        assert.deepEqual(
          events().map(({ reason }) => reason),
          ['bad'],
        )
      })
    }

    test('an idle WebSocket is not hurt by any time limit', async () => {
      const limits = { handshakeTimeout: 300, headerTimeout: 300, bodyTimeout: 300, sendTimeout: 300 }
      const client = await RawClient.open(await serve(limits))
      client.send(withFrame('early'))
      await assertEchoes(client, 'early')
      // Longer than a limit and two looks at it.
      await settle(1_200)
      client.send(frame('later'))
      await assertEchoes(client, 'later')
      client.destroy()
      assert.deepEqual(told(), [])
    })

    test('without a listener of the app a request that asks for an upgrade is a request', async () => {
      const to = await serve({})
      withoutUpgrades()
      const wire = await exchange(to, handshake('/ws', { Connection: 'Upgrade, close' }))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*page$/)
      assert.deepEqual(calls, ['/ws'])
    })
  })
}
