import assert from 'node:assert/strict'
import { test } from 'node:test'
import vm from 'node:vm'
import { browserPaths, OptionsError, pathAllowlist } from '../../../lib/index.ts'
import { pathOf } from '../../../lib/match/paths/request-path.ts'
import { cpuTime } from '../../support/cpu-time.ts'
import { allows } from '../../support/reference/judge-path.ts'

/** Globs that a backtracking matcher spends its life on; the first ones somebody may well write. */
const globs = [
  ...[
    '/**',
    '/*',
    '/a/**/b',
    '/**/*.js',
    '/**/*a*b',
    '/**/*-*.js',
    '/users/*/orders/*/items/**',
    '/{a,b,c}/*.{js,css,png}',
  ],
  ...[
    '/*-*-*-*-*/x',
    '/assets/*.*.*.js',
    '/*a*a*b',
    '/**/a/**/a/**/b',
    '/a/**/a/**/a/**/z',
    '/**/*a/**/b',
    '/*;*;*;*!',
  ],
  ...[
    '/+(a)',
    '/+(a|aa)',
    '/+(a|b)',
    '/+(a*)b',
    '/*(*a)b',
    '/+(a/**)b',
    '/+([a-z]|a)B',
    '/@(a*|*a)*(a*)x',
    '/!(*a*)b',
    '/(a|aa)+',
    '/{a,aa}+x',
    '/(a+)+b',
    '/([a-z0-9]+)+.html',
    '/[a-z-]+-[a-z-]+-[a-z-]+-[0-9]+.html',
    '/*(a)*(aa)*(a)b',
    '/+(a)+(a)+(a)+(a)b',
    '/[a]+[a]+[a]+[a]+[a]+b',
    '/users/+([0-9])',
    '/?(a)?(a)*b',
  ],
  ...[
    '/*a?*a?*a?*!',
    '/*{a,b}*{a,b}*{a,b}*!',
    '/*[0-9]*[0-9]*[0-9]*x',
    '/{*a,*b}*c*d!',
    '/**/*a*b/**/c',
    '/a**b**c!',
    '/*(a|b|ab)c',
    '/**;*',
    '/*%2f*%2f*!',
    '/**/.*/**/!',
  ],
]

const units = [
  'a',
  '/a',
  '-',
  '.',
  '.a',
  '-a',
  '/users/orders',
  '0',
  '%61',
  ';',
  '/;',
  '%2f',
  '/.a',
  '%C3%A9',
  '?',
  '\xc3\xa9',
  'http://',
]

const SIZE = 16_384

/** Milliseconds of CPU: one, and room for a first time, a slow machine and the collector. */
const LIMIT = 150

/** Milliseconds of CPU that a judgement takes; more than ten seconds are an error. */
const timeOf = (judge: () => unknown): number =>
  cpuTime(() => vm.runInNewContext('judge()', { judge }, { timeout: 10_000 }))

for (const glob of globs) {
  test(`${glob} is refused, or takes no time with any path up to 16 kB`, () => {
    try {
      pathAllowlist([glob])
    } catch (error) {
      assert.ok(error instanceof OptionsError)
      return
    }
    for (const list of [[glob], ['/**', `!${glob}`]]) {
      for (const unit of units) {
        for (const end of ['', '!', '/']) {
          const path = `/${unit.repeat(SIZE).slice(unit.startsWith('/') ? 1 : 0, SIZE - 2)}${end}`
          // Once to compile, which the first path always does.
          allows('/', list)
          const time = timeOf(() => allows(path, list))
          assert.ok(time < LIMIT, `${list.join(' ')} × ${unit}…${end}: ${time.toFixed()} ms`)
        }
      }
    }
  })
}

test('no target is long in being cut and read', () => {
  const list = [...browserPaths, '/']
  for (const unit of [
    ...units,
    '/.',
    '%',
    '%2',
    '%25',
    '..;',
    '//',
    '\\',
    '#',
    '%00',
    'http://a',
    ':',
    '@',
    '[',
  ]) {
    for (const start of ['/', '', 'http://', 'a']) {
      const target = start + unit.repeat(SIZE / unit.length)
      const time = timeOf(() => [pathOf(target), allows(target, list)])
      assert.ok(time < LIMIT, `${start}${unit}…: ${time.toFixed()} ms`)
    }
  }
})

/** Many wildcards share out a path among them: what bounds the time is how long a path may be. */
for (const glob of [
  '/**/a/**/a/**/b',
  '/**/a/**/a/**/a/**/b',
  '/*{a,b}*{a,b}*{a,b}*!',
  '/*{a,b}*{a,b}*{a,b}*{a,b}*{a,b}*!',
]) {
  test(`${glob} takes no time with any path of any length`, () => {
    for (const list of [[glob], ['/**', `!${glob}`]]) {
      allows('/', list)
      for (const length of [30, 62, 126, 254, 510, 1022, 4094]) {
        for (const unit of ['a', 'a/', 'ab']) {
          const path = `/${unit.repeat(length).slice(0, length)}`
          const time = timeOf(() => allows(path, list))
          assert.ok(time < LIMIT, `${list.join(' ')} × ${unit} of ${length}: ${time.toFixed()} ms`)
        }
      }
    }
  })
}

test('past the length that such a glob is asked about, it lets nothing pass and takes everything away', () => {
  const many = '/**/a/**/a/**/b'
  const long = `/${'x/'.repeat(300)}b`
  assert.equal(allows('/x/a/x/a/x/b', [many]), true)
  assert.equal(allows(long, [many]), false)
  assert.equal(allows(long, ['/**']), true)
  assert.equal(allows(long, ['/**', `!${many}`]), false)
})
