/** What an attacker sends to be taken for somebody else. */
export interface Attempt {
  readonly name: string
  /** The values of X-Forwarded-For, each on a header line. */
  readonly forwarded: readonly string[]
  /** Whom they name, from the right: an address in its canonical form, or undefined for what is none. */
  readonly claims: readonly (string | undefined)[]
  /** How the name of the header is spelled. */
  readonly header?: string
  /** Other header lines. */
  readonly others?: readonly string[]
  readonly body?: string
}

const none = undefined
const short = (value: string) => {
  const text = JSON.stringify(value)
  return text.length < 60 ? text : `${text.slice(0, 40)}… (${value.length} bytes)`
}

/** One value that names one address, or none. */
const names = (claim: string | undefined, ...values: readonly string[]): Attempt[] =>
  values.map(value => ({ name: short(value), forwarded: [value], claims: [claim] }))

const several = (value: string, ...claims: readonly (string | undefined)[]): Attempt => ({
  name: short(value),
  forwarded: [value],
  claims,
})

const lines = (name: string, forwarded: readonly string[], ...claims: readonly string[]): Attempt => ({
  name,
  forwarded,
  claims,
})

const spelled = (header: string): Attempt => ({
  name: header,
  header,
  forwarded: ['192.0.2.1'],
  claims: ['192.0.2.1'],
})

const other = (...others: readonly string[]): Attempt => ({
  name: others.join(' | ').slice(0, 60),
  forwarded: [],
  claims: [],
  others,
})

const repeated = (text: string, times: number) => Array<string>(times).fill(text)

