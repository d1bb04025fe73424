import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import proxyaddr from 'proxy-addr'
import { type DropEvent, denyCidr, OptionsError, onDrop, rule, type TrustProxy } from '../../lib/index.ts'
import { parseAddress } from '../../lib/match/addresses/address.ts'
import { addressList } from '../../lib/options/address-list.ts'
import { clientAddress } from '../../lib/request/client-address.ts'
import { peerAddressOf } from '../../lib/request/peer-address.ts'
import { compileTrust } from '../../lib/request/trust.ts'
import { exchange, get } from '../support/raw-client.ts'
import { octets, spelled, spelledV6 } from '../support/reference/addresses.ts'
import { listen } from '../support/servers.ts'

/** Asks a server that compares our client address with proxy-addr's, header by header. */
async function compare(
  trust: TrustProxy,
  forwarded: string,
): Promise<{ ours: string | undefined; theirs: string }> {
  const compiled = compileTrust(trust)
  let theirs = ''
  let ours: string | undefined
  const server = await listen(
    http.createServer((req, res) => {
      theirs = proxyaddr(req, compiled)
      ours = clientAddress(req, compiled)?.text
      res.end()
    }),
  )
  await exchange({ port: server.port }, get('/', { Connection: 'close', 'X-Forwarded-For': forwarded }))
  await server.close()
  return { ours, theirs }
}

const trusts: TrustProxy[] = [
  false,
  true,
  0,
  1,
  2,
  3,
  'loopback',
  'loopback, 203.0.113.0/24',
  ['127.0.0.1', '203.0.113.7', '2001:db8::/32'],
  (address: string, hop: number) => address.startsWith('127.') || hop === 1,
]
const forwardings = [
  '198.51.100.1',
  '198.51.100.1, 203.0.113.7',
  '198.51.100.1,203.0.113.7 , 203.0.113.8',
  '198.51.100.1, 2001:db8::1, 203.0.113.7',
  'junk, 203.0.113.7',
  'junk',
  '',
  ' ',
  '203.0.113.7, 203.0.113.7, 203.0.113.7, 203.0.113.7',
  '10.0.0.1, 127.0.0.1',
]

