/** The names that both serve. nginx has an expression behind `~`. */
export const servedNames: readonly (string | RegExp)[] = [
  'example.com',
  'UPPER.example.com',
  'deep.one.two.example.com',
  'localhost',
  '*.wild.test',
  '*.sub.dot.test',
  '.dot.test',
  'mail.*',
  'www.shop.*',
  /^node\d+\.regex\.test$/,
  /^(?!internal)[a-z]+\.pick\.test$/,
  '192.0.2.7',
  '[2001:db8::7]',
]

/** The same as nginx's `server_name` has them. */
export const nginxNames = servedNames
  .map(name => (typeof name === 'string' ? name : `"~${name.source}"`))
  .join(' ')

export interface HostCase {
  readonly name: string
  readonly bytes: string
  /** The one Host of the request, if it has one, without the blanks around it. */
  readonly host?: string
  /** That of the request target, if it has one. */
  readonly authority?: string | undefined
  /** Node's parser answers 400 before any middleware runs. */
  readonly malformed?: boolean
}

const stems = [
  'example.com',
  'upper.example.com',
  'deep.one.two.example.com',
  'localhost',
  'wild.test',
  'dot.test',
  'sub.dot.test',
  'mail',
  'mail.example',
  'mail.example.co.uk',
  'www.shop',
  'www.shop.de',
  'shop.de',
  'node7.regex.test',
  'node77.regex.test',
  'node.regex.test',
  'regex.test',
  'apples.pick.test',
  'internal.pick.test',
  'other.test',
  'com',
  'test',
  '192.0.2.7',
  '192.0.2.8',
  '[2001:db8::7]',
  '[2001:db8::8]',
  '[::1]',
]

/** Ways to write a name: what follows or precedes it, case. */
const forms: readonly ((name: string) => string)[] = [
  name => name,
  name => name.toUpperCase(),
  name => name.replace(/[a-z]/g, (letter, at) => (at % 2 ? letter.toUpperCase() : letter)),
  name => `${name}.`,
  name => `${name}..`,
  name => `${name}:80`,
  name => `${name}.:8080`,
  name => `${name}:`,
  name => `${name}:0`,
  name => `${name}:65535`,
  name => `${name}:65536`,
  name => `${name}:000080`,
  name => `${name}:http`,
  name => `${name}:-1`,
  name => `${name}:80:81`,
  name => `${name} `,
  name => `\t${name}`,
  name => `a.${name}`,
  name => `a.b.${name}`,
  name => `A-1_x.${name}:443`,
  name => `x${name}`,
  name => `${name}x`,
  name => `${name}.evil.test`,
  name => `${name}:80.evil.test`,
  name => `.${name}`,
  name => `..${name}`,
  name => `a..${name}`,
  name => name.replace('.', '..'),
  name => `-.${name}`,
  name => `a-.${name}`,
  name => `*.${name}`,
  name => `user@${name}`,
  name => `user@a.${name}`,
  name => `${name}/x`,
  name => `${name}?x`,
  name => `a,b.${name}`,
  name => `a%2eb.${name}`,
  name => `a b.${name}`,
  name => `a\tb.${name}`,
  name => `b\xfccher.${name}`,
  name => `xn--bcher-kva.${name}`,
  name => `"${name}"`,
  name => `${name}\\x`,
  name => `http://${name}`,
]

const single = [
  '',
  ' ',
  '.',
  '..',
  ':',
  ':80',
  '-',
  '_',
  '*',
  '[',
  ']',
  '[]',
  '[2001:db8::7',
  '2001:db8::7]',
  '2001:db8::7',
  '[2001:DB8::7]:443',
  '[2001:db8:0::7]',
  '[2001:db8::7]x',
  '[2001:db8::7].',
  '[2001:db8::7]:x',
  '[2001:db8::7%eth0]',
  '[192.0.2.7]',
  '[example.com]',
  '192.0.2.007',
  '192.0.519',
  '3221225991',
  '0xc0000207',
  `${'a'.repeat(63)}.wild.test`,
  `${'a.'.repeat(120)}wild.test`,
  `${'a.'.repeat(122)}wild.test`,
  `${'a.'.repeat(123)}wild.test:80`,
  `${'a.'.repeat(400)}wild.test.`,
]

