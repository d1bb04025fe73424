import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import micromatch from 'micromatch'
import { judgeablePath, pathOf } from '../../../lib/match/paths/request-path.ts'
import { allows, isTaken } from '../../support/reference/judge-path.ts'
import { isAmbiguous, referenceAllows, targetPath } from '../../support/reference/paths.ts'
import { runs } from '../../support/runs.ts'

const options = fc.record({ caseSensitive: fc.boolean(), strict: fc.boolean() })

const literals = [
  'a',
  'b',
  'ab',
  'A',
  'x.js',
  '.a',
  '.',
  '-',
  '0',
  '%20',
  '%61',
  '%41',
  '%C3%A9',
  '%c3%a9',
  'é',
]
const globParts = [
  '*',
  '**',
  '?',
  '[ab]',
  '[^a]',
  '[a-c]',
  '{a,b}',
  '{a,b*}',
  '@(a|b)',
  '?(a)',
  '+(a)',
  '*(b)',
  '!(a)',
  '!(a|b*)',
  '[!b]',
  '[é-ë]',
  '[!aé]',
  '{1..12}',
  '[[:alpha:]]',
  '(a|b)',
  '(a)',
  '{a/**,b}',
  '.*',
]

const part = (units: readonly string[]) =>
  fc.array(fc.constantFrom(...units), { minLength: 1, maxLength: 3 }).map(units => units.join(''))

const segment = fc.oneof(
  part(literals),
  part([...literals, ...globParts]),
  fc.constantFrom('**', '*', ';', 'a;b', '%2f', 'a%2Fb', '%5c'),
)

const glob = fc
  .tuple(
    fc.constantFrom('', '', '', '!', '!!'),
    fc.array(segment, { maxLength: 4 }),
    fc.constantFrom('', '', '/'),
  )
  .map(([bangs, segments, end]) => `${bangs}/${segments.join('/')}${segments.length > 0 ? end : ''}`)

const pathUnits = [
  ...literals.filter(unit => unit !== 'é'),
  '\xc3\xa9',
  'c',
  '..',
  ';',
  '%2f',
  '%5C',
  '%3b',
  '~',
  '%2a',
]

const path = fc
  .tuple(fc.array(part(pathUnits), { maxLength: 4 }), fc.constantFrom('', '', '', '/', '?a=/b'))
  .map(([segments, end]) => `/${segments.join('/')}${end}`)

const wildcard = /\*\*|[@?+*!]\([^)]*\)|\*|\?|\[[^\]]*\]|\{[^}]*\}/g

const fillers = [
  '',
  'a',
  'b',
  'ab',
  'c',
  '/a',
  '.a',
  ';',
  ';a',
  '%2fa',
  '%5c',
  '%61',
  '%3b',
  '%e2%80%a8',
  '%C3%a9',
  'a/b',
  '\xc3\xa9',
]