/** Addresses in all their spellings, and what only looks like one. */
const oneName: readonly Attempt[] = [
  ...names('192.0.2.1', '192.0.2.1', '192.0.2.1:443', '\t192.0.2.1\t', '192.0.2.1\xa0', '::ffff:192.0.2.1'),
  ...names('127.0.0.1', '127.0.0.1', '127.0.0.1:80', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'),
  ...names('127.0.0.1', '::ffff:7f00:1', '[::ffff:127.0.0.1]:80', '0:0:0:0:0:ffff:7f00:0001'),
  ...names('127.0.0.1', '::ffff:127.0.0.1%lo'),
  ...names('::1', '::1', '[::1]', '[::1]:80', '::1%lo', '0:0:0:0:0:0:0:1'),
  ...names('10.0.0.7', '10.0.0.7'),
  ...names('172.16.0.1', '172.16.0.1'),
  ...names('169.254.169.254', '169.254.169.254'),
  ...names('fe80::1', 'fe80::1%eth0', 'FE80::1'),
  ...names('203.0.113.66', '203.0.113.66', '203.0.113.66:4711'),
  ...names('0.0.0.0', '0.0.0.0'),
  ...names('::', '::'),
  ...names('::7f00:1', '::127.0.0.1'),
  ...names('192.0.2.1', '64:ff9b::c000:201', '64:ff9b::192.0.2.1'),
  ...names('2002:7f00:1::', '2002:7f00:1::'),
  ...names(none, '127.0.0.1%lo', '192.0.2.1:', '192.0.2.1:999999', '[::1', '::1]', '[192.0.2.1', '[]:80'),
  ...names(none, '0177.0.0.1', '0300.0.2.1', '192.000.002.001', '0x7f.0.0.1', '0x7f000001', '2130706433'),
  ...names(none, '127.1', '192.0.2', '192.0.2.1.', '.192.0.2.1', '192.0.2.256', '-1.0.0.1', '192.0.2.1/24'),
  ...names(none, '192.0.2.1 192.0.2.2', '192.0.2.1\t192.0.2.2', '192.0.2.1;127.0.0.1', '192.0.2.1|::1'),
]

const words: readonly Attempt[] = [
  ...names(
    none,
    'junk',
    'unknown',
    '_hidden',
    'localhost',
    'loopback',
    'true',
    'null',
    'undefined',
    '*',
    '-',
  ),
  ...names(none, '__proto__', 'constructor', 'unix:', 'unix:/run/app.sock', 'for=192.0.2.1', 'http://[::1]/'),
  ...names(none, '"192.0.2.1"', "'127.0.0.1'", '"[::1]"', '<192.0.2.1>', '192.0.2.1\\', '%31%39%32.0.2.1'),
  // Latin small e with acute and ÿ; 1 as a full-width digit; the Arabic-Indic digit one, in UTF-8.
  ...names(none, '\xe9\xff', '\xef\xbc\x9192.0.2.1', '\xd9\xa1', '127\xb70\xb70\xb71'),
  ...names(none, '1'.repeat(10_000), 'x'.repeat(10_000), ':'.repeat(10_000), '['.repeat(10_000)),
]

const listed: readonly Attempt[] = [
  lines('no X-Forwarded-For', []),
  lines('empty', ['']),
  ...[' ', '\t', ',', ', ,,\t,', ','.repeat(10_000), ', '.repeat(5_000)].map(value => several(value)),
  several('192.0.2.1,', '192.0.2.1'),
  several(',192.0.2.1', '192.0.2.1'),
  several('192.0.2.1, 127.0.0.1, ,', '127.0.0.1', '192.0.2.1'),
  several('192.0.2.1, 198.51.100.9', '198.51.100.9', '192.0.2.1'),
  several('198.51.100.9 ,\t192.0.2.1', '192.0.2.1', '198.51.100.9'),
  several('192.0.2.1,,, ,127.0.0.1', '127.0.0.1', '192.0.2.1'),
  several('192.0.2.1, 10.0.0.7, 127.0.0.1', '127.0.0.1', '10.0.0.7', '192.0.2.1'),
  several('192.0.2.1, 203.0.113.66', '203.0.113.66', '192.0.2.1'),
  several('192.0.2.1, unknown', none, '192.0.2.1'),
  several('unknown, 192.0.2.1', '192.0.2.1', none),
  several(repeated('192.0.2.1', 900).join(', '), ...repeated('192.0.2.1', 900)),
  several(repeated('127.0.0.1', 900).join(','), ...repeated('127.0.0.1', 900)),
  several(repeated('::1', 2_500).join(','), ...repeated('::1', 2_500)),
  lines('two header lines', ['192.0.2.1', '127.0.0.1'], '127.0.0.1', '192.0.2.1'),
  lines('an empty line, then one', ['', '192.0.2.1'], '192.0.2.1'),
  lines('one, then an empty line', ['192.0.2.1', ''], '192.0.2.1'),
  lines('200 header lines', repeated('127.0.0.1', 200), ...repeated('127.0.0.1', 200)),
]

/** Other ways to say the same, which some programs read. */
const elsewhere: readonly Attempt[] = [
  ...['x-forwarded-for', 'X-FORWARDED-FOR', 'x-FoRwArDeD-fOr'].map(spelled),
  ...['X-Real-IP', 'CF-Connecting-IP', 'CF-Connecting-IPv6', 'True-Client-IP', 'X-Client-IP'].map(name =>
    other(`${name}: 192.0.2.1`),
  ),
  ...['X-Cluster-Client-IP', 'Fastly-Client-IP', 'X-Originating-IP', 'X-Remote-Addr', 'Client-IP'].map(name =>
    other(`${name}: 127.0.0.1`),
  ),
  ...['X_Forwarded_For', 'X-Forwarded', 'Forwarded-For', 'X-Forwarded-For-', 'X-Forwarded-By', 'Via'].map(
    name => other(`${name}: 192.0.2.1`),
  ),
  other('Forwarded: for=192.0.2.1'),
  other('Forwarded: for="[::1]:80";by=127.0.0.1', 'Forwarded: for=unknown'),
  other('X-Forwarded-Host: 127.0.0.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 443'),
  other('Connection: keep-alive, X-Forwarded-For'),
  { ...lines('of the proxy protocol', []), others: ['PROXY: TCP4 192.0.2.1 192.0.2.2 1 80'] },
  {
    ...lines('of an upgrade', ['192.0.2.1'], '192.0.2.1'),
    others: ['Connection: Upgrade', 'Upgrade: websocket'],
  },
  {
    ...lines('in a trailer', []),
    others: ['Transfer-Encoding: chunked', 'Trailer: X-Forwarded-For'],
    body: '0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n',
  },
]

export const attempts: readonly Attempt[] = [...oneName, ...words, ...listed, ...elsewhere]
