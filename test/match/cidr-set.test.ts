import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressList } from '../../lib/address-list.ts'
import { parseAddress } from '../../lib/match/address.ts'
import { entry, linearScan, probe, type ReferenceEntry } from '../support/reference/cidrs.ts'

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
