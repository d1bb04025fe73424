import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import {
  allowCidr,
  badAgent,
  denyCidr,
  dropLog,
  MemoryStore,
  rateLimit,
  repeatOffender,
  rule,
} from '../../lib/index.ts'
import { standsFor } from '../../lib/match/addresses/address.ts'
import { Networks } from '../../lib/offenders/networks.ts'
import { parse } from '../support/addresses.ts'
import { brief, sites } from '../support/ask.ts'

/** IPv4 clients as a translator shows them: 64:ff9b::/96 (RFC 6052). */
const site = sites()
const proxied = { trustProxy: 'loopback', handOff: 'close' as const }
const as = (address: string) => ({ 'X-Forwarded-For': address })

test('whom an address stands for: the IPv4 address in 64:ff9b::/96, in every spelling; of other prefixes itself', () => {
  for (const text of ['64:ff9b::203.0.113.9', '64:FF9B::cb00:7109', '0064:ff9b:0:0:0:0:cb00:7109'])
    assert.deepEqual(standsFor(parse(text)), parse('203.0.113.9'), text)
  assert.deepEqual(standsFor(parse('64:ff9b::')), parse('0.0.0.0'))
  for (const text of [
    '203.0.113.9',
    '64:ff9b:0:0:0:1:cb00:7109',
    '64:ff9b:0:1::cb00:7109',
    // Of these the place of the IPv4 address is not known, or they are not to be believed.
    '64:ff9b:1::cb00:7109',
    '2002:cb00:7109::1',
    '2001::cb00:7109',
    '::203.0.113.9',
    '::ffff:0:203.0.113.9',
  ])
    assert.equal(standsFor(parse(text)).text, parse(text).text, text)
})

describe('64:ff9b::a.b.c.d is denied, limited and banned as a.b.c.d', () => {
  test('denyCidr: by either of its addresses; the entry is the detail', async () => {
    const list = ['203.0.113.0/24', '64:ff9b::c633:0/112', 'uniquelocal']
    const to = await site([denyCidr(list, proxied)])
    for (const [address, expected] of [
      ['64:ff9b::203.0.113.9', 'denied-address: 203.0.113.0/24'],
      ['64:ff9b::198.51.0.1', 'denied-address: 64:ff9b::c633:0/112'],
      ['64:ff9b::10.0.0.1', 'denied-address: uniquelocal'],
      ['64:ff9b::203.0.112.9', 'pass'],
      ['198.51.0.1', 'pass'],
    ] as const)
      assert.equal(brief(await to.ask('/', as(address))), expected, address)
  })

  for (const [name, options] of Object.entries({
    memory: {},
    'a store': { store: new MemoryStore(1_000) },
    'several limits': { limits: [{ rate: '1r/m' }, { rate: '100r/s' }], rate: undefined },
  })) {
    test(`rateLimit: each client its own limit, one for both ways to us: ${name}`, async () => {
      const to = await site([rateLimit({ rate: '1r/m', ...proxied, ...options } as never)])
      assert.equal(brief(await to.ask('/', as('64:ff9b::192.0.2.1'))), 'pass')
      assert.equal(brief(await to.ask('/', as('64:ff9b::198.51.100.200'))), 'pass')
      assert.equal(brief(await to.ask('/', as('64:ff9b::192.0.2.1'))), 'rate-limited: 192.0.2.1')
      assert.equal(brief(await to.ask('/', as('192.0.2.1'))), 'rate-limited: 192.0.2.1')
    })
  }

  test('rateLimit with ipv4Subnet: the network of the IPv4 address', async () => {
    const to = await site([
      rateLimit({ rate: '1r/m', ipv4Subnet: 24, store: new MemoryStore(1_000), ...proxied }),
    ])
    assert.equal(brief(await to.ask('/', as('64:ff9b::192.0.2.1'))), 'pass')
    assert.equal(brief(await to.ask('/', as('64:ff9b::192.0.2.200'))), 'rate-limited: 192.0.2.0')
    assert.equal(brief(await to.ask('/', as('64:ff9b::192.0.3.1'))), 'pass')
  })

  test('repeatOffender: who offends is banned, on both ways, and nobody else', async () => {
    const offenders = repeatOffender({ limit: 1, ...proxied })
    const bad = rule('bad', req => req.url?.startsWith('/bad'), proxied)
    const to = await site([offenders, bad])
    await to.ask('/bad1', as('64:ff9b::192.0.2.1'))
    await to.ask('/bad2', as('192.0.2.1'))
    assert.deepEqual(
      offenders.list().map(({ address }) => address),
      ['192.0.2.1'],
    )
    for (const banned of ['192.0.2.1', '64:ff9b::192.0.2.1', '::ffff:192.0.2.1'])
      assert.equal(brief(await to.ask('/', as(banned))).split(':')[0], 'banned', banned)
    assert.equal(offenders.isBanned('64:ff9b::c000:201'), true)
    assert.equal(offenders.isBanned('64:ff9b::808:808'), false)
    assert.equal(brief(await to.ask('/', as('64:ff9b::8.8.8.8'))), 'pass')
    assert.equal(offenders.lift('64:ff9b::192.0.2.1'), true)
    assert.equal(brief(await to.ask('/', as('192.0.2.1'))), 'pass')
    offenders.ban('64:ff9b::203.0.113.0/128')
    assert.throws(() => offenders.ban('64:ff9b::/96'), { code: 'DROP444_INVALID_OPTION' })
    assert.deepEqual(
      offenders.list().map(({ address }) => address),
      ['203.0.113.0'],
    )
    offenders.close()
  })

  test('networks: the prefix of a translated CIDR counts the 96 bits before', () => {
    const networks = new Networks(24, 64)
    assert.equal(networks.text(parse('64:ff9b::192.0.2.77')), '192.0.2.0/24')
    assert.equal(networks.parse('64:ff9b::192.0.2.0/120')?.text, '192.0.2.0')
    assert.equal(networks.parse('64:ff9b::192.0.2.0/119'), undefined)
  })
})