const encodeLetter = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`

const likeness = fc.record({
  from: fc.nat(),
  fill: fc.array(fc.constantFrom(...fillers), { minLength: 8, maxLength: 8 }),
  encoded: fc.constantFrom(/(?!)/, /(?!)/, /(?<!%)[a-b]/, /(?<!%)[a-b]/gi),
  end: fc.constantFrom('', '', '', '/', '/a', '/.a', ';a', '?b'),
})

type Likeness = typeof likeness extends fc.Arbitrary<infer T> ? T : never

/** A path that one of the globs all but spells: random ones alone would seldom match a thing. */
function pathLike(globs: readonly string[], { from, fill, encoded, end }: Likeness): string {
  const left = [...fill]
  const glob = globs[from % globs.length] as string
  const filled = glob.replace(/^!+/, '').replace(wildcard, () => left.pop() ?? 'a')
  const bytes = Buffer.from(filled.replaceAll('\xc3\xa9', 'é')).toString('latin1')
  return bytes.replace(encoded, encodeLetter) + end
}

const listAndPaths = fc
  .record({
    globs: fc.array(glob, { minLength: 1, maxLength: 4 }),
    paths: fc.array(path, { maxLength: 4 }),
    alike: fc.array(likeness, { maxLength: 6 }),
  })
  .map(({ globs, paths, alike }) => ({
    globs,
    paths: [...paths, ...alike.map(each => pathLike(globs, each))],
  }))

test('a list of globs is what the reference says, and nothing is smuggled past it', () => {
  fc.assert(
    fc.property(listAndPaths, options, ({ globs, paths }, how) => {
      fc.pre(isTaken(globs))
      for (const each of paths)
        assert.equal(
          allows(each, globs, how),
          referenceAllows(each, globs, how),
          `${each} in ${globs.join(' ')}`,
        )
    }),
    { numRuns: runs(400) },
  )
})

const plainPath = fc
  .array(part(['a', 'b', 'ab', 'A', 'x.js', '-', '0']), { maxLength: 4 })
  .map(segments => `/${segments.join('/')}`)

/** What micromatch reads as a shell does. */
const common = fc
  .tuple(
    fc.constantFrom('', '', '!', '!!'),
    fc.array(
      part([
        'a',
        'b',
        'A',
        'x.js',
        '-',
        '0',
        'a*',
        'b?',
        '-[ab]',
        '{a,b}',
        '@(a|b)',
        'x[a-c]',
        '.a',
        '+(a)b',
      ]),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    fc.constantFrom('', '', '/*', '/**', '/**/*.js', '/**/b', '/*.*', '/*b'),
  )
  .map(([bangs, segments, end]) => `${bangs}/${segments.join('/')}${end}`)

test('of plain paths, the same ones as micromatch(paths, list) keeps, in one call', () => {
  fc.assert(
    fc.property(
      fc.array(common, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(plainPath, { minLength: 1, maxLength: 8 }),
      fc.array(likeness, { maxLength: 6 }),
      fc.boolean(),
      (globs, paths, alike, caseSensitive) => {
        // It has `/a*/**` begin a segment later than `/a/**`.
        fc.pre(isTaken(globs) && !globs.some(each => /[*?\])}][^/]*\/\*\*$/.test(each)))
        const plain = alike
          .map(each => pathLike(globs, each))
          .filter(each => /^(?:\/[\w-][\w.-]*)+$/.test(each))
        const all = [...new Set([...paths, ...plain])]
        const settings = { nocase: !caseSensitive, windows: false } as micromatch.Options
        const kept = micromatch(all, globs, settings)
        const ours = all.filter(each => allows(each, globs, { caseSensitive, strict: true }))
        assert.deepEqual(ours.toSorted(), [...kept].sort(), globs.join(' '))
      },
    ),
    { numRuns: runs(200) },
  )
})

const targetUnits = [
  ...[
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '\\',
    '//',
    '%00',
    '\0',
    '%c3%a9',
    '%c0%af',
    '\xe9',
    '\xc3\xa9',
    '%',
    '%2',
    '%25',
  ],
  ...[
    '41',
    '%25',
    '%32',
    '%65',
    ';',
    '..;',
    '%3b',
    '#',
    '?',
    ' ',
    'a',
    '2e',
    '%2f',
    '%5c',
    '%7f',
    '\x7f',
    '%e2%80%a8',
    '%20',
  ],
]

test('what is ambiguous is what the rules, one by one, call ambiguous', () => {
  const target = fc
    .array(fc.constantFrom(...targetUnits), { maxLength: 10 })
    .map(units => `/${units.join('')}`)
  fc.assert(
    fc.property(target, each => {
      const judged = judgeablePath(pathOf(each))
      assert.equal(judged === undefined, isAmbiguous(targetPath(each)), JSON.stringify(each))
      if (judged !== undefined) assert.match(judged, /^\/[!-~]*$/)
    }),
    { numRuns: runs(500) },
  )
})

test('any target and any glob give a verdict, never an exception', () => {
  const anything = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), path)
  fc.assert(
    fc.property(anything, options, (target, how) => {
      assert.equal(typeof allows(target, ['/**', '!/a', /a/], how), 'boolean')
    }),
    { numRuns: 1000 },
  )
})
