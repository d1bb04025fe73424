import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { allowCidr, denyCidr, type Rule, rateLimit } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { collectDrops } from '../support/events.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get } from '../support/raw-client.ts'
import { kinds, listen } from '../support/servers.ts'

const site = sites()
const from = (localAddress: string) => ({ localAddress })

describe('denyCidr and allowCidr', () => {
  const list = [
    '127.1.0.0/16',
    '127.2.3.4',
    '127.3.0.1-127.3.0.9',
    '127.4.5.6/24',
    '::ffff:127.5.0.0/112',
    '2001:db8::/32',
  ]
  const cases: [string, string | undefined][] = [
    ['127.1.2.3', '127.1.0.0/16'],
    ['127.2.3.4', '127.2.3.4'],
    ['127.2.3.5', undefined],
    ['127.3.0.9', '127.3.0.1-127.3.0.9'],
    ['127.3.0.10', undefined],
    ['127.4.5.255', '127.4.5.6/24'],
    ['127.5.9.9', '::ffff:127.5.0.0/112'],
  ]
  for (const kind of kinds.filter(({ server }) => server === 'http')) {
    test(`the TCP peer, in every notation of the list: ${kind.app}`, async () => {
      const deny = await site([denyCidr(list)], kind)
      const allow = await site([allowCidr(list)], kind)
      for (const [address, entry] of cases) {
        const denied = entry === undefined ? 'pass' : `denied-address: ${entry}`
        assert.equal(brief(await deny.ask('/', {}, from(address))), denied)
        const allowed = entry === undefined ? `unlisted-address: ${address}` : 'pass'
        assert.equal(brief(await allow.ask('/', {}, from(address))), allowed)
      }
    })
  }

  test('the client behind trusted proxies, IPv6 and mapped too; never what an untrusted peer claims', async () => {
    const options = { trustProxy: 'loopback', handOff: 'close' as const }
    const trusting = await site([denyCidr(['2001:db8::/32', '203.0.113.0/24'], options)])
    const forwarded = (value: string) => ({ 'X-Forwarded-For': value })
    for (const [value, expected] of [
      ['2001:DB8:0::1', 'denied-address: 2001:db8::/32'],
      ['::ffff:203.0.113.7', 'denied-address: 203.0.113.0/24'],
      ['::ffff:cb00:7107', 'denied-address: 203.0.113.0/24'],
      ['203.0.113.7:4711', 'denied-address: 203.0.113.0/24'],
      ['[2001:db8::1]:443', 'denied-address: 2001:db8::/32'],
      ['203.0.113.7, 127.0.0.9', 'denied-address: 203.0.113.0/24'],
      ['203.0.113.7, 198.51.100.1', 'pass'],
      ['198.51.100.1', 'pass'],
      ['unknown', 'no-address'],
      ['203.0.113.7, junk', 'no-address'],
      ['', 'pass'],
      [' , ', 'pass'],
    ] as const) {
      assert.equal(brief(await trusting.ask('/', forwarded(value))), expected, value)
    }
    const strict = await site([denyCidr(['203.0.113.0/24'])])
    assert.equal(await strict.ask('/', forwarded('203.0.113.7')), 'pass')
  })

  test("address: 'peer' judges who connected", async () => {
    const options = { address: 'peer' as const, trustProxy: 'loopback', handOff: 'close' as const }
    const to = await site([allowCidr(['127.7.0.0/16'], options)])
    const claim = { 'X-Forwarded-For': '127.7.0.1' }
    assert.equal(await to.ask('/', claim, from('127.7.0.1')), 'pass')
    assert.equal(brief(await to.ask('/', claim, from('127.8.0.1'))), 'unlisted-address: 127.8.0.1')
  })

  for (const kind of kinds.filter(({ protocol }) => protocol === 2)) {
    test(`HTTP/2: the connection ends at once, with no byte: ${kind.app} on ${kind.server}`, async () => {
      const to = await site([denyCidr(['127.0.0.0/8'])], kind)
      const client = await openHttp2({ port: to.port, tls: kind.tls })
      client.send(headers(1, '/'))
      const wire = await client.ended()
      client.destroy()
      assert.deepEqual([wire.wireBytes, wire.end, to.events[0]?.action], [0, 'fin', 'close'])
    })
  }
})

for (const [host, connectTo, shown] of [
  ['::1', '::1', '::1'],
  ['::ffff:127.0.0.1', '127.0.0.1', '127.0.0.1'],
] as const) {
  test(`a server that listens on ${host} sees ${shown}`, async t => {
    const drops = collectDrops()
    const deny = denyCidr([shown])
    const server = http.createServer((req, res) => deny(req, res, () => res.end('fine')))
    await new Promise<void>(resolve => server.listen(0, host, resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const wire = await exchange({ port, host: connectTo }, get('/'))
    drops.stop()
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    const [event] = drops.events
    assert.deepEqual([event?.clientAddress, event?.peerAddress, event?.detail], [shown, shown, shown])
  })
}

describe('where there is no address: a unix-domain socket', () => {
  const rules: [
    string,
    (options: { noAddress?: 'drop' | 'pass'; trustProxy?: number | readonly string[] }) => Rule,
  ][] = [
    ['denyCidr', options => denyCidr(['203.0.113.0/24'], options)],
    ['allowCidr', options => allowCidr(['203.0.113.0/24'], options)],
    ['rateLimit', options => rateLimit({ rate: '1r/s', ...options })],
  ]
  const ask = async (rule: Rule, forwarded?: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'drop444-'))
    const path = join(folder, 's')
    const drops = collectDrops()
    const server = await listen(
      http.createServer((req, res) => rule(req, res, () => res.end('fine'))),
      path,
    )
    const text = await new Promise<string>(resolve => {
      let seen = ''
      const socket = connect(path, () => {
        const field = forwarded === undefined ? '' : `X-Forwarded-For: ${forwarded}\r\n`
        socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${field}\r\n`)
      })
      socket.on('data', chunk => {
        seen += chunk
      })
      socket.on('close', () => resolve(seen))
      socket.on('error', () => {})
    })
    await server.close()
    drops.stop()
    rmSync(folder, { recursive: true })
    return { text, event: drops.events[0] }
  }
  for (const [name, make] of rules) {
    test(`${name}: dropped by default, passes with noAddress: 'pass'`, {
      skip: process.platform === 'win32' && 'no unix sockets',
    }, async () => {
      const dropped = await ask(make({}))
      assert.deepEqual([dropped.text, dropped.event?.reason], ['', 'no-address'])
      assert.deepEqual([dropped.event?.clientAddress, dropped.event?.peerAddress], [undefined, undefined])
      assert.match((await ask(make({ noAddress: 'pass' }))).text, /fine$/)
    })
    test(`${name}: a list of proxies holds none that has no address`, {
      skip: process.platform === 'win32' && 'no unix sockets',
    }, async () => {
      const options = { noAddress: 'pass', trustProxy: ['loopback'] } as const
      assert.match((await ask(make(options), '203.0.113.1')).text, /fine$/)
    })
    test(`${name}: behind a proxy on that socket the client is judged`, {
      skip: process.platform === 'win32' && 'no unix sockets',
    }, async () => {
      const { text, event } = await ask(make({ trustProxy: 1 }), '198.51.100.1')
      if (name === 'allowCidr')
        assert.deepEqual([event?.reason, event?.action], ['unlisted-address', 'hand-off'])
      else assert.match(text, /fine$/)
    })
  }
})
