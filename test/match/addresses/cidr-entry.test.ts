import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allowCidr, denyCidr, noHost, OptionsError } from '../../../lib/index.ts'
import { addEntry, CidrList } from '../../../lib/match/addresses/cidr-entry.ts'
import { entry } from '../../support/reference/cidrs.ts'
import { parseEntry } from '../../support/reference/simple-cidr-set.ts'

const refused: readonly unknown[] = [
  ...[
    '',
    ' ',
    'junk',
    '-',
    '/',
    '/8',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    'example.com',
    'Loopback',
    'private',
  ],
  ...[
    '0.0.0.0/0',
    '1.2.3.4/0',
    '::/0',
    '2001:db8::/0',
    '::ffff:0:0/96',
    '::ffff:1.2.3.4/96',
    '0.0.0.0-255.255.255.255',
  ],
  ...[
    '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '1.2.3.4/33',
    '::1/129',
    '::ffff:1.2.3.4/129',
    '::ffff:1.2.3.4/64',
  ],
  ...[
    '1.2.3.4/',
    '1.2.3.4/08',
    '1.2.3.4/+8',
    '1.2.3.4/-1',
    '1.2.3.4/8.0',
    '1.2.3.4/ 8',
    '1.2.3.4/1e1',
    '1.2.3.4/0x8',
  ],
  ...['1.2.3.4/8/8', '1.2.3.4/255.0.0.0', '/1.2.3.4', '1.2.3.4-', '-1.2.3.4', '1.2.3.4-1.2.3.3', '::2-::1'],
  ...[
    '1.2.3.4-::1',
    '::1-1.2.3.4',
    '::1-::ffff:1.2.3.4',
    '1.2.3.4-1.2.3.5-1.2.3.6',
    '1.2.3.0/24-1.2.4.0/24',
    '1.2.3.4-5',
  ],
  ...[
    'fe80::1%eth0',
    'fe80::%eth0/10',
    '[::1]',
    '1.2.3.4:80',
    '1.2.3.4, 1.2.3.5',
    '1.2.3.4 1.2.3.5',
    '010.0.0.1',
  ],
  ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', '1.2.3.4/\u0663', '*', '10.*'],
  ...[0, 1, Number.NaN, null, undefined, true, {}, [], ['1.2.3.4'], Symbol('x'), 10n, () => '1.2.3.4', /1/],
]

for (const bad of refused) {
  const name = typeof bad === 'string' ? JSON.stringify(bad) : String(bad)
  test(`the entry ${name} is refused, and named`, () => {
    for (const make of [denyCidr, allowCidr]) {
      const list = ['192.0.2.1', bad, '192.0.2.2'] as string[]
      assert.throws(
        () => make(list),
        (error: unknown) => {
          assert.ok(error instanceof OptionsError, `${error}`)
          assert.equal(error.code, 'DROP444_INVALID_ENTRY')
          assert.equal(error.value, bad)
          assert.match(error.message, /\(entry 1\)/)
          if (typeof bad === 'string' && bad.length < 80)
            assert.ok(error.message.includes(JSON.stringify(bad)))
          return true
        },
      )
    }
    assert.throws(() => noHost({ except: [bad as string] }), { code: 'DROP444_INVALID_ENTRY', value: bad })
  })
}

const accepted = [
  ...[
    '1.2.3.4',
    ' 1.2.3.4 ',
    '1.2.3.4/1',
    '1.2.3.4/32',
    '255.255.255.255',
    '0.0.0.0',
    '::',
    '::1',
    '::1/1',
    '::/128',
  ],
  ...[
    '::ffff:1.2.3.4',
    '::ffff:1.2.3.4/97',
    '::ffff:102:304/128',
    '1.2.3.4-1.2.3.4',
    '1.2.3.4 - 1.2.3.5',
    '::1-::2',
  ],
  ...[
    '1.2.3.4-::ffff:1.2.3.5',
    'loopback',
    'linklocal',
    'uniquelocal',
    '2001:DB8::/32',
    '0.0.0.1-255.255.255.255',
  ],
]

for (const entry of accepted) {
  test(`the entry ${JSON.stringify(entry)} is taken`, () => {
    denyCidr([entry])
    allowCidr([entry], { except: [entry] })
  })
}

test('a list is an iterable with something in it, and one that can be read only once is read once', () => {
  for (const bad of [undefined, null, [], new Set(), '', '1.2.3.4', 42, true, {}, () => ['1.2.3.4']]) {
    assert.throws(() => denyCidr(bad as never), OptionsError)
    assert.throws(() => allowCidr(bad as never), OptionsError)
  }
  denyCidr(new Set(['192.0.2.1']))
  // A generator is empty the second time: its junk shows whether it was read at all.
  const once = new Set(['192.0.2.1', 'junk'])
  assert.throws(() => denyCidr(once.values()), { code: 'DROP444_INVALID_ENTRY', value: 'junk' })
})

/** A valid entry with a few characters put in, taken out or repeated. */
const mutated = fc
  .tuple(entry, fc.nat(20), fc.nat(2), fc.constantFrom('', '0', '1', '/', '-', ':', '.', '%', '/8', '129'))
  .map(([{ text }, at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut))

test('any string is entries or a reason, those that the simple parser tells', () => {
  const soup = fc.string({ unit: fc.constantFrom(...'0129afF:./-% ') })
  fc.assert(
    fc.property(fc.oneof(mutated, soup, fc.string(), fc.string({ unit: 'grapheme' })), text => {
      const list = new CidrList()
      const wrong = addEntry(list, text)
      const parsed = parseEntry(text)
      assert.equal(wrong, typeof parsed === 'string' ? parsed : undefined, JSON.stringify(text))
      assert.equal(list.v4.count + list.v6.count, typeof parsed === 'string' ? 0 : parsed.length)
    }),
    { numRuns: 3000 },
  )
})