describe('64:ff9b::a.b.c.d is granted nothing as a.b.c.d (RFC 6052 3.1)', () => {
  const loopback = '64:ff9b::127.0.0.1'

  test('allowCidr and except: only by the address as it came', async () => {
    const allow = await site([allowCidr(['192.0.2.0/24', 'loopback', '64:ff9b::c633:6400/120'], proxied)])
    const own = { detail: '64:ff9b::c000:201', reason: 'unlisted-address' }
    assert.equal(brief(await allow.ask('/', as('64:ff9b::192.0.2.1'))), `${own.reason}: ${own.detail}`)
    assert.equal(brief(await allow.ask('/', as(loopback))), 'unlisted-address: 64:ff9b::7f00:1')
    assert.equal(brief(await allow.ask('/', as('64:ff9b::198.51.100.7'))), 'pass')

    const options = { ...proxied, except: ['192.0.2.0/24', 'loopback', '64:ff9b::c633:6400/120'] }
    const agent = await site([badAgent(options)])
    const sqlmap = (address: string) => agent.ask('/', { ...as(address), 'User-Agent': 'sqlmap' })
    assert.equal(brief(await sqlmap('64:ff9b::192.0.2.1')).split(':')[0], 'bad-agent')
    assert.equal(brief(await sqlmap(loopback)).split(':')[0], 'bad-agent')
    assert.equal(brief(await sqlmap('64:ff9b::198.51.100.7')), 'pass')
    assert.equal(brief(await sqlmap('192.0.2.1')), 'pass')
  })

  for (const trustProxy of [
    'loopback',
    ['loopback', 'uniquelocal', '192.0.2.0/24'],
    (a: string) => a.startsWith('127.'),
  ])
    test(`trust: what it passes on is not believed: ${trustProxy}`, async () => {
      const to = await site([denyCidr(['203.0.113.0/24'], { ...proxied, trustProxy })])
      for (const proxy of [loopback, '64:ff9b::10.0.0.1', '64:ff9b::192.0.2.1'])
        assert.equal(brief(await to.ask('/', as(`203.0.113.9, ${proxy}`))), 'pass', proxy)
      assert.notEqual(brief(await to.ask('/', as('203.0.113.9, 127.0.0.5'))), 'pass')
    })
})

test('the event and the line have the IPv4 client, which is what lists and bans hold', async () => {
  const to = await site([badAgent(proxied)])
  const lines: string[] = []
  const write = (line: Buffer, _: string, done: () => void) => {
    lines.push(line.toString())
    done()
  }
  const stop = dropLog(new Writable({ write }))
  await to.ask('/', { ...as('64:ff9b::192.0.2.1'), 'User-Agent': 'sqlmap' })
  stop()
  assert.equal(to.events[0]?.clientAddress, '192.0.2.1')
  assert.match(lines.join(''), /^192\.0\.2\.1 - - /)
})
