import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequiredTexts } from '../../../lib/match/expressions/required-texts.ts'
import { Work } from '../../../lib/match/expressions/work.ts'
import { foldTable } from '../../../lib/match/paths/characters.ts'
import { compilePositive } from '../../../lib/match/paths/compile-pattern.ts'
import { compilePaths } from '../../../lib/match/paths/paths.ts'
import { pathOf } from '../../../lib/match/paths/request-path.ts'
import { allows, isTaken } from '../../support/reference/judge-path.ts'
import { referenceAllows } from '../../support/reference/paths.ts'
import { runs } from '../../support/runs.ts'

const options = fc.record({ caseSensitive: fc.boolean(), strict: fc.boolean() })

/** Few names, so that globs share their beginnings and part within a segment; each way to end that takes no RegExp. */
const names = [
  'a',
  'ab',
  'abc',
  'A_b',
  'b.js',
  '.a',
  '.ab',
  'a-1',
  '{a,ab}',
  '@(b|a.b)',
  '{,a}b',
  '{,a}',
  '*',
  'a*',
  '*-b',
  '**',
]
const ends = [
  '',
  '/',
  '/*',
  '/**',
  '/**/*',
  '/*.js',
  '/a*',
  '/*{.js,.css}',
  '/**/*.js',
  '/**/*b',
  '/**/a',
  '*',
  '**',
  '+(b)',
  '/?',
  '/[ab]',
  '/.*',
  '/!(a)',
]

const glob = fc
  .tuple(
    fc.constantFrom('', '', '!'),
    fc.array(fc.constantFrom(...names), { maxLength: 3 }),
    fc.constantFrom(...ends),
  )
  .map(([bang, segments, end]) => `${bang}/${segments.join('/')}${segments.length > 0 ? end : end.slice(1)}`)

const pathSegments = [
  'a',
  'A',
  'ab',
  'abc',
  'a_b',
  'b',
  'b.js',
  '.a',
  '.ab',
  'a-1',
  'a.b',
  'x-b',
  '-b',
  'x.css',
  '.js',
  '%61',
  'a;b',
  'a%2fb',
  '',
  '..',
  '|',
  '{a,ab}',
  '*',
  '\xe9',
]

const path = fc
  .tuple(
    fc.array(fc.constantFrom(...pathSegments), { maxLength: 4 }),
    fc.constantFrom('', '', '', '/', '//', '/.'),
  )
  .map(([segments, end]) => `/${segments.join('/')}${end}`)

test('a long list whose globs share their beginnings is what the reference says', () => {
  const globs = fc.array(glob, { minLength: 1, maxLength: 24 })
  const paths = fc.array(path, { minLength: 1, maxLength: 24 })
  fc.assert(
    fc.property(globs, paths, options, (globs, paths, how) => {
      const list = globs.filter(each => isTaken(['/', each]))
      const matches = compilePaths(list, how)
      for (const each of paths)
        assert.equal(matches(pathOf(each)), referenceAllows(each, list, how), `${each} in ${list.join(' ')}`)
    }),
    { numRuns: runs(250) },
  )
})

test('any two of globs that begin alike are what the reference says, in either order', () => {
  const few = ['/a', '/a/b', '/a/*', '/a/**', '/**', '/*b', '(/a|/a/b)', '{/ab,/a}', '/a{,/b}', '/ab/*.js']
  const globs = few.flatMap(each => [each, `!${each}`])
  const paths = ['/', '/a', '/a/', '/ab', '/a/b', '/a/ab', '/a/b/c', '/ab/x.js', '/a/a']
  const how = { caseSensitive: false, strict: false }
  for (const list of globs.flatMap(one => globs.map(two => [one, two, '/b']))) {
    const matches = compilePaths(list, how)
    for (const each of paths)
      assert.equal(matches(pathOf(each)), referenceAllows(each, list, how), `${each} in ${list.join(' ')}`)
  }
})

test('among RegExps a glob is what it is alone', () => {
  const expressions = [/^\/a\/$/, /b$/, /^\/ab?\/[^/]*$/i]
  fc.assert(
    fc.property(glob, path, options, (each, path, how) => {
      fc.pre(!each.startsWith('!') && isTaken([each]))
      const alone = [each, ...expressions].some(pattern => allows(path, [pattern], how))
      assert.equal(allows(path, [...expressions, each], how), alone)
      assert.equal(allows(path, [each, ...expressions], how), alone)
    }),
    { numRuns: runs(200) },
  )
})

test('a RegExp is asked about the path as it was sent, a glob without the slash at its end', () => {
  assert.equal(allows('/a/', [/^\/a$/]), false)
  assert.equal(allows('/a/', [/^\/a\/$/]), true)
  assert.equal(allows('/a/', [/^\/a$/, '/a']), true)
  assert.equal(allows('/a//', ['/**', '/a/']), false)
  assert.equal(allows('//', ['/']), false)
})

test('more alternatives than are worth while to be spelled out are alternatives still', () => {
  const many = Array.from({ length: 100 }, (_, i) => `n${i}`)
  for (const list of [
    [`/{${many.join(',')}}/*`],
    [`/x/*.{${many.join(',')}}`],
    many.map(each => `/${each}/**`),
  ]) {
    const isListed = compilePaths(list, { caseSensitive: false, strict: false })
    const found = many.filter(each => isListed(`/${each}/y`) || isListed(`/x/y.${each}`))
    assert.deepEqual(found, many)
    assert.equal(isListed('/n100/y') || isListed('/x/y.n100'), false)
  }
})

test('what alternatives spell is judged as what anybody spells', () => {
  for (const [each, path] of [
    ['/{,a}/b', '//b'],
    ['/{.,a}/b', '/./b'],
    ['/a/{..,b}', '/a/..'],
    ['/a/{.,b}*', '/a/..'],
    ['/a/{.,b}/**', '/a/./c'],
  ] as const) {
    assert.equal(allows(path, [each]), false, `${path} in ${each}`)
  }
  assert.equal(allows('/.ab/c', ['/{.ab,b}/**']), true)
  assert.equal(allows('/.ab/.c', ['/{.ab,b}/**']), false)
})

test('a glob of many stars is left to its expression', () => {
  const isListed = compilePaths(['/*'.repeat(2000)], { caseSensitive: false, strict: false })
  assert.equal(isListed('/a/b'), false)
})

test('a glob with !(…) is asked only about paths that begin as it does', () => {
  const list = { caseSensitive: false, strict: false, work: new Work(), texts: new RequiredTexts() }
  const leaves = compilePositive('/files/event/!(private|secret)', 0, list, foldTable(false))
  assert.deepEqual(new Set(leaves.map(({ head }) => head)), new Set(['/files/event/']))
})
