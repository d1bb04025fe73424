import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import micromatch from 'micromatch'
import { Automaton } from '../../../lib/match/expressions/automaton.ts'
import { Work } from '../../../lib/match/expressions/work.ts'
import { compilePaths } from '../../../lib/match/paths/paths.ts'

const globs = [
  ...[
    '/**',
    '/*',
    '/a/**/b',
    '/**/*.js',
    '/users/*/orders',
    '/{a,b}/*.{js,css}',
    '/files/!(a|b)',
    '/a?b',
    '/?(a)b',
  ],
  ...[
    '/+([0-9]).png',
    '/!(*a*)b',
    '/[[:alpha:]]x',
    '/@(a*|*a)x',
    '/*(a|b)',
    '/a**b',
    '**/*.bak',
    '/[!a]x',
    '/[^a-c]*',
  ],
  ...[
    '/a/!(b)/c',
    '/{1..3}/x',
    '/a{,b}',
    '/.well-known/*',
    '**/.git',
    '/a|b',
    '/é*',
    '/*é',
    '/!(a|!(b))',
    '/**;*',
  ],
  ...[
    '/!(*.js)',
    '/\\*x',
    '/(a|b)/c',
    '/a+',
    '/[a-z]+-x',
    '/.*/x',
    '/**/.*/**',
    '/**/a/**/a/**/b',
    '/*a?*a?*a?*!',
  ],
  ...['/*(a)*(aa)*(a)b', '/*a??????????b*', '/*-*-*-*-*/x'],
]
const expressions = [
  ...[
    /^\/users\/\d+$/,
    /users/,
    /a|b$/,
    /^\/(?:[a-z]+;?)+$/,
    /(?:a*)*b/,
    /x{2,3}y/i,
    /\/[^/]+$/,
    /^(?!.*admin).*$/,
  ],
  ...[
    /\p{L}+x/u,
    /[\w-]{2}\.?/,
    /^$/,
    /(?=a)a?/,
    /a+b+$/,
    /^(?:a{2}){2,}$/,
    /\x61\u0062\//,
    /[\]\\;]/,
    /^.b/s,
  ],
]

const character = fc.constantFrom(...'/ab.-xc0;%jsé1!A\ue000')
const text = fc.array(character, { maxLength: 10 }).map(characters => `/${characters.join('')}`)
const hiddenPlaces = (path: string) => [...path.matchAll(/[;%.a]/g)].map(({ index }) => index).reverse()

/** Whether the expression still matches with another character in one of the places. */
const spellsAll = (expression: RegExp, path: string, places: readonly number[], others: string) =>
  places.every(place =>
    [...others].every(other => !expression.test(path.slice(0, place) + other + path.slice(place + 1))),
  )

function compare(expression: RegExp): void {
  const automaton = Automaton.of(expression)
  assert.ok(automaton, `${expression} is read`)
  const work = new Work()
  fc.assert(
    fc.property(text, path => {
      work.begin(path)
      const matches = expression.test(path)
      assert.equal(automaton.test(path, work), matches, path)
      if (!matches) return
      for (const others of ['\ue000', '\ue000a0-']) {
        const places = hiddenPlaces(path)
        work.begin(path)
        assert.equal(
          automaton.spells(path, places, others, work),
          spellsAll(expression, path, places, others),
          path,
        )
      }
    }),
    { numRuns: 300 },
  )
}

describe('an automaton says what the engine of RegExps says', () => {
  for (const glob of globs) {
    for (const nocase of [true, false]) {
      test(`${glob}${nocase ? '' : ', in its own case'}`, () => {
        compare(micromatch.makeRe(glob, { nocase, windows: false } as micromatch.Options) as RegExp)
      })
    }
  }
  for (const expression of expressions) test(`${expression}`, () => compare(expression))
})

test('what is more than a regular language is left to the engine', () => {
  for (const expression of [
    /\bbot\b/,
    /(a)\1/,
    /(?<n>a)\k<n>/,
    /(?<=a)b/,
    /(?<!a)b/,
    /^a$/m,
    /a/y,
    /(?:a{900}){900}/,
  ])
    assert.equal(Automaton.of(expression), undefined, `${expression}`)
})

test('more characters beyond ASCII than are remembered are told apart', () => {
  const automaton = Automaton.of(/^\/[à-é]x$/)
  assert.ok(automaton)
  for (let code = 0x80; code < 0x1000; code++) {
    const path = `/${String.fromCharCode(code)}x`
    const work = new Work()
    assert.equal(automaton.test(path, work), /^\/[à-é]x$/.test(path), path)
  }
})

test('what would be too much work is not judged, and costs no more than the work', () => {
  const automaton = Automaton.of(/^\/[ab]*a[ab]{14}[^a]*b[ab]*$/)
  assert.ok(automaton)
  let path = '/'
  for (let i = 0, state = 1; i < 16_000; i++) {
    state = (state * 48_271) % 2_147_483_647
    path += state % 2 === 0 ? 'a' : 'b'
  }
  const work = new Work()
  assert.equal(automaton.test(path, work), undefined)
})

describe('many globs that begin with a wildcard', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => `/**/*-q${i}-*.js`)
  const options = { caseSensitive: false, strict: false }
  const isListed = compilePaths(many, options)
  const isLeft = compilePaths(['/**', ...many.map(glob => `!${glob}`)], options)

  test('each is asked where its text stands', () => {
    for (const i of [0, 7, 99, 999]) {
      for (const path of [`/a/x-q${i}-y.js`, `/a/b/-Q${i}-.JS`, `/a/%78-q${i}-y.js`]) {
        assert.equal(isListed(path), true, path)
        assert.equal(isLeft(path), false, path)
      }
    }
    for (const path of ['/a/x-q1000-y.js', '/a/x-q7.js', '/a/x-q7-y.css']) {
      assert.equal(isListed(path), false, path)
      assert.equal(isLeft(path), true, path)
    }
  })

  test('a long path for which one is enough is judged', () => {
    const long = `/${'x'.repeat(8_000)}/-q7-.js`
    assert.equal(isListed(long), true)
    assert.equal(isLeft(long), false)
  })

  test('a path that all of them would have to look at is taken away, and on no list', () => {
    const all = many.map((_, i) => `-q${i}-`).join('')
    assert.equal(isLeft(`/${all}/${'x'.repeat(4_000)}.js`), false)
    assert.equal(isListed(`/${all}/${'x'.repeat(4_000)}-q999-.js`), false)
    // Of a path that ends in another way each sees at once that it is none of its own.
    assert.equal(isLeft(`/${all.slice(0, 1_000)}/${'x'.repeat(4_000)}.jsx`), true)
  })

  test('a path of a few hundred characters is judged, whatever stands in it', () => {
    const path = `/a/${many
      .map((_, i) => `-q${i}-`)
      .join('')
      .slice(0, 400)}`
    assert.equal(isListed(`${path}.js`), true)
    assert.equal(isLeft(`${path}.jsx`), true)
  })
})
