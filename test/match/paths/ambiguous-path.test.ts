import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBeyond, encodeBytes, upperHex } from '../../../lib/match/globs/percent-encoding.ts'
import { isAmbiguous } from '../../../lib/match/paths/ambiguous-path.ts'

/** The same, in one line. */
const ambiguous =
  /\/\.{1,2}(?:\/|;|%3b|%2f|%5c|$)|%(?:2f|5c)\.|%2e|\\|\/\/|#|[\x00-\x20\x7f]|%[01][0-9a-f]|%7f|\.\.(?:;|%3b)/i

const pieces = fc.constantFrom(
  ...[
    '/',
    '.',
    '%',
    '2',
    'f',
    'F',
    '5',
    'c',
    '3',
    'b',
    'B',
    'e',
    ';',
    'a',
    '\\',
    '\xe9',
    '7',
    '0',
    ' ',
    '#',
    '\x7f',
  ],
  ...['%2f', '%3b', '%5C', '%2', '%2E', '%1f', '%25', '\ud83d', '..', '/.'],
)
const path = fc.array(pieces, { maxLength: 8 }).map(parts => `/${parts.join('')}`)

test('a path is ambiguous where the one-line expression finds it so', () => {
  fc.assert(
    fc.property(path, each => assert.equal(isAmbiguous(each), ambiguous.test(each), JSON.stringify(each))),
    { numRuns: 20_000 },
  )
})

test('percent-encoding is made upper case, decoded and added as by expressions', () => {
  const ascii = path.map(each => each.replace(/[^\x00-\x7f]/g, ''))
  fc.assert(
    fc.property(ascii, each => {
      assert.equal(
        upperHex(each),
        each.replace(/%[0-9a-f]{2}/gi, found => found.toUpperCase()),
      )
      assert.equal(
        encodeURI(decodeBeyond(each)).replaceAll('%25', '%'),
        encodeURI(upperHex(each)).replaceAll('%25', '%'),
      )
    }),
    { numRuns: 5_000 },
  )
  const encode = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`
  fc.assert(
    fc.property(path, each => assert.equal(encodeBytes(each), each.replace(/[\x80-\xff]/g, encode))),
    { numRuns: 2_000 },
  )
})
