import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'node:url'
import fc from 'fast-check'
import { OptionsError, pathAllowlist } from '../../../lib/index.ts'
import { judgeablePath, pathOf } from '../../../lib/match/paths/request-path.ts'
import { allows, isTaken } from '../../support/reference/judge-path.ts'
import { hiddenCases, smuggled, subtracted } from '../../support/reference/path-cases.ts'
import { isAmbiguous, targetPath } from '../../support/reference/paths.ts'

for (const [kind, targets] of Object.entries(smuggled)) {
  test(`${kind}: no list lets them pass`, () => {
    for (const target of targets) {
      for (const list of [
        ['/**'],
        ['**'],
        [/.*/],
        [/[\s\S]*/],
        ['/**', '/**/.*', '/**/*;*', '/.*/**'],
        ...(isTaken([target]) ? [[target]] : []),
      ])
        assert.equal(allows(target, list), false, `${JSON.stringify(target)} in ${list.join(' ')}`)
      assert.ok(isAmbiguous(targetPath(target)), `the reference takes ${JSON.stringify(target)}`)
    }
  })
}

for (const [patterns, passes, not] of hiddenCases) {
  test(`${patterns.join(' ')} lets through only what it spells`, () => {
    for (const target of passes) assert.equal(allows(target, patterns), true, target)
    for (const target of not) assert.equal(allows(target, patterns), false, target)
  })
}

for (const [patterns, passes, not] of subtracted) {
  test(`${patterns.join(' ')} takes away every spelling`, () => {
    for (const target of passes) assert.equal(allows(target, patterns), true, target)
    for (const target of not) {
      assert.equal(allows(target, patterns), false, target)
      if (!/[A-Z]|%41/.test(target.replace(/%[^4]./g, '')))
        assert.equal(
          allows(target, patterns, { caseSensitive: true, strict: false }),
          false,
          `${target}, case-sensitive`,
        )
    }
  })
}

test('caseSensitive and strict make two paths of what was one', () => {
  const how = (caseSensitive: boolean, strict: boolean) => ({ caseSensitive, strict })
  assert.equal(allows('/USERS/', ['/users'], how(false, false)), true)
  assert.equal(allows('/users', ['/USERS/'], how(false, false)), true)
  assert.equal(allows('/Users', ['/users'], how(true, false)), false)
  assert.equal(allows('/users/', ['/users'], how(true, false)), true)
  assert.equal(allows('/users/', ['/users'], how(false, true)), false)
  assert.equal(allows('/users', ['/users/'], how(false, true)), false)
  assert.equal(allows('/Users/', ['/users/'], how(false, true)), true)
  assert.equal(allows('/', ['/'], how(true, true)), true)
  assert.equal(allows('/ADMIN', ['/**', '!/admin'], how(true, false)), true)
  assert.equal(allows('/admin/', ['/**', '!/admin'], how(false, true)), true)
})

test('usable patterns are not refused', () => {
  for (const [glob, path] of [
    ['/users/+([0-9])', '/users/42'],
    ['/*([a-z]).js', '/app.js'],
    ['/api/v[12]/**', '/api/v2/x'],
    ['/{en,de}/**', '/de/x'],
    ['/static/**/*.{js,css,map}', '/static/a/b.css'],
    ['/@user', '/@user'],
    ['/~home', '/~home'],
    ['/a+b', '/a+b'],
    ['/$metadata', '/$metadata'],
    ['/x:y', '/x:y'],
    ['/file.tar.gz', '/file.tar.gz'],
    ['/{1..3}', '/2'],
  ] as const) {
    pathAllowlist([glob])
    assert.equal(allows(path, [glob]), true, glob)
  }
})

test('the case of what is beyond ASCII does not bring back what ! took away', () => {
  for (const path of ['/b%C3%9CRO', '/b%C3%BCro', '/B%c3%9cro/'])
    for (const glob of ['!/b\u00fcro', '!/B\u00dcRO'])
      assert.equal(allows(path, ['/**', glob]), false, `${path} ${glob}`)
})

test('the query is not the path, nor are scheme and authority', () => {
  for (const target of [
    '/a',
    '/a?',
    '/a?b=/c',
    '/a?/../x',
    '/a?%00#',
    'http://h/a',
    'HTTPS://h:443/a?b',
    'http://u:p@[::1]:80/a',
  ])
    assert.equal(allows(target, ['/a']), true, target)
  for (const target of ['http://h', 'http://h?x', 'http://h/'])
    assert.equal(allows(target, ['/']), true, target)
  for (const target of ['/b?/a', '/?a', 'http://a/b', 'http://h/b?/a', '*', 'a', 'h:80/a', '/http://h/a'])
    assert.equal(allows(target, ['/a']), false, target)
})

test('of an absolute target the same path is judged that Express, and any URL parser, reads', () => {
  const unit = fc.constantFrom(
    ...["'", ';', ',', '(', '@', ':', '[', ']', '%', '-', '.', '_', '~', '/', '?', '&', '=', '!', '$', '*'],
    'a',
    '1',
    'admin',
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), fc.constantFrom('/ok', '', '/ok/x?y'), (units, end) => {
      const target = `http://h${units.join('')}${end}`
      const path = judgeablePath(pathOf(target))
      if (path === undefined) return
      let read: (string | null)[]
      try {
        read = [parse(target).pathname, new URL(target).pathname]
      } catch {
        // What has no reading at all reaches no route.
        return
      }
      for (const each of read) assert.equal(decodeURIComponent(each ?? '/'), decodeURIComponent(path), target)
    }),
    { numRuns: 3000 },
  )
})

const refused: readonly unknown[] = [
  ...[
    '',
    '!',
    '!!',
    'a',
    'users/**',
    '*',
    '*.js',
    './a',
    '../a',
    '!a',
    '{a,b}',
    '{a/b,c}',
    '(a|b)',
    '@(a)/b',
    '+(a)',
    ' /a',
    '/a//b',
    '/a/../b',
    '/..',
    '/%2e',
    '/%zz',
    '/a#b',
    '/users/:id',
    '/:user/*',
    '/<int:id>/',
    '/users/{id}',
    '/{:id}',
    '/a//*',
    '/a/*/../b',
    '/a/%2e%2e/*',
    '/a/..;/b',
    '/(a|b)+',
  ],
  ...[null, undefined, 42, true, {}, [], ['/a'], Symbol('/a'), () => '/a', { source: '/a' }],
]

for (const bad of refused) {
  test(`the pattern ${typeof bad === 'string' ? JSON.stringify(bad) : String(bad)} is refused, and named`, () => {
    assert.throws(
      () => pathAllowlist(['/ok', bad as string]),
      (error: unknown) => {
        assert.ok(error instanceof OptionsError, `${error}`)
        assert.deepEqual([error.code, error.option, error.value], ['DROP444_INVALID_ENTRY', 'patterns', bad])
        return true
      },
    )
  })
}

test('a list that lets nothing pass is refused', () => {
  for (const list of [[], ['!/a'], ['!/a', '!!!/b'], new Set(), '/a', undefined, null, 42, {}, /a/])
    assert.throws(() => pathAllowlist(list as never), OptionsError, String(list))
  for (const list of [
    ['/a'],
    ['!/a', '/b'],
    ['!!/a'],
    ['**'],
    ['{/a,/b}'],
    ['(/a|/b)'],
    [/a/],
    new Set(['/a']).values(),
  ])
    pathAllowlist(list)
})
