import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatWord4, formatWords6, parseAddress } from '../../../lib/match/addresses/address.ts'
import { addEntry, CidrList } from '../../../lib/match/addresses/cidr-entry.ts'
import { addressList } from '../../../lib/options/address-list.ts'
import { entry, linearScan, probe, type ReferenceEntry } from '../../support/reference/cidrs.ts'
import { parseEntry, simpleSet } from '../../support/reference/simple-cidr-set.ts'

const compile = (entries: readonly string[]) => addressList('test', 'list', entries)

/** What the set says of an address, and that it agrees with the scan. */
function check(entries: readonly ReferenceEntry[], addresses: readonly string[]): void {
  const set = compile(entries.map(({ text }) => text))
  for (const text of addresses) {
    const address = parseAddress(text)
    assert.ok(address)
    const holding = linearScan(entries, text).map(held => held.text)
    const found = set.match(address)
    const said = `${text} in ${entries.map(held => held.text).join(', ')}`
    if (found === undefined) assert.deepEqual(holding, [], said)
    else assert.ok(holding.includes(found), `${said}: ${found}`)
    assert.equal(set.has(text), found !== undefined, said)
  }
}

test('a set is a linear scan of its entries, and names one that holds the address', () => {
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 12 }),
      fc.array(probe, { maxLength: 10 }),
      (entries, probes) => check(entries, [...entries.flatMap(({ edges }) => edges), ...probes]),
    ),
    { numRuns: 500 },
  )
})

const v4 = (offset: number) => `10.0.${offset >> 8}.${offset & 255}`
/** Around the borders of 32-bit words. */
const v6 = (offset: number) => `2001:db8::${(offset >> 6).toString(16)}:ffff:fff${(offset & 15).toString(16)}`

/** Entries so close together that they nest, touch, overlap and repeat, in several spellings. */
const crowded = fc
  .tuple(fc.constantFrom(v4, v6), fc.nat(600), fc.nat(40))
  .chain(([at, from, length]) =>
    fc.constantFrom(
      at(from),
      `${at(from)}/${at === v4 ? 32 : 128}`,
      `${at(from)}/${at === v4 ? 32 - (length % 8) : 128 - length}`,
      `${at(from).replace('::', ':0:0:0:')}/${at === v4 ? 27 : 64}`,
      `${at(from)}-${at(from + length)}`,
    ),
  )

