import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pathInfoOf } from '../../lib/routes/django/path-info.ts'
import { pathPattern } from '../../lib/routes/django/pattern.ts'

const uuid = '0b5e7f3c-9d1a-4c52-8f0e-3a6d2b1c4e5f'

/** Django's converters, as JavaScript has them. */
const sources: Record<string, string> = {
  int: '[0-9]+',
  path: '[^\\n]+',
  slug: '[-a-zA-Z0-9_]+',
  str: '[^/]+',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** Where the expression of a route ends in a path; a number that Python can't read is none. */
function endOf(parts: readonly string[], isEndpoint: boolean, path: string): number {
  const groups = parts.map(part =>
    part in sources ? `(${part === 'int' ? '?<i>' : ''}${sources[part]})` : escaped(part),
  )
  let count = 0
  const source = groups.join('').replace(/\?<i>/g, () => `?<i${count++}>`)
  const found = new RegExp(`^${source}${isEndpoint ? '$' : ''}`, 'u').exec(path)
  const numbers = Object.values(found?.groups ?? {})
  return found && numbers.every(number => number.length <= 4300) ? found[0].length : -1
}

const part = fc.constantFrom(
  ...['str', 'int', 'slug', 'path', 'str', 'int', 'uuid'],
  ...['a', '-', '/', '.', '1', 'é', '😀', 'a/', 'b-'],
)
const piece = fc.constantFrom('a', '-', '/', '.', '1', 'é', '😀', '\n', 'b', '0', 'f', uuid)

test('a pattern of path() matches what its expression matches, and ends where it ends', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 6 }),
      fc.array(fc.array(piece, { maxLength: 9 }), { minLength: 12, maxLength: 12 }),
      (parts, texts) => {
        const route = parts.map((each, i) => (each in sources ? `<${each}:p${i}>` : each)).join('')
        const filled = texts.map(text => {
          let at = 0
          return parts.map(each => (each in sources ? (text[at++] ?? '1') : each)).join('')
        })
        for (const isEndpoint of [true, false]) {
          const { match } = pathPattern(route, isEndpoint, {})
          for (const path of [...texts.map(text => text.join('')), ...filled])
            assert.equal(
              match(path),
              endOf(parts, isEndpoint, path),
              JSON.stringify([route, isEndpoint, path]),
            )
        }
      },
    ),
    { numRuns: 400 },
  )
})

test('the length of a number is that of what the expression would have taken', () => {
  for (const parts of [
    ['int'],
    ['int', 'str'],
    ['str', 'int'],
    ['x', 'int', '/', 'int'],
    ['slug', 'int', '/'],
  ]) {
    const route = parts.map((each, i) => (each in sources ? `<${each}:p${i}>` : each)).join('')
    for (const isEndpoint of [true, false]) {
      const { match } = pathPattern(route, isEndpoint, {})
      for (const digits of [1, 4299, 4300, 4301, 9000]) {
        const number = '1'.repeat(digits)
        for (const path of [number, `${number}x`, `x${number}/1`, `x1/${number}`, `${number}/`, `é${number}`])
          assert.equal(match(path), endOf(parts, isEndpoint, path), `${route} ${isEndpoint} ${digits}`)
      }
    }
  }
})

test('a pattern of more than 32 characters, and one of more than 64', () => {
  const tail = 'lines/'.repeat(12)
  const { match } = pathPattern(`<str:a>/${tail}<uuid:b>/${tail}<int:c>`, true, {})
  assert.ok(match(`é/${tail}${uuid}/${tail}7`) > 0)
  assert.equal(match(`é/${tail}${uuid}/${tail}`), -1)
  assert.equal(match(`é/${tail}${uuid}/${tail.slice(1)}7`), -1)
})

/** A UTF-8 sequence (RFC 3629 4), or a byte that is part of none. */
const sequences =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g

function infoOf(path: string): string {
  const bytes = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return bytes.replace(sequences, found =>
    found.length > 1
      ? Buffer.from(found, 'latin1').toString()
      : `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

test('the path that Django reads is decoded once, and broken UTF-8 stays encoded', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map(code => `%${code.toString(16).padStart(2, '0')}`)
  const odd = fc.constantFrom(
    ...[
      '%C3%A9',
      '%ED%9F',
      '%F0%9F%98%80',
      '%E2%82%AC',
      '%ef%bb%bf',
      '%EF%BF%BD',
      'a',
      '%',
      '%4',
      '\xe2',
      '\x82',
      '\xac',
      '/',
    ],
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(byte, odd), { maxLength: 8 }), parts => {
      const path = `/${parts.join('')}`
      assert.equal(pathInfoOf(path), infoOf(path), path)
    }),
    { numRuns: 5_000 },
  )
})
