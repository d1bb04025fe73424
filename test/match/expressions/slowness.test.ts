import assert from 'node:assert/strict'
import { test } from 'node:test'
import micromatch from 'micromatch'
import { slownessOf } from '../../../lib/match/expressions/slowness.ts'

const exponential = [
  ...[
    /^(a+)+$/,
    /(a*)*b/,
    /^(a|a)+$/,
    /^(\w|\d)+x$/,
    /^(?:[a-z]+;?)+$/,
    /^(a+){2,}$/,
    /^(\w+\s?)*$/,
    /^((a)+)+$/m,
  ],
  ...[
    /^(([a-z])+.)+[A-Z]([a-z])+$/,
    /^(?:ab|a|b)+$/,
    /^(a+b?)+c$/,
    /^(?:a|ab|b)*!/,
    /^(?:.+)+x$/s,
    /\b(\w+)+!/,
  ],
]
const polynomial = [
  ...[
    /\d+$/,
    /\d+x/,
    /.*\.php$/,
    /^\/(.*)x(.*)y$/,
    /^(?:\/([^/]+?))?(?:([^/]+?))?\/?$/,
    /^a+a+$/,
    /(?<!x)\d+y/,
  ],
  ...[/^(.*?,){11}P/, /[a-z]+\.example\.com$/, /^\/[^/]+-[^/]+$/, /^\/\w+\d+$/, /^(?:.*)(?:.*)!$/, /[^;]*;$/],
]
const quick = [
  ...[
    /^\/users\/\d+$/,
    /^(?:\/[^/]+)*$/,
    /^([a-z]+,)*[a-z]+$/,
    /foo\d+bar/,
    /^.*\.php$/,
    /^\/.*\/.*$/,
    /(a+)+/,
  ],
  ...[/^(?:\/([^/]+?))-(?:((?:(?!\/|-).)+?))\/?$/, /^(?:\/([^/]+?))\/?$/, /\bbot\b/, /bot|crawl|spider/i],
  ...[
    /^(www\.)?example\.(com|org)$/,
    /^(ab)+$/,
    /^(?=a+)a+$/,
    /^(?:\/\w+)+\/?$/,
    /^\w+@\w+$/,
    /^[\w.-]+@[\w-]+\.\w+$/,
  ],
]

for (const [slowness, all] of Object.entries({ exponential, polynomial, quick })) {
  for (const expression of all) {
    test(`${expression} is ${slowness}`, () => {
      assert.equal(slownessOf(expression) ?? 'quick', slowness)
    })
  }
}

/** No flag of a literal in the oldest JavaScript that is compiled to. */
const setNotation = String('v')

test('what is too large to be judged, or no regular language, gives no verdict and takes no time', () => {
  for (const expression of [
    /(?:a{1,300}b{1,300}){1,30}c/,
    new RegExp('[\\p{L}--[a-z]]+', setNotation),
    /(a+)\1+/,
    new RegExp('a?'.repeat(3000)),
  ])
    assert.equal(slownessOf(expression), undefined, `${expression}`.slice(0, 80))
})

test("the package's own expressions of globs are never warned of", () => {
  assert.equal(slownessOf(micromatch.makeRe('/users/*/orders') as RegExp), undefined)
})