test('of several entries it names the same as the simple set', () => {
  const valid = crowded.filter(text => typeof parseEntry(text) !== 'string')
  fc.assert(
    fc.property(
      fc.array(valid, { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(650), { minLength: 1, maxLength: 30 }),
      (entries, offsets) => {
        const set = compile(entries)
        const simple = simpleSet(entries)
        for (const text of offsets.flatMap(offset => [v4(offset), v6(offset)])) {
          const address = parseAddress(text)
          assert.ok(address)
          assert.equal(set.match(address), simple(address), `${text} in ${entries.join(', ')}`)
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('where two ranges overlap, each address has the text of one that holds it', () => {
  const set = compile([
    '10.0.0.0-10.0.0.10',
    '10.0.0.5-10.0.0.20',
    '10.0.0.15-10.0.0.16',
    '10.0.0.18-10.0.0.30',
  ])
  const at = (text: string) => set.match(parseAddress(text) as never)
  assert.equal(at('10.0.0.3'), '10.0.0.0-10.0.0.10')
  assert.equal(at('10.0.0.12'), '10.0.0.5-10.0.0.20')
  assert.equal(at('10.0.0.25'), '10.0.0.18-10.0.0.30')
  assert.equal(at('10.0.0.31'), undefined)
})

test('the rest of a range starts behind the one before, over a word too', () => {
  const set = compile(['2001:db8::-2001:db8::ffff:ffff', '2001:db8::5-2001:db8::2:0:0'])
  const at = (text: string) => set.match(parseAddress(text) as never)
  assert.equal(at('2001:db8::ffff:ffff'), '2001:db8::-2001:db8::ffff:ffff')
  assert.equal(at('2001:db8::1:0:0'), '2001:db8::5-2001:db8::2:0:0')
  assert.equal(at('2001:db8::2:0:1'), undefined)
})

test('an IPv6 entry holds no IPv4 address, also where the mapped ones lie within it', () => {
  const set = compile(['::/64', '0:0:0:0:0:fffe::/95'])
  assert.equal(set.match(parseAddress('::ffff:1.2.3.4') as never), undefined)
  assert.equal(set.match(parseAddress('::1') as never), '::/64')
})

test('ten thousand entries, one of them right', () => {
  const texts = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/25`)
  const set = compile(texts)
  for (const text of texts) {
    const network = text.slice(0, -5)
    assert.equal(set.match(parseAddress(`${network}.127`) as never), text)
    assert.equal(set.match(parseAddress(`${network}.128`) as never), undefined)
  }
})

const spread = fc
  .tuple(fc.boolean(), fc.noBias(fc.nat(0xffffffff)), fc.noBias(fc.nat(0xffffffff)), fc.nat(12))
  .map(([short, a, b, bits]) =>
    short
      ? `${formatWord4(a)}/${32 - bits}`
      : `${formatWords6([0x2a000000 + (a & 0xffffff), b, 0, a])}/${128 - 8 * bits}`,
  )

test('thousands of entries, spread and crowded: the simple set says the same', () => {
  const listed = fc.sample(fc.oneof(spread, crowded), { numRuns: 6000, seed: 444 })
  const entries = listed.filter(text => typeof parseEntry(text) !== 'string')
  const probes = fc.sample(probe, { numRuns: 1000, seed: 445 })
  const set = compile(entries)
  const simple = simpleSet(entries)
  assert.ok(set.size > 2000, `${set.size}`)
  for (const text of [...probes, ...entries.map(text => text.replace(/[/-].*/, ''))]) {
    const address = parseAddress(text)
    assert.ok(address)
    assert.equal(set.match(address), simple(address), text)
  }
})

test('a compiled set is its own: the list may change', () => {
  const list = ['192.0.2.1']
  const set = compile(list)
  list[0] = '192.0.2.2'
  list.push('192.0.2.3')
  assert.equal(set.match(parseAddress('192.0.2.1') as never), '192.0.2.1')
  assert.equal(set.match(parseAddress('192.0.2.3') as never), undefined)
})

test('an empty set holds nothing', () => {
  assert.equal(compile([]).match(parseAddress('::1') as never), undefined)
})

test('its size: what lies within another is none of its own', () => {
  assert.equal(compile(['10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8', '::1', '192.0.2.1-192.0.2.9']).size, 3)
  assert.equal(compile([]).size, 0)
})

test('has() takes any spelling, and junk is in no set', () => {
  const set = compile(['10.0.0.0/8', '2001:db8::/32'])
  for (const text of ['10.1.2.3', '::ffff:10.1.2.3', '::FFFF:a01:203', '2001:DB8:0::1%eth0'])
    assert.equal(set.has(text), true, text)
  for (const text of ['', '10.1.2', '10.1.2.3/8', 'loopback', '2001:db8', '11.0.0.0', '2001:db9::'])
    assert.equal(set.has(text), false, text)
})

const plain: Record<string, (i: number) => string> = {
  IPv4: i => `${1 + (i % 223)}.${(i * 7) & 255}.${i >> 8}.0/24`,
  'IPv4 addresses': i => `${1 + (i % 223)}.${(i * 7) & 255}.${i >> 8}.${i & 255}`,
  'IPv4 with /32': i => `${1 + (i % 223)}.${(i * 7) & 255}.${i >> 8}.${i & 255}/32`,
  IPv6: i => `2a00:${(1 + (i >> 4)).toString(16)}:${(1 + i).toString(16)}::/48`,
  'IPv6 up to /64': i => `2a00:${(1 + (i >> 4)).toString(16)}:${(1 + i).toString(16)}:1::/64`,
}

for (const [name, make] of Object.entries(plain)) {
  test(`at most 20 bytes a range, and its text is not among them: ${name}`, () => {
    const texts = Array.from({ length: 20_000 }, (_, i) => make(i))
    const set = compile(texts)
    assert.equal(set.size, texts.length)
    assert.ok(set.bytes <= 20 * set.size, `${set.bytes / set.size}`)
    assert.equal(oddEntries(texts), 0)
    for (const text of texts.slice(0, 100))
      assert.equal(set.match(parseAddress(text.replace(/\/.*/, '')) as never), text)
  })
}

/** How many entries of a list need their text kept. */
function oddEntries(texts: readonly string[]): number {
  const list = new CidrList()
  for (const text of texts) addEntry(list, text)
  return list.v4.oddities.size + list.v6.oddities.size
}

test('ends of the address space, and networks of every length', () => {
  for (let prefix = 1; prefix <= 32; prefix++) {
    assert.equal(compile([`255.255.255.255/${prefix}`]).has('255.255.255.255'), true)
    assert.equal(compile([`0.0.0.0/${prefix}`]).has('0.0.0.0'), true)
    assert.equal(compile([`0.0.0.0/${prefix}`]).has('255.255.255.255'), false)
  }
  for (let prefix = 1; prefix <= 128; prefix++) {
    const set = compile([`ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/${prefix}`, '::5-::6'])
    assert.equal(set.has('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), true)
    assert.deepEqual([set.has('::5'), set.has('::7')], [true, false])
  }
})
