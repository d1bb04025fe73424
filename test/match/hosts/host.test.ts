import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { absoluteTarget, isHttpScheme, parseHost } from '../../../lib/match/hosts/host.ts'
import { cpuTime } from '../../support/cpu-time.ts'

const taken: readonly [text: string, name: string, isAddress?: boolean][] = [
  ['example.com', 'example.com'],
  ['EXAMPLE.com', 'example.com'],
  ['example.com:80', 'example.com'],
  ['example.com:', 'example.com'],
  ['example.com:65535', 'example.com'],
  ['example.com.', 'example.com'],
  ['example.com.:8080', 'example.com'],
  ['localhost', 'localhost'],
  ['my_host', 'my_host'],
  ['_', '_'],
  ['a', 'a'],
  ['a-.b', 'a-.b'],
  ['1.example', '1.example'],
  ['0x7f.example', '0x7f.example'],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1:80', '192.0.2.1', true],
  ['192.0.2.1.', '192.0.2.1', true],
  ['127.1', '127.1', true],
  ['2130706433', '2130706433', true],
  ['0x7f000001', '0x7f000001', true],
  ['0X7F.1', '0x7f.1', true],
  ['017700000001', '017700000001', true],
  ['example.0x', 'example.0x', true],
  ['[::1]', '[::1]', true],
  ['[2001:DB8::1]:443', '[2001:db8::1]', true],
  ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]', true],
]

const longest = `${'a.'.repeat(126)}a`

test('a name is as long as DNS has it, whatever stands behind it', () => {
  for (const name of [longest, longest.toUpperCase(), '1'.repeat(252).concat('a')]) {
    for (const behind of ['', '.', ':80', '.:65535'])
      assert.equal(parseHost(name + behind)?.name, name.toLowerCase(), `${name.length} ${behind}`)
    for (const behind of ['', '.', ':80', '.:65535', ':'])
      assert.equal(parseHost(`a${name}${behind}`), undefined, `${name.length + 1} ${behind}`)
  }
  assert.equal(parseHost('a'.repeat(16_000)), undefined)
})

for (const [text, name, isAddress = false] of taken) {
  test(`${text} is the host ${name}`, () => {
    assert.deepEqual(parseHost(text), { name, isAddress })
  })
}

const refused = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '-',
    ':',
    ':80',
    '*',
    '@',
    'a b',
    ' a',
    'a ',
    'a\t',
    'a\0',
    'a\n',
    'a\r\nb',
    '.a',
    '-a',
    'a..b',
    'a..',
  ],
  ...[
    'a:b',
    'a:-1',
    'a:+1',
    'a:65536',
    'a:99999',
    'a:000080',
    'a:80:80',
    'a:8 0',
    'a, b',
    'a,b',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
  ],
  ...[
    'user@a',
    'http://a',
    '%61',
    'a%2eb',
    'é',
    'a\xe9',
    'bücher.example',
    'a*',
    '*.a',
    '~a',
    '"a"',
    '<a>',
    "a'",
  ],
  ...[
    '[',
    ']',
    '[]',
    '[::1',
    '::1',
    '1:2:3:4:5:6:7:8',
    '[::1]]',
    '[[::1]]',
    '[::1]a',
    '[::1].',
    '[::1]:x',
    '[::1]:65536',
    '[1]',
  ],
  ...['[192.0.2.1]', '[::1%eth0]', '[fe80::1%25eth0]', '[v1.x]', '[:::]', '[::g]', 'a[::1]', '[::1][::1]'],
]

for (const text of refused) {
  test(`${JSON.stringify(text)} is no host`, () => {
    assert.equal(parseHost(text), undefined)
  })
}

const soup = fc.string({ unit: fc.constantFrom(...'019afx.-_'), minLength: 1, maxLength: 12 })

test('what is called an address is what a URL parser takes for one, or refuses', () => {
  fc.assert(
    fc.property(soup, text => {
      const host = parseHost(text)
      if (!host || host.name.includes('xn--')) return
      const url = URL.canParse(`http://${host.name}/`) ? new URL(`http://${host.name}/`) : undefined
      const isAddress = url === undefined || isIP(url.hostname) === 4
      assert.equal(host.isAddress, isAddress, `${host.name} ${url?.hostname}`)
    }),
    { numRuns: 3000 },
  )
})

test('case, port and one trailing dot make no difference', () => {
  fc.assert(
    fc.property(soup, fc.nat(65_535), (text, port) => {
      const host = parseHost(text)
      if (!host) return
      assert.doesNotMatch(host.name, /\.$|[A-Z]/)
      for (const same of [text.toUpperCase(), `${text}:${port}`, `${text}:`])
        assert.deepEqual(parseHost(same), host, same)
      if (!text.endsWith('.')) assert.deepEqual(parseHost(`${text}.`), host)
      assert.deepEqual(parseHost(host.name), host)
    }),
    { numRuns: 1000 },
  )
})

test('any string is a host or none, never an exception', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), text => {
      const host = parseHost(text)
      if (host) assert.match(text.toLowerCase(), /^[\w.-]+(:\d*)?$|^\[[\da-f:.]+\](:\d*)?$/)
    }),
    { numRuns: 1000 },
  )
})

const targets: readonly [target: string, authority: string | undefined][] = [
  ['/', undefined],
  ['/http://a/', undefined],
  ['//a/', undefined],
  ['*', undefined],
  ['a.example:443', undefined],
  ['', undefined],
  ['http://a.example', 'a.example'],
  ['http://a.example/', 'a.example'],
  ['HTTPS://A.example:443/x?y', 'A.example:443'],
  ['http://a.example?x', 'a.example'],
  ['http://a.example#x', 'a.example'],
  ['http://[::1]:80/x', '[::1]:80'],
  ['http://user@a.example/', 'user@a.example'],
  ['http:///x', ''],
  ['ftp+x.y-z://a/', 'a'],
  ['http:/a/', undefined],
  ['1http://a/', undefined],
]

for (const [target, authority] of targets) {
  test(`the authority of ${JSON.stringify(target)} is ${authority}`, () => {
    assert.equal(absoluteTarget(target)?.authority, authority)
  })
}

test('the scheme of a target, and whether it is HTTP', () => {
  const schemes = { http: true, HTTPS: true, hTTp: true, ws: false, wss: false, ftp: false, httpx: false }
  for (const [scheme, isHttp] of Object.entries(schemes)) {
    assert.equal(absoluteTarget(`${scheme}://a/`)?.scheme, scheme)
    assert.equal(isHttpScheme(scheme), isHttp, scheme)
  }
})

test('a long Host takes no time', () => {
  for (const unit of ['a', 'a.', 'a-', '-', '.', '[', ':', '1', '0x', '_.']) {
    const text = unit.repeat(16_384 / unit.length)
    const ms = cpuTime(() => {
      parseHost(text)
      parseHost(`${text}!`)
      absoluteTarget(`http://${text}`)
    })
    assert.ok(ms < 100, unit)
  }
})

test('a plain name is read as it is with a port', () => {
  const unit = fc.constantFrom(...'abxz09_-.')
  fc.assert(
    fc.property(fc.string({ unit, minLength: 1, maxLength: 8 }), text => {
      assert.deepEqual(parseHost(text), parseHost(`${text}:80`))
      assert.deepEqual(parseHost(text.toUpperCase()), parseHost(text))
    }),
    { numRuns: 2000 },
  )
})