const get = (target: string, fields: string, version = '1.1') =>
  `GET ${target} HTTP/${version}\r\n${fields}Connection: close\r\n\r\n`

const withHost = (host: string, version?: string): HostCase => ({
  name: `Host ${JSON.stringify(host)}${version ? ` on HTTP/${version}` : ''}`,
  bytes: get('/', `Host: ${host}\r\n`, version),
  host: host.trim(),
})

const targets = [
  'http://example.com/',
  'http://EXAMPLE.com:8080/x?y',
  'https://a.wild.test',
  'http://example.com.',
  'http://example.com:',
  'http://example.com?x',
  'http://other.test/',
  'http://other.test:80/example.com',
  'http://user@example.com/',
  'http://other.test@example.com/',
  'http://example.com@other.test/',
  'http://example.com:80@other.test/',
  'http:///x',
  'http://[2001:db8::7]/',
  'http://[2001:db8::8]/',
  'foo://example.com/',
  'HTTP://example.com/',
  'http://exam%70le.com/',
  '//example.com/',
  '/http://example.com/',
]

const malformedTargets = [
  'http://example.com#other.test/',
  'http://other.test#example.com/',
  'http://example.com\\other.test/',
  'http:/example.com/',
]

const withTarget = (target: string, host: string | undefined, version: string): HostCase => ({
  name: `target ${target}, ${host === undefined ? 'no Host' : `Host ${host}`}, HTTP/${version}`,
  bytes: get(target, host === undefined ? '' : `Host: ${host}\r\n`, version),
  authority: /^\w+:\/\/([^/?]*)/.exec(target)?.[1],
  ...(host === undefined ? {} : { host }),
})

export const hostCases: readonly HostCase[] = [
  ...stems.flatMap(stem => forms.map(form => withHost(form(stem)))),
  ...single.map(host => withHost(host)),
  ...['example.com', 'other.test', '', 'a b'].map(host => withHost(host, '1.0')),
  ...targets.flatMap(target => [
    withTarget(target, 'example.com', '1.1'),
    withTarget(target, 'other.test', '1.1'),
    withTarget(target, '', '1.1'),
    withTarget(target, 'a@b', '1.1'),
    withTarget(target, undefined, '1.1'),
    withTarget(target, undefined, '1.0'),
  ]),
  ...malformedTargets.map(target => ({ ...withTarget(target, 'example.com', '1.1'), malformed: true })),
  { name: 'no Host on HTTP/1.1', bytes: get('/', '') },
  { name: 'no Host on HTTP/1.0', bytes: get('/', '', '1.0') },
  { name: 'HTTP/0.9', bytes: 'GET /\r\n\r\n' },
  { name: 'the same Host twice', bytes: get('/', 'Host: example.com\r\nHost: example.com\r\n') },
  { name: 'two Hosts, the first served', bytes: get('/', 'Host: example.com\r\nHost: other.test\r\n') },
  { name: 'two Hosts, the second served', bytes: get('/', 'Host: other.test\r\nhost: example.com\r\n') },
  { name: 'two Hosts on HTTP/1.0', bytes: get('/', 'Host: example.com\r\nHost: example.com\r\n', '1.0') },
  { name: 'a folded Host', bytes: get('/', 'Host: example.com\r\n other.test\r\n'), malformed: true },
  { name: 'a blank before the colon', bytes: get('/', 'Host : example.com\r\n'), malformed: true },
  { name: 'only X-Forwarded-Host', bytes: get('/', 'X-Forwarded-Host: example.com\r\n') },
]
