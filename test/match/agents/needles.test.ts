import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { literalOf, needlesOf } from '../../../lib/match/agents/needles.ts'

const table: readonly [expression: RegExp, needles: readonly string[] | undefined][] = [
  [/Googlebot\//, ['googlebot/']],
  [/^curl/, ['curl']],
  [/[wW]get/, ['wget']],
  [/(sistrix|SISTRIX) [cC]rawler/, ['sistrix crawler']],
  [/Ahrefs(Bot|SiteAudit)/, ['ahrefsbot', 'ahrefssiteaudit']],
  [/AdsBot-Google([^-]|$)/, ['adsbot-google']],
  [/Current[\s\S]*RSS Reader/, ['rss reader']],
  [/(?<!\w)Disco(?!\w)/i, ['disco']],
  [/x(?:a|b)?y/, ['xay', 'xby', 'xy']],
  [/abc+d/, ['ab']],
  [/ab{2}c/, ['a']],
  [/ab{0,2}cd/, ['cd']],
  [/abc*?d/, ['ab']],
  [/a(?=b)b/, ['ab']],
  [/a\bb\Bc/, ['abc']],
  [/a\xbbcd/, ['cd']],
  [/a\u00bbcd/, ['cd']],
  [/a\cBcd/, ['cd']],
  [/(a)\1zz/, ['zz']],
  [/[\]a]bc/, ['bc']],
  [/éclair/i, ['clair']],
  [/foo|[0-9]+/, undefined],
  [/(?:foo)?/, undefined],
  [/^$|^-$/, undefined],
  [/.*/, undefined],
  [/é/, undefined],
  [/ßéa/, ['a']],
  [/sun/iu, undefined],
  [/(?<n>a)\k<n>bcd/, undefined],
  [new RegExp(`${'('.repeat(200)}a${')'.repeat(200)}`), undefined],
]

for (const [expression, needles] of table) {
  test(`${String(expression).slice(0, 40)} holds ${needles?.join(' or ') ?? 'nothing for sure'}`, () => {
    assert.deepEqual(needlesOf(expression), needles)
  })
}

test('a literal is what the source stands for, without flags and in ASCII', () => {
  assert.equal(literalOf(/Googlebot\/2\.1/), 'Googlebot/2.1')
  assert.equal(literalOf(/a\\b/), 'a\\b')
  for (const expression of [/a.b/, /a\d/, /^a/, /a|b/, /a?/, /[a]/, /a/i, /é/, /(a)/, /a{2}/, /\ba/])
    assert.equal(literalOf(expression), undefined, String(expression))
})

const piece = fc.constantFrom(
  ...[
    'a',
    'B',
    'ab',
    'b-',
    '\\.',
    '\\/',
    '.',
    '\\d',
    '\\w',
    '\\x41',
    '\\u0062',
    '\\x62',
    'é',
    '[aB]',
    '[^a]',
  ],
  ...['[a-b]', '[\\s\\S]', '^', '$', '\\b', '\\B', '(?=a)', '(?!b)', '(?<=a)', '(?<!\\w)', '{', 'a{,1}', '1'],
)
const quantifier = fc.constantFrom('', '', '', '', '?', '*', '+', '{2}', '{0}', '{0,1}', '{1,}', '??', '*?')
const { source } = fc.letrec<{ source: string; sequence: string; term: string }>(tie => ({
  source: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map(all => all.join('|')),
  sequence: fc.array(tie('term'), { maxLength: 4 }).map(all => all.join('')),
  term: fc
    .tuple(
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        piece,
        piece,
        fc
          .tuple(fc.constantFrom('(', '(?:', '(?=', '(?!', '(?<n>'), tie('source'))
          .map(([open, inner]) => `${open}${inner})`),
      ),
      quantifier,
    )
    .map(([inner, times]) => inner + times),
}))

/** Or undefined: not everything that can be written down is one. */
function expressionOf(text: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(text, flags)
  } catch {
    return undefined
  }
}

test('whatever an expression matches holds one of its needles', () => {
  const flags = fc.constantFrom('', '', 'i', 'm', 's', 'iu')
  const text = fc.string({ unit: fc.constantFrom(...'aaAbbB1-./é{, '), maxLength: 16 })
  let checked = 0
  fc.assert(
    fc.property(source, flags, fc.array(text, { minLength: 10, maxLength: 10 }), (written, chosen, texts) => {
      const expression = expressionOf(written, chosen)
      const needles = expression && needlesOf(expression)
      if (!needles) return
      for (const each of texts.filter(some => expression.test(some))) {
        checked++
        assert.ok(
          needles.some(needle => each.toLowerCase().includes(needle)),
          `${expression} matches ${JSON.stringify(each)}, which holds none of ${JSON.stringify(needles)}`,
        )
      }
      const literal = literalOf(expression)
      if (literal !== undefined) assert.equal(expression.exec(literal)?.[0], literal)
    }),
    { numRuns: 20_000 },
  )
  assert.ok(checked > 500, `${checked} matches`)
})
