import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { noHost, protect } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { collectDrops } from '../support/events.ts'
import { exchange, RawClient } from '../support/raw-client.ts'
import { kinds, listen, type RunningServer } from '../support/servers.ts'

const site = sites()
const serverNames = ['example.com', '*.example.com', '[2001:db8::1]']

type Case = readonly [target: string, host: string | undefined, expected: string, version?: string]

/** What holds whether names are given or not. */
const cases: readonly Case[] = [
  ['http://example.com/', 'example.com', 'pass'],
  ['http://example.com', 'example.com', 'pass'],
  ['http://example.com?x', 'example.com', 'pass'],
  ['https://example.com/', 'example.com', 'pass'],
  ['HTTP://EXAMPLE.com/', 'example.COM', 'pass'],
  ['http://example.com:80/', 'example.com', 'pass'],
  ['http://example.com/', 'example.com:8080', 'pass'],
  ['http://example.com:/', 'example.com', 'pass'],
  ['http://example.com./', 'example.com', 'pass'],
  ['http://www.example.com/', 'www.example.com', 'pass'],
  ['/http://evil.test/', 'example.com', 'pass'],
  ['//evil.test/', 'example.com', 'pass'],
  ['http://example.com/', 'evil.test', 'duplicate-host: example.com, evil.test'],
  ['HTTPS://example.com', 'evil.test', 'duplicate-host: example.com, evil.test'],
  ['http://evil.test/', 'example.com', 'duplicate-host: evil.test, example.com'],
  ['http://www.example.com/', 'example.com', 'duplicate-host: www.example.com, example.com'],
  ['http://example.com:80/', 'evil.test:80', 'duplicate-host: example.com:80, evil.test:80'],
  ['http://example.com/', 'example.com.evil.test', 'duplicate-host: example.com, example.com.evil.test'],
  ['http://[2001:db8::1]/', 'example.com', 'duplicate-host: [2001:db8::1], example.com'],
  ['http://example.com/', '192.0.2.1', 'duplicate-host: example.com, 192.0.2.1'],
  ['http://example.com/', 'evil.test', 'duplicate-host: example.com, evil.test', '1.0'],
  ['http://example.com/', 'example.com', 'pass', '1.0'],
  ['http://example.com/', undefined, 'pass', '1.0'],
  ['/', undefined, 'no-host', '1.0'],
  ['http://example.com/', undefined, 'no-host'],
  ['http://example.com/', '', 'empty-host'],
  ['http://example.com/', 'a b', 'invalid-host: a b'],
  ['http://example.com/', 'evil.test:1@x', 'invalid-host: evil.test:1@x'],
  ['http://user@example.com/', 'example.com', 'invalid-host: user@example.com'],
  ['http://example.com@evil.test/', 'evil.test', 'invalid-host: example.com@evil.test'],
  ['http://exam%70le.com/', 'example.com', 'invalid-host: exam%70le.com'],
  ['http:///x', 'example.com', 'invalid-host: '],
  ['http://:80/', 'example.com', 'invalid-host: :80'],
  ['http://a,example.com/', 'example.com', 'invalid-host: a,example.com'],
  ['ftp://example.com/', 'example.com', 'invalid-target: ftp'],
  ['ftp://example.com/', 'evil.test', 'invalid-target: ftp'],
  ['ftp://example.com/', undefined, 'invalid-target: ftp', '1.0'],
  ['ws://example.com/', 'example.com', 'invalid-target: ws'],
  ['WSS://example.com/', 'example.com', 'invalid-target: WSS'],
  ['foo://example.com/', 'example.com', 'invalid-target: foo'],
]

const request = ([target, host, , version = '1.1']: Case) =>
  `GET ${target} HTTP/${version}\r\n${host === undefined ? '' : `Host: ${host}\r\n`}Connection: close\r\n\r\n`

