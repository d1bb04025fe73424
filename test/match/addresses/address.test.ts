import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { maskWords, parseAddress, parseForwardedAddress } from '../../../lib/match/addresses/address.ts'
import {
  canonical,
  groups,
  octets,
  type ReferenceAddress,
  referenceAddress,
  spelled,
  spelledV6,
} from '../../support/reference/addresses.ts'

/** What of an address the reference knows too. */
function brief(text: string): ReferenceAddress | undefined {
  const address = parseAddress(text)
  return address && { family: address.family, text: address.text }
}

test('IPv6 in every spelling is its RFC 5952 text, or the IPv4 address that is mapped', () => {
  fc.assert(
    fc.property(spelledV6, ({ groups, text }) => {
      assert.deepEqual(brief(text), canonical(new ipaddr.IPv6(groups)), text)
    }),
    { numRuns: 1000 },
  )
})

test('IPv4 is four decimal octets', () => {
  fc.assert(
    fc.property(octets, bytes => {
      const text = bytes.join('.')
      const [a, b, c, d] = bytes
      assert.deepEqual(parseAddress(text), {
        family: 4,
        words: [((a << 24) | (b << 16) | (c << 8) | d) >>> 0],
        text,
      })
    }),
  )
})

test('the words are the bytes in network order', () => {
  fc.assert(
    fc.property(spelled, text => {
      const address = parseAddress(text)
      assert.ok(address, text)
      const bytes = ipaddr.parse(address.text).toByteArray()
      const words: number[] = []
      for (let i = 0; i < bytes.length; i += 4) words.push(Buffer.from(bytes).readUInt32BE(i))
      assert.deepEqual(address.words, words)
    }),
  )
})

test('a mapped address is IPv4, however it is written', () => {
  for (const text of [
    '1.2.3.4',
    '::ffff:1.2.3.4',
    '::ffff:102:304',
    '::FFFF:0102:0304',
    '0:0:0:0:0:ffff:1.2.3.4',
  ])
    assert.deepEqual(parseAddress(text), { family: 4, words: [0x01020304], text: '1.2.3.4' }, text)
  // IPv4-compatible and NAT64 are no mapped addresses.
  assert.equal(parseAddress('::1.2.3.4')?.text, '::102:304')
  assert.equal(parseAddress('64:ff9b::1.2.3.4')?.text, '64:ff9b::102:304')
})

const pieces = fc.constantFrom(
  '',
  ':',
  '::',
  '.',
  '%',
  '0',
  '1',
  'f',
  'ffff',
  '00000',
  'g',
  '256',
  '01',
  '0x1',
  '-',
  ' ',
)

/** A valid address with a few characters put in, taken out or repeated. */
const mutated = fc
  .tuple(spelled, fc.array(fc.tuple(fc.nat(45), fc.nat(2), pieces), { minLength: 1, maxLength: 3 }))
  .map(([text, edits]) =>
    edits.reduce((now, [at, cut, piece]) => now.slice(0, at) + piece + now.slice(at + cut), text),
  )

const soup = fc.string({ unit: fc.constantFrom(...'0127afF:.%x[]/ '), maxLength: 46 })

test('junk is refused exactly where the reference refuses it', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, soup, fc.string()), text => {
      assert.deepEqual(brief(text), referenceAddress(text), JSON.stringify(text))
    }),
    { numRuns: 3000 },
  )
})

const refused = [
  ...[
    '',
    ' ',
    '1',
    '1.2.3',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4.5',
    '1.2.3.4 ',
  ],
  ...[
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7',
    '::1:2:3:4:5:6:7:8',
    '1.2.3.4::',
    '00000::',
  ],
  ...[
    '::ffff:1.2.3',
    '::ffff:01.2.3.4',
    '::ffff:0x1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4:5',
    '::g',
    '::-1',
  ],
  ...[
    '1.2.3.4%eth0',
    '::1%',
    '::1%%',
    '::1% ',
    '::1%a%b',
    '%eth0',
    '[::1]',
    '::1/64',
    '1.2.3.4/8',
    '1.2.3.4\n',
    '::1\n',
  ],
  '１.2.3.4',
]

for (const text of refused) {
  test(`${JSON.stringify(text)} is no address`, () => {
    assert.equal(parseAddress(text), undefined)
  })
}

test('proxies write ports and brackets', () => {
  fc.assert(
    fc.property(spelled, fc.nat(65_535), (text, port) => {
      const plain = parseAddress(text)
      assert.deepEqual(parseForwardedAddress(text), plain)
      const withPort = text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`
      assert.deepEqual(parseForwardedAddress(withPort), plain, withPort)
      if (text.includes(':')) assert.deepEqual(parseForwardedAddress(`[${text}]`), plain)
    }),
  )
})

test('a half-written bracket or port is junk', () => {
  const junk = [
    '[::1',
    '::1]',
    '[::1]x',
    '[::1]:',
    '[::1]:x',
    '[::1]:123456',
    '[]',
    '1.2.3.4:',
    '1.2.3.4:x',
    '1.2.3.4:123456',
  ]
  for (const text of [...junk, 'unknown', '_hidden', '"[::1]"', 'example.com:80', '[[::1]]', '1.2.3:4'])
    assert.equal(parseForwardedAddress(text), undefined, text)
})

test('a mask is the network address of ipaddr.js', () => {
  const networkOf = (text: string, prefix: number) =>
    (text.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4).networkAddressFromCIDR(`${text}/${prefix}`).toByteArray()
  const bytesOf = (words: readonly number[]) =>
    words.flatMap(word => [24, 16, 8, 0].map(by => (word >>> by) & 255))
  const v6 = groups.map(parts => new ipaddr.IPv6(parts)).filter(address => !address.isIPv4MappedAddress())
  fc.assert(
    fc.property(v6, fc.nat(128), (address, prefix) => {
      const text = address.toString()
      const words = parseAddress(text)?.words ?? []
      assert.deepEqual(bytesOf(maskWords(words, prefix)), networkOf(text, prefix))
    }),
  )
  fc.assert(
    fc.property(octets, fc.nat(32), (bytes, prefix) => {
      const text = bytes.join('.')
      assert.deepEqual(bytesOf(maskWords(parseAddress(text)?.words ?? [], prefix)), networkOf(text, prefix))
    }),
  )
})
