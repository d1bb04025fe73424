import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { noHost, OptionsError } from '../../../lib/index.ts'
import { parseHost } from '../../../lib/match/hosts/host.ts'
import { asksForCapitals } from '../../../lib/match/hosts/host-expression.ts'
import { compileServerNames, type ServerNames } from '../../../lib/match/hosts/server-names.ts'
import { nginxServerName } from '../../support/reference/server-names.ts'

function compile(...names: (string | RegExp)[]): ServerNames {
  const compiled = compileServerNames(names)
  assert.ok(typeof compiled === 'function', JSON.stringify(compiled))
  return compiled
}

const label = fc.constantFrom('a', 'b', 'www', 'example', 'com', 'mail')
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'))
const name = fc.oneof(
  host,
  host.map(text => text.toUpperCase()),
  host.map(text => `*.${text}`),
  host.map(text => `.${text}`),
  host.map(text => `${text}.*`),
  fc.constantFrom(/^www\d*\./, /mail$/g, /b\.b/y, /^a\.(?<rest>.+)$/),
)

// First, as it is said once a process.
test('of a RegExp that matches some hosts, and has capitals that match none, there is one warning', async () => {
  const said: string[] = []
  const listen = (warning: Error & { code?: string }) => {
    if (warning.code === 'DROP444_CAPITALS') said.push(warning.message)
  }
  process.on('warning', listen)
  const silent = [
    /^[A-Za-z]+\.a$/,
    /^[^A-Z]+$/,
    /^\S+\.\D$/,
    /^\W?\w/,
    /^(?<Name>www)\./,
    /^\p{L}+/u,
    /^(www|API)\.x$/i,
  ]
  noHost({ serverNames: silent })
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(said.length, 0)
  for (const name of [/^(www|API)\.x$/, /^(?:WWW\.)?a$/, /^(?!ADMIN)a/, /^\b(?:a|WWW)/]) {
    assert.ok(asksForCapitals(name), String(name))
    noHost({ serverNames: [name] })
  }
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', listen)
  assert.equal(said.length, 1)
  assert.match(said.join(), /API.*flag i/)
})

test('a host is served where nginx finds a server for it', () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), fc.array(host, { minLength: 1 }), (names, hosts) => {
      const isServed = compile(...names)
      for (const each of hosts)
        assert.equal(
          isServed(each),
          nginxServerName(names, each) !== undefined,
          `${each} in ${names.join(' ')}`,
        )
    }),
    { numRuns: 2000 },
  )
})

const table: readonly [name: string | RegExp, served: readonly string[], not: readonly string[]][] = [
  ['example.com', ['example.com'], ['www.example.com', 'example.com.evil', 'xexample.com', 'example', 'com']],
  ['EXAMPLE.Com', ['example.com'], ['example.org']],
  [
    '*.example.com',
    ['a.example.com', 'a.b.example.com'],
    ['example.com', 'xexample.com', 'a.example.com.evil'],
  ],
  ['.example.com', ['example.com', 'a.b.example.com'], ['xexample.com', 'com', 'example.com.evil']],
  ['mail.*', ['mail.a', 'mail.a.b'], ['mail', 'mailx.a', 'a.mail.b']],
  [
    'www.example.*',
    ['www.example.com', 'www.example.co.uk'],
    ['www.example', 'example.com', 'a.www.example.com'],
  ],
  ['bücher.example', ['xn--bcher-kva.example'], ['bucher.example', 'bücher.example']],
  ['192.0.2.1', ['192.0.2.1'], ['192.0.2.10', '1.192.0.2.1']],
  ['[2001:DB8::1]', ['[2001:db8::1]'], ['[2001:db8::10]', '2001:db8::1']],
  ['a_b', ['a_b'], ['', 'a']],
  ['localhost', ['localhost'], ['localhost.example']],
  [/^(www\.)?example\.(com|org)$/, ['www.example.org', 'example.com'], ['example.net', 'x.example.com']],
]

for (const [pattern, served, not] of table) {
  test(`${pattern} serves ${served.join(', ')}`, () => {
    const isServed = compile(pattern)
    for (const each of served) assert.equal(isServed(each), true, each)
    for (const each of not) assert.equal(isServed(each), false, each)
  })
}

test('a RegExp with g or y keeps no place, and is not touched', () => {
  for (const expression of [/example/g, /example/y, /example/gy]) {
    const isServed = compile(expression)
    for (let i = 0; i < 4; i++) assert.equal(isServed('example.com'), true)
    assert.equal(expression.lastIndex, 0)
  }
  assert.equal(compile(/example/y)('www.example.com'), false, 'y looks at the start alone')
})

const refused = [
  ...[
    '',
    ' ',
    '*',
    '**',
    '*.',
    '.',
    '..',
    '.*',
    '*.*',
    '*.*.*',
    'a*b',
    '*a.com',
    'a*.com',
    'www.*.com',
    'a.*b',
    '**.com',
  ],
  ...[
    '*.example.*',
    '.example.*',
    '..example.com',
    '*..com',
    'example.com:80',
    'example.com:',
    '*.example.com:443',
  ],
  ...[
    'http://example.com',
    '//example.com',
    'example.com/',
    'exa mple.com',
    'example..com',
    'example.com.',
    'example.com\n',
  ],
  ...[
    '~^www',
    'a@b',
    'a,b',
    'a;b',
    '[',
    '[]',
    '[::1',
    '::1',
    '[::1]:80',
    '[zz]',
    '[....]',
    '_',
    '::1',
    '[1:2]',
    'a%2eb',
    '%61',
    '\0',
    '-a',
  ],
]