describe('the client address is that of proxy-addr, in canonical form', () => {
  for (const trust of trusts) {
    test(`trust ${typeof trust === 'function' ? 'by a function' : JSON.stringify(trust)}`, async () => {
      for (const forwarded of forwardings) {
        const { ours, theirs } = await compare(trust, forwarded)
        assert.equal(ours, parseAddress(theirs)?.text, `${forwarded} -> ${theirs}`)
      }
    })
  }

  test('a header of 10 kB', async () => {
    const { ours, theirs } = await compare(true, Array(900).fill('198.51.100.1').join(','))
    assert.deepEqual([ours, theirs], ['198.51.100.1', '198.51.100.1'])
  })

  test('behind 64 trusted addresses there is no client', async () => {
    const chain = (count: number) => ['198.51.100.1', ...Array(count).fill('127.0.0.1')].join(',')
    for (const trust of [
      'loopback',
      1_000,
      (address: string) => address.startsWith('127.'),
    ] as TrustProxy[]) {
      assert.equal((await compare(trust, chain(63))).ours, '198.51.100.1')
      assert.equal((await compare(trust, chain(64))).ours, undefined)
      assert.equal((await compare(trust, `${chain(63)},,${' ,'.repeat(500)}`)).ours, '198.51.100.1')
    }
  })

  test('more than proxy-addr reads: ports, brackets', async () => {
    for (const [forwarded, expected] of [
      ['198.51.100.1:4711', '198.51.100.1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['[2001:db8::1]:443, 127.0.0.1:80', '2001:db8::1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['198.51.100.1:99999999', undefined],
      ['"198.51.100.1"', undefined],
    ] as const) {
      assert.equal((await compare(['loopback'], forwarded)).ours, expected, forwarded)
    }
  })
})

describe('trustProxy', () => {
  for (const bad of ['nonsense', ['nonsense'], '1.2.3.4/33', 1.5, -1, Number.NaN, {}, null, [1], 1n]) {
    test(`refuses ${typeof bad === 'bigint' ? '1n' : JSON.stringify(bad)}`, () => {
      assert.throws(() => rule('r', () => undefined, { trustProxy: bad as TrustProxy }), OptionsError)
    })
  }

  test('the address in the event is canonical, and read once although the client has left', async () => {
    const events: DropEvent[] = []
    const stop = onDrop(event => events.push(event))
    const slow = rule('slow', async req => {
      clientAddress(req, () => false)
      await new Promise(resolve => setTimeout(resolve, 60))
      return 'late'
    })
    const server = await listen(http.createServer((req, res) => slow(req, res, () => res.end())))
    await exchange({ port: server.port }, get('/'), 20)
    await new Promise(resolve => setTimeout(resolve, 80))
    stop()
    await server.close()
    assert.deepEqual(
      events.map(event => event.peerAddress),
      ['127.0.0.1'],
    )
  })
})

const v4 = octets.map(bytes => bytes.join('.'))
const mask = (prefix: number) =>
  [24, 16, 8, 0].map(by => ((0xffffffff << (32 - prefix)) >>> by) & 255).join('.')
const native = spelledV6.map(({ text }) => text).filter(text => parseAddress(text)?.family === 6)

/** proxy-addr reads dotted decimal at the end of IPv6 in its own way, but for mapped addresses. */
const isOddlyDotted = (text: string) => /:.*\./.test(text) && !/^::ffff:/i.test(text)

const proxy = fc.oneof(
  fc.constantFrom('loopback', 'linklocal', 'uniquelocal'),
  spelled.filter(text => !isOddlyDotted(text)),
  fc.tuple(v4, fc.integer({ min: 1, max: 32 })).map(([text, prefix]) => `${text}/${prefix}`),
  fc.tuple(v4, fc.integer({ min: 1, max: 32 })).map(([text, prefix]) => `${text}/${mask(prefix)}`),
  fc
    .tuple(
      native.filter(text => !isOddlyDotted(text)),
      fc.integer({ min: 1, max: 128 }),
    )
    .map(([text, prefix]) => `${text.replace(/%.*/, '')}/${prefix}`),
  fc.tuple(v4, fc.integer({ min: 97, max: 128 })).map(([text, prefix]) => `::ffff:${text}/${prefix}`),
)

const candidate = fc.oneof(
  spelled.filter(text => !isOddlyDotted(text)),
  fc.constantFrom(
    '',
    'junk',
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.255.0.1',
    'fe80::1',
    'fdff::',
    '172.32.0.0',
  ),
)

describe('a list of proxies means what it means to proxy-addr', () => {
  test('whatever is listed, and whoever is asked about', () => {
    fc.assert(
      fc.property(fc.array(proxy, { maxLength: 5 }), fc.array(candidate), (entries, addresses) => {
        const ours = compileTrust(entries)
        const theirs = proxyaddr.compile(entries)
        const near = entries.map(entry => entry.replace(/\/.*/, ''))
        for (const address of [...addresses, ...near])
          assert.equal(ours(address, 0), theirs(address, 0), `${address} of ${entries.join(', ')}`)
      }),
      { numRuns: 2000 },
    )
  })

  const bad = [
    ...['', 'nonsense', 'Loopback', '1.2.3.4/33', '::1/129', '1.2.3.4/', '1.2.3.4/x', '10.0.0.0/255.0.255.0'],
    ...['::1/255.0.0.0', '1.2.3.4/::', '10.0.0.1-10.0.0.9', '1.2.3.4 ', 'constructor', '1.2.3.4/8/8'],
  ]
  for (const entry of bad) {
    test(`neither takes ${JSON.stringify(entry)}`, () => {
      assert.throws(() => compileTrust([entry]), TypeError)
      assert.throws(() => proxyaddr.compile([entry]), TypeError)
    })
  }

  test('but for a list of everybody, and for octal and short forms', () => {
    assert.equal(compileTrust('0.0.0.0/0')('203.0.113.7', 0), true)
    assert.equal(compileTrust('0.0.0.0/0')('2001:db8::1', 0), false)
    assert.equal(compileTrust(['10.0.0.0/0.0.0.0'])('203.0.113.7', 0), true)
    assert.equal(compileTrust(['::/0'])('2001:db8::1', 0), true)
    assert.equal(compileTrust(['::/0'])('203.0.113.7', 0), false)
    for (const entry of ['010.0.0.1', '0x7f.0.0.1', '2130706433', '10.0.0.0/08'])
      assert.throws(() => compileTrust(entry), TypeError, entry)
  })
})

test('of what a proxy passes on, a port and the zone of IPv6 are left out; what is no address is no client', () => {
  const trust = compileTrust('loopback')
  const client = (forwarded: string) =>
    clientAddress(
      {
        socket: { remoteAddress: '127.0.0.1' },
        headers: { 'x-forwarded-for': forwarded },
        httpVersionMajor: 1,
      } as never,
      trust,
    )?.text
  assert.equal(client('fe80::1%eth0'), 'fe80::1')
  assert.equal(client('[fe80::1%eth0]:443'), 'fe80::1')
  assert.equal(client('203.0.113.9:4711'), '203.0.113.9')
  for (const none of ['203.0.113.9%eth0', 'fe80::1%', 'unknown', '010.0.0.1'])
    assert.equal(client(none), undefined, none)
})

describe('a trust function that returns a promise trusts nobody, whatever comes of it', () => {
  const promises: [string, () => unknown][] = [
    ['of false', () => Promise.resolve(false)],
    ['of true', () => Promise.resolve(true)],
    ['that rejects', () => Promise.reject(new Error('no such table'))],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
    ['of another library', () => ({ then: (settle: (value: boolean) => void) => settle(false) })],
  ]
  for (const [name, answer] of promises) {
    test(name, async () => {
      const trustProxy = (() => answer()) as never
      const events: DropEvent[] = []
      const stop = onDrop(event => events.push(event))
      const deny = denyCidr(['127.0.0.1'], { trustProxy })
      const forged = denyCidr(['198.51.100.1'], { trustProxy, dryRun: true })
      const server = await listen(
        http.createServer((req, res) => forged(req, res, () => deny(req, res, () => res.end('served')))),
      )
      try {
        const request = get('/', { Connection: 'close', 'X-Forwarded-For': '198.51.100.1' })
        const { data } = await exchange({ port: server.port }, request)
        // Whoever is trusted is handed 444, and may say who asks.
        assert.equal(data.length, 0)
        assert.deepEqual(
          events.map(({ action, clientAddress: client }) => `${action} ${client}`),
          ['close 127.0.0.1'],
        )
      } finally {
        stop()
        await server.close()
      }
    })
  }

  test('also further along the chain', () => {
    const trust = compileTrust(
      ((_address: string, hop: number) => hop === 0 || Promise.resolve(false)) as never,
    )
    const headers = { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' }
    const req = { socket: { remoteAddress: '127.0.0.1' }, headers, httpVersionMajor: 1 }
    assert.equal(clientAddress(req as never, trust)?.text, '203.0.113.7')
  })
})

describe('what sets said of the peer is kept on its connection', () => {
  const set = (...entries: string[]) => addressList('test', 'list', entries)

  test('and asked of the set once', () => {
    const peer = peerAddressOf({}, { remoteAddress: '::ffff:10.1.2.3' })
    assert.ok(peer?.setMemo)
    const [ten, other] = [set('10.0.0.0/8'), set('192.0.2.1')]
    assert.deepEqual([ten.match(peer), other.match(peer)], ['10.0.0.0/8', undefined])
    assert.deepEqual(peer.setMemo.sets, [ten, other])
    peer.setMemo.texts[0] = 'as it was said'
    assert.deepEqual([ten.match(peer), other.match(peer)], ['as it was said', undefined])
    assert.equal(set('10.0.0.0/8').match(peer), '10.0.0.0/8')
  })

  test('of a few sets; the others are asked again, and right', () => {
    const peer = peerAddressOf({}, { remoteAddress: '10.0.0.7' })
    assert.ok(peer?.setMemo)
    const sets = Array.from({ length: 20 }, (_, i) => set(`10.0.0.${i}`))
    for (let round = 0; round < 3; round++) {
      for (const [i, each] of sets.entries()) assert.equal(each.match(peer), i === 7 ? '10.0.0.7' : undefined)
    }
    assert.equal(peer.setMemo.sets.length, 8)
  })

  test('never of a client behind a proxy, who may be another in the next request of that connection', () => {
    const socket = { remoteAddress: '127.0.0.1' }
    const trust = compileTrust('loopback')
    const client = (forwarded?: string) => {
      const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
      return clientAddress({ socket, headers, httpVersionMajor: 1 } as never, trust)
    }
    const denied = set('198.51.100.0/24')
    for (const [forwarded, said] of [
      ['198.51.100.1', '198.51.100.0/24'],
      ['203.0.113.7', undefined],
      [undefined, undefined],
      ['198.51.100.1', '198.51.100.0/24'],
    ] as const) {
      const address = client(forwarded)
      assert.ok(address)
      assert.equal(address.setMemo !== undefined, forwarded === undefined)
      assert.equal(denied.match(address), said)
    }
  })
})