for (const kind of kinds.filter(({ server }) => server === 'http')) {
  test(`absolute-form targets: ${kind.app}`, async () => {
    const named = await site([noHost({ serverNames })], kind)
    const nameless = await site([noHost()], kind)
    for (const to of [named, nameless]) {
      for (const entry of cases) {
        // Connect reads a path without a slash there, runs nothing that is mounted, and answers 404.
        if (kind.app === 'connect' && entry[0].includes('%')) continue
        assert.equal(brief(await to.outcome(request(entry))), entry[2], JSON.stringify(entry))
      }
    }
    const same = (host: string) => named.outcome(request([`http://${host}/`, host, '']))
    assert.equal(brief(await same('evil.test')), 'unknown-host: evil.test')
    assert.equal(brief(await same('[2001:db8::1]')), 'pass')
    assert.equal(brief(await same('[::1]')), 'ip-host: [::1]')
  })
}

test('one connection: a verdict on its Host holds for no absolute-form target', async () => {
  const to = await site([noHost({ serverNames })])
  const client = await RawClient.open({ port: to.port })
  const ask = (target: string, host: string) => client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  for (const target of ['/', 'http://example.com/', '/']) {
    const before = to.calls.length
    ask(target, 'example.com')
    assert.ok(await client.until(() => to.calls.length > before))
  }
  ask('http://evil.test/', 'example.com')
  const wire = await client.ended()
  assert.deepEqual([wire.wireBytes, wire.end, to.calls.length], [0, 'fin', 3])
})

describe('with protect', () => {
  let running: RunningServer
  let drops: ReturnType<typeof collectDrops>
  beforeEach(() => {
    drops = collectDrops()
  })
  afterEach(async () => {
    drops.stop()
    await running.close()
  })

  const guard = async (rules: Parameters<typeof protect>[1]) => {
    const server = http.createServer((_req, res) => res.end('fine'))
    server.on('upgrade', (_req, socket) => socket.end('HTTP/1.1 101 X\r\n\r\n'))
    server.on('connect', (_req, socket) => socket.end('HTTP/1.1 200 X\r\n\r\n'))
    running = await listen(protect(server, rules))
    return running
  }
  const ask = async (bytes: string) => {
    const { data } = await exchange({ port: running.port }, bytes)
    return data.length > 0 ? data.toString().slice(9, 12) : drops.events.splice(0).map(brief).join()
  }
  const upgrade = (target: string, host: string) =>
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`

  test('upgrades, in rules', async () => {
    await guard({ rules: [noHost({ serverNames })] })
    assert.equal(await ask(upgrade('http://example.com/chat', 'example.com')), '101')
    assert.equal(
      await ask(upgrade('http://example.com/chat', 'evil.test')),
      'duplicate-host: example.com, evil.test',
    )
    assert.equal(await ask(upgrade('ws://example.com/chat', 'example.com')), 'invalid-target: ws')
  })

  test('CONNECT: the target is where the tunnel goes, Host whom it goes through', async () => {
    await guard({ rules: [noHost({ serverNames })] })
    assert.equal(await ask('CONNECT db.test:5432 HTTP/1.1\r\nHost: example.com\r\n\r\n'), '200')
    assert.equal(
      await ask('CONNECT example.com:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n'),
      'unknown-host: evil.test',
    )
  })

  test('without noHost nobody has said which names are served: what RFC 9112 allows passes', async () => {
    await guard({})
    for (const target of ['http://example.com/', 'ftp://example.com/']) {
      assert.equal(
        await ask(`GET ${target} HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n`),
        '200',
      )
    }
    assert.match(await ask('GET http:///x HTTP/1.1\r\nHost: example.com\r\n\r\n'), /^invalid-host/)
  })

  test('OPTIONS *', async () => {
    await guard({ rules: [noHost({ serverNames })] })
    assert.equal(await ask('OPTIONS * HTTP/1.1\r\nHost: example.com\r\n\r\n'), 'asterisk-target')
  })
})