for (const bad of refused) {
  test(`the server name ${JSON.stringify(bad)} is refused, and named`, () => {
    assert.throws(
      () => noHost({ serverNames: ['example.com', bad] }),
      (error: unknown) => {
        assert.ok(error instanceof OptionsError, `${error}`)
        assert.equal(error.code, 'DROP444_INVALID_ENTRY')
        assert.equal(error.option, 'serverNames')
        assert.equal(error.value, bad)
        return true
      },
    )
  })
}

for (const bad of [undefined, null, 42, {}, [], Symbol('x'), () => 'a', new URL('http://a.example')]) {
  test(`${String(bad) || '[]'} is no server name`, () => {
    assert.throws(() => noHost({ serverNames: [bad as never] }), {
      code: 'DROP444_INVALID_ENTRY',
      value: bad,
    })
  })
}

test('a name that is taken can be asked for', () => {
  const soup = fc.string({ unit: fc.constantFrom(...'abx019-_.[]:%é'), minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(soup, text => {
      const compiled = compileServerNames([text])
      if (typeof compiled !== 'function' || text.startsWith('.')) return
      const asked = parseHost(/^[\x00-\x7f]*$/.test(text) ? text : domainToASCII(text))
      assert.ok(asked && compiled(asked.name), `${text}: ${asked?.name}`)
    }),
    { numRuns: 3000 },
  )
})

test('any string is a name or a reason, never an exception', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })),
      text => {
        const compiled = compileServerNames([text])
        if (typeof compiled === 'function') compiled('example.com')
        else assert.notEqual(compiled.problem, '')
      },
    ),
    { numRuns: 1000 },
  )
})

test('a RegExp that can match no host in normal form is refused, and says why', () => {
  const refused: [RegExp, RegExp][] = [
    [/^Example\.com$/, /flag i/],
    [/^(?:WWW|Shop)\.example\.com$/, /flag i/],
    [/^[A-Z]+\.example\.com$/, /flag i/],
    [/^example\.COM$/g, /flag i/],
    [/^(?<Name>A+)\.example$/, /flag i/],
    [/^example\.com:3000$/, /without a port/],
    [/^https:\/\/example\.com$/, /slashes/],
    [/^bücher\.example$/, /xn--/],
  ]
  for (const [expression, why] of refused)
    for (const make of [() => noHost({ serverNames: ['a.example', expression] })])
      assert.throws(make, (error: OptionsError) => {
        assert.deepEqual(
          [error.code, error.option, error.value],
          ['DROP444_INVALID_ENTRY', 'serverNames', expression],
        )
        assert.match(error.message, why)
        return true
      })
})

test('a RegExp that can match one is taken, capitals or not', () => {
  const taken: [RegExp, string][] = [
    [/^Example\.com$/i, 'example.com'],
    [/^[A-Za-z]+\.example$/, 'a.example'],
    [/^(?:WWW|www)\.example$/, 'www.example'],
    [/^(?:WWW\.)?example$/, 'example'],
    [/^A*b$/, 'b'],
    [/^\w+\.\D+$/, 'a.b'],
    [/^(?!WWW)a$/, 'a'],
    [/^[^A-Z]+$/, 'a'],
    [/^\x61\u0062$/, 'ab'],
    [/^\[2001:db8::[0-9a-f]+\]$/, '[2001:db8::1]'],
    [/(?<=^A?)b/, 'b'],
    [/^(?<Name>a)\k<Name>$/, 'aa'],
    [/^\bexample\b/, 'example'],
    [/^[\p{Ll}]+$/u, 'a'],
    [/^example$/y, 'example'],
    [/^a_b-c\.0$/, 'a_b-c.0'],
    [/^Example$|^\S{3}$/, 'abc'],
  ]
  for (const [expression, host] of taken) {
    noHost({ serverNames: [expression] })
    assert.ok(compile(expression)(host), String(expression))
  }
})

test('what matches a host is never refused', () => {
  const part = fc.constantFrom(
    'a',
    'A',
    '[A-Z]',
    '[a-z]',
    '.',
    '\\.',
    ':',
    '\\d',
    '(?:A|b)',
    '(?=a)',
    '(?!A)',
    '\\w',
    'é',
  )
  const piece = fc.tuple(part, fc.constantFrom('', '?', '*', '+', '{0,2}')).map(each => each.join(''))
  const source = fc.array(piece, { minLength: 1, maxLength: 5 }).map(pieces => `^${pieces.join('')}$`)
  fc.assert(
    fc.property(source, fc.stringMatching(/^[a-z0-9.-]{1,8}$/), (text, host) => {
      const expression = new RegExp(
        text.replaceAll('(?=a)*', '').replace(/(\(\?[=!]\w\))[?*+{][^}]*}?/g, '$1'),
      )
      if (expression.test(host)) noHost({ serverNames: [expression] })
    }),
    { numRuns: 500 },
  )
})
