import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noHost } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { type Kind, kinds } from '../support/servers.ts'

const site = sites()
const request = (target: string, ...fields: string[]) =>
  `GET ${target} HTTP/1.1\r\n${fields.map(field => `${field}\r\n`).join('')}Connection: close\r\n\r\n`

describe('noHost() without server names', () => {
  const cases: [string, string][] = [
    ['Host: example.com', 'pass'],
    ['Host: EXAMPLE.com:8080', 'pass'],
    ['Host: localhost', 'pass'],
    ['Host: example.com.', 'pass'],
    ['Host: a_b.example', 'pass'],
    ['Host: example.com:', 'pass'],
    ['Host: 1.example', 'pass'],
    ['Host:', 'empty-host'],
    ['Host: 192.0.2.1', 'ip-host: 192.0.2.1'],
    ['Host: 192.0.2.1:80', 'ip-host: 192.0.2.1'],
    ['Host: 127.1', 'ip-host: 127.1'],
    ['Host: 2130706433', 'ip-host: 2130706433'],
    ['Host: 0x7f.1', 'ip-host: 0x7f.1'],
    ['Host: example.0x7f', 'ip-host: example.0x7f'],
    ['Host: [::1]', 'ip-host: [::1]'],
    ['Host: [2001:DB8::1]:443', 'ip-host: [2001:db8::1]'],
    ['Host: [::1', 'invalid-host: [::1'],
    ['Host: [g::1]', 'invalid-host: [g::1]'],
    ['Host: [::1%25eth0]', 'invalid-host: [::1%25eth0]'],
    ['Host: a b', 'invalid-host: a b'],
    ['Host: @', 'invalid-host: @'],
    ['Host: user@example.com', 'invalid-host: user@example.com'],
    ['Host: a:99999', 'invalid-host: a:99999'],
    ['Host: a:b', 'invalid-host: a:b'],
    ['Host: a/b', 'invalid-host: a/b'],
    ['Host: a..b', 'invalid-host: a..b'],
    ['Host: .', 'invalid-host: .'],
    ['Host: .a', 'invalid-host: .a'],
    ['Host: a,b', 'invalid-host: a,b'],
    ['Host: b\u00fccher.example', 'invalid-host: b\u00fccher.example'],
    ['Host: http://example.com', 'invalid-host: http://example.com'],
  ]
  for (const [field, expected] of cases) {
    test(field, async () => {
      const to = await site([noHost()])
      assert.equal(brief(await to.outcome(request('/', field))), expected)
    })
  }

  for (const kind of kinds.filter(({ server }) => server === 'http')) {
    test(`duplicate, missing: ${kind.app}`, async () => {
      const to = await site([noHost()], kind)
      const twice = request('/', 'Host: a.example', 'host: b.example')
      assert.equal(brief(await to.outcome(twice)), 'duplicate-host: a.example, b.example')
      assert.equal(brief(await to.outcome(request('/', 'Host: a', 'Host: a'))), 'duplicate-host: a, a')
      assert.equal(brief(await to.outcome('GET / HTTP/1.0\r\n\r\n')), 'no-host')
      assert.equal(brief(await to.outcome(request('/'))), 'no-host')
    })
  }
})

describe("serverNames, as nginx's server_name", () => {
  const serverNames = [
    'example.com',
    '*.wild.example',
    '.both.example',
    'mail.*',
    /^re\d+\.example$/g,
    'bücher.example',
    '10.0.0.1',
    '[2001:db8::1]',
  ]
  const cases: [string, string][] = [
    ['example.com', 'pass'],
    ['EXAMPLE.COM.:80', 'pass'],
    ['www.example.com', 'unknown-host: www.example.com'],
    ['wild.example', 'unknown-host: wild.example'],
    ['a.wild.example', 'pass'],
    ['a.b.wild.example', 'pass'],
    ['xwild.example', 'unknown-host: xwild.example'],
    ['both.example', 'pass'],
    ['a.both.example', 'pass'],
    ['mail.example', 'pass'],
    ['mail.a.b', 'pass'],
    ['mail', 'unknown-host: mail'],
    ['re7.example', 'pass'],
    ['re.example', 'unknown-host: re.example'],
    ['xn--bcher-kva.example', 'pass'],
    ['10.0.0.1', 'pass'],
    ['10.0.0.2', 'ip-host: 10.0.0.2'],
    ['[2001:db8::1]', 'pass'],
    ['[2001:db8::2]', 'ip-host: [2001:db8::2]'],
  ]
  test('the table, twice (a RegExp keeps no place)', async () => {
    const to = await site([noHost({ serverNames })])
    for (const [host, expected] of [...cases, ...cases]) {
      assert.equal(brief(await to.outcome(request('/', `Host: ${host}`))), expected, host)
    }
  })

  for (const [name, patterns] of Object.entries({
    'a wildcard inside': ['www.*.example.com'],
    'half a label': ['*w.example.com'],
    'two wildcards': ['*.example.*'],
    'a port': ['example.com:80'],
    nothing: [],
    'an empty name': [''],
    'a space': ['a b'],
    'a scheme': ['https://example.com'],
    'no string': [1 as unknown as string],
    'a bare star': ['*'],
  })) {
    test(`${name} is refused`, () => {
      assert.throws(() => noHost({ serverNames: patterns }), { name: 'OptionsError' })
    })
  }
})

for (const kind of kinds.filter(({ protocol }) => protocol === 2) as Kind[]) {
  test(`:authority on HTTP/2: ${kind.app} on ${kind.server}`, async () => {
    const to = await site([noHost({ serverNames: ['example.com'], http2: 'stream' })], kind)
    const client = await openHttp2({ port: to.port, tls: kind.tls })
    const ask = (id: number, fields: Record<string, string>) => client.send(headers(id, '/', fields))
    ask(1, { ':authority': 'example.com' })
    ask(3, { ':authority': 'evil.example' })
    ask(5, { ':authority': '', host: 'example.com' })
    ask(7, { ':authority': 'example.com', host: 'evil.example' })
    ask(9, { ':authority': 'example.com', host: 'example.com' })
    ask(11, { ':authority': 'evil.example', host: 'example.com' })
    // RFC 9113 8.3.1: to be compared in normal form.
    ask(13, { ':authority': 'example.com', host: 'EXAMPLE.com:443' })
    ask(15, { ':scheme': 'ftp', ':authority': 'example.com' })
    ask(17, { ':scheme': 'HTTPS', ':authority': 'example.com' })
    // nghttp2 reads such a path only where the scheme is not HTTP's.
    ask(19, { ':scheme': 'ws', ':path': 'http://evil.example/', ':authority': 'example.com' })
    await client.until(() => to.calls.length === 5 && to.events.length === 5)
    client.destroy()
    assert.deepEqual(to.events.map(brief).sort(), [
      'duplicate-host: evil.example, example.com',
      'duplicate-host: example.com, evil.example',
      'invalid-target: ftp',
      'invalid-target: ws',
      'unknown-host: evil.example',
    ])
    assert.equal(to.calls.length, 5)
  })
}
