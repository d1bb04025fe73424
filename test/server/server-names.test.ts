import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type DropEvent, protect, unprotect } from '../../lib/index.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient, type Wire } from '../support/raw-client.ts'
import { kinds, type RunningServer, start } from '../support/servers.ts'
import { findTool, requireTool } from '../support/tools.ts'
import { type HelloParts, helloMessage, record } from './fuzz-grammar.ts'

const serverNames = ['localhost', '*.example.com', 'mail.*', /^r\d+\.example\.net$/]

/** Names, and whether they are served. */
const names: readonly (readonly [string, boolean])[] = [
  ['localhost', true],
  ['LocalHost', true],
  ['localhost.', true],
  ['www.example.com', true],
  ['a.b.example.com', true],
  ['mail.example.org', true],
  ['r12.example.net', true],
  ['example.com', false],
  ['rx.example.net', false],
  ['evil.example', false],
  ['localhost.evil.example', false],
  ['127.0.0.1', false],
  ['::1', false],
  ['*.example.com.evil', false],
]

/** Curves, their points and signature algorithms, as OpenSSL wants them for a key exchange. */
const needed: HelloParts['extensions'] = [
  [10, Buffer.from([0, 4, 0, 29, 0, 23])],
  [11, Buffer.from([1, 0])],
  [13, Buffer.from([0, 6, 4, 1, 8, 4, 4, 3])],
]
const hello = (parts: HelloParts = {}) => record(helloMessage({ extensions: needed, ...parts }))
const named = (name: string) => hello({ name })

for (const kind of kinds.filter(({ app, tls }) => app === 'bare' && tls)) {
  describe(`serverNames: ${kind.server}`, () => {
    let drops: ReturnType<typeof collectDrops>
    let running: RunningServer
    let port: number
    let secured: number

    beforeEach(async () => {
      drops = collectDrops()
      secured = 0
      running = await start({ server: kind.server, app: 'bare' }, [], (_req, res) => res.end('fine'))
      running.server.on('secureConnection', () => secured++)
      protect(running.server, { serverNames, handshakeTimeout: 1_000 })
      port = running.port
    })
    afterEach(async () => {
      drops.stop()
      await running.close()
      assert.deepEqual(uncaught.splice(0), [])
    })

    const say = (bytes: Buffer) => exchange({ port }, bytes)

    function assertRefused(wire: Wire, reason: string, host: string | undefined): void {
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      assert.ok(wire.elapsed < 500, `${wire.elapsed} ms`)
      assert.equal(secured, 0)
      const brief = (event: DropEvent) => [
        event.rule,
        event.reason,
        event.host,
        event.method,
        event.peerAddress,
      ]
      assert.deepEqual(drops.events.map(brief), [['protect', reason, host, '', '127.0.0.1']])
    }

    /** A ServerHello was sent: the handshake goes on. */
    async function assertGoesOn(bytes: readonly Buffer[]): Promise<void> {
      const client = await RawClient.open({ port })
      client.tcp.setNoDelay()
      for (const packet of bytes) {
        client.send(packet)
        await turn()
      }
      assert.ok(await client.until(() => client.data.length > 100), `${client.data.length} bytes`)
      assert.deepEqual([...client.data.subarray(0, 2), client.data[5]], [22, 3, 2])
      assert.deepEqual(drops.events, [])
      client.destroy()
    }

    for (const [name, isServed] of names) {
      test(`${JSON.stringify(name)} ${isServed ? 'is served' : 'gets no byte'}`, async () => {
        if (isServed) await assertGoesOn([named(name)])
        else assertRefused(await say(named(name)), 'unknown-server-name', name)
      })
    }

    test('no name is no name that is ours', async () => {
      assertRefused(await say(hello()), 'no-server-name', undefined)
    })

    test('no name passes from a trusted proxy, and from a private network where health checks come', async () => {
      for (const [options, isServed] of [
        [{ trustProxy: 'loopback' }, true],
        [{ healthCheck: '/healthz' }, true],
        [{ trustProxy: '192.0.2.1' }, false],
      ] as const) {
        unprotect(running.server)
        protect(running.server, { serverNames, handshakeTimeout: 1_000, ...options })
        if (isServed) await assertGoesOn([hello()])
        else assertRefused(await say(hello()), 'no-server-name', undefined)
        drops.events.splice(0)
        assertRefused(await say(named('evil.example')), 'unknown-server-name', 'evil.example')
        drops.events.splice(0)
      }
    })

    test('a name in one-byte packets', async () => {
      const packets = (name: string) => [...named(name)].map(byte => Buffer.from([byte]))
      await assertGoesOn(packets('www.example.com'))
      const client = await RawClient.open({ port })
      const all = packets('evil.example')
      for (const [index, packet] of all.entries()) {
        assert.equal(client.end, 'open', `after ${index} of ${all.length} bytes`)
        client.send(packet)
        await turn()
      }
      const wire = await client.ended()
      assert.equal(client.received, 0)
      assertRefused(wire, 'unknown-server-name', 'evil.example')
    })

    test('a name over two records, cut within the name', async () => {
      const two = (name: string) => {
        const message = named(name).subarray(5)
        const at = message.indexOf(name) + 3
        return Buffer.concat([record(message.subarray(0, at)), record(message.subarray(at))])
      }
      await assertGoesOn([two('www.example.com')])
      assertRefused(await say(two('evil.example')), 'unknown-server-name', 'evil.example')
    })

    test('TLS 1.0 alone ends as silently, whatever its name', async () => {
      assertRefused(await say(hello({ version: 0x0301, name: 'localhost' })), 'tls-version', 'localhost')
    })

    test('what is broken behind a sound name', async () => {
      const extensions = [...needed, [16, Buffer.from([0, 5, 2, 0x68, 0x32, 9, 0x78])] as const]
      assertRefused(await say(hello({ name: 'localhost', extensions })), 'malformed-tls', undefined)
    })

    test('a client of the right name is answered, one of the wrong name sees no certificate', async () => {
      if (kind.protocol === 2) {
        const client = await openHttp2({ port, tls: true, servername: 'www.example.com' })
        assert.ok(parseFrames(client.data).length > 0)
        client.destroy()
      } else {
        const to = { port, tls: true, alpn: ['http/1.1'], servername: 'www.example.com' }
        const wire = await exchange(to, get('/', { Connection: 'close' }))
        assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*fine$/)
      }
      assert.deepEqual([secured, drops.events.length], [1, 0])
    })

    const run = (tool: string, ...args: string[]) =>
      new Promise<string>(resolve => {
        const path = findTool(tool) as string
        const child = execFile(path, args, { timeout: 10_000 }, (_error, out, err) => resolve(out + err))
        child.stdin?.end()
      })

    test('openssl s_client', { skip: requireTool('openssl') }, async () => {
      const connect = ['s_client', '-connect', `127.0.0.1:${port}`]
      assert.match(await run('openssl', ...connect, '-servername', 'localhost'), /BEGIN CERTIFICATE/)
      for (const name of [['-servername', 'evil.example'], ['-noservername']]) {
        const said = await run('openssl', ...connect, ...name)
        assert.match(said, /no peer certificate available/)
        assert.match(said, /SSL handshake has read 0 bytes/)
      }
      assert.deepEqual(
        drops.events.map(({ reason, host }) => [reason, host]),
        [
          ['unknown-server-name', 'evil.example'],
          ['no-server-name', undefined],
        ],
      )
    })

    test('curl -k', { skip: requireTool('curl') }, async () => {
      const ask = (name: string) =>
        run(
          'curl',
          '-skS',
          '--max-time',
          '5',
          '--resolve',
          `${name}:${port}:127.0.0.1`,
          `https://${name}:${port}/`,
        )
      assert.equal(await ask('www.example.com'), 'fine')
      assert.match(await ask('evil.example'), /SSL_ERROR_SYSCALL|unexpected eof|closed|reset/i)
      assert.match(await ask('127.0.0.1'), /SSL_ERROR_SYSCALL|unexpected eof|closed|reset/i)
      assert.deepEqual(
        drops.events.map(({ reason }) => reason),
        ['unknown-server-name', 'no-server-name'],
      )
    })
  })
}

test('without serverNames any name is served, and none', async () => {
  const drops = collectDrops()
  const running = await start({ server: 'https', app: 'bare' }, [], (_req, res) => res.end('fine'))
  protect(running.server)
  try {
    for (const bytes of [hello(), named('evil.example')]) {
      const client = await RawClient.open({ port: running.port })
      client.send(bytes)
      assert.ok(await client.until(() => client.data.length > 100))
      client.destroy()
    }
    assert.deepEqual(drops.events, [])
  } finally {
    drops.stop()
    await running.close()
  }
})
