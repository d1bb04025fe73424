import { Writable } from 'node:stream'
import proxyaddr from 'proxy-addr'
import { globsOf } from '../../bench/data/globs.ts'
import { djangoRoutes } from '../../lib/django.ts'
import {
  badAgent,
  denyCidr,
  drop444,
  dropLog,
  type LogFormat,
  noHost,
  pathAllowlist,
  type Routes,
  type Rule,
  rateLimit,
  rule,
  type TrustProxy,
} from '../../lib/index.ts'
import { readClientHello } from '../../lib/server/phases/client-hello.ts'
import { readRawHead } from '../../lib/server/phases/raw-head.ts'
import { manyExtensions, manyProtocols, manyRecords } from './client-hellos.ts'
import { fieldInputs, fill, type Input, many, pathInputs } from './inputs.ts'

/** What is asked, and the inputs that were found to take it longest. */
export interface Row {
  readonly rule: string
  readonly list: string
  /** Of requests: the rule that judges them. */
  readonly make?: () => Rule
  readonly inputs?: readonly Input[]
  /** Of what is no request: the work itself, by the name of the input. */
  readonly works?: Readonly<Record<string, () => void>>
  /** Undoes what `make` did. */
  readonly stop?: () => void
}

const names = many(i => [`e${i}.example`, `*.w${i}.example`, `.d${i}.example`, `m${i}.*`][i % 4] as string)
const hosts = fieldInputs('Host', ['a', 'a.', 'A', '1.', '0x', 'a-', 'xn--', '[:', ':', '_'], ['', ':80'])
const cidrs = many(i => `11.${i >> 8}.${i & 255}.0/24`)

const trusted = ['::1, ', '127.0.0.1,', '::ffff:127.0.0.1,', '[::1]:80,', ',', ' ,', '127.0.0.1:1, ']
const forwarded = fieldInputs('X-Forwarded-For', [...trusted, '1.', '[', '%', 'fe80::1%a,'], ['', '::1'])
const addresses = (list: string, trustProxy: TrustProxy): Row => ({
  rule: 'denyCidr',
  list,
  make: () => denyCidr(cidrs, { trustProxy }),
  inputs: forwarded,
})

const agentUnits = ['a', 'bot', 'bot1', 'bot12 ', 'evil scan ', 'A', ' ', '-', '0', '\xe9', 'b\xf6t', 'x/1 ']
const agents = (list: string, patterns?: string[]): Row => ({
  rule: 'badAgent',
  list,
  make: () => badAgent({ patterns }),
  inputs: fieldInputs('User-Agent', agentUnits, ['', '!']),
})

const pathUnits = [
  'a',
  'a/',
  '%61',
  '%61/',
  '%C3%A9',
  ';',
  'a;b',
  '%2f',
  'a%2f/',
  '%5c',
  '.',
  '-1-',
  '%',
  '(a',
  '~/',
  // Marks, in an order that is not theirs.
  '\xcc\x81\xcc\xa3',
  '%CC%81%CC%A3',
  '/../',
  '%25',
]
const paths = pathInputs(pathUnits, ['', '/', '.js', '!', 'b'])
const globs = (list: string, patterns: readonly (string | RegExp | Routes)[]): Row => ({
  rule: 'pathAllowlist',
  list,
  make: () => pathAllowlist(patterns),
  inputs: paths,
})

const django = (list: string, routes: Parameters<typeof djangoRoutes>[0], start = '/'): Row => ({
  rule: 'djangoRoutes',
  list,
  make: () => pathAllowlist(djangoRoutes(routes)),
  inputs: pathInputs(['-', 'a', '1', 'a/', '%61', '%ff', '%C3%A9', '.', '%'], ['x', '/', '-x/'], start),
})

/** Nobody reads it, and it never waits. */
const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })

const basic = (text: string) => `Basic ${Buffer.from(fill(text, 11_900), 'latin1').toString('base64')}`

function logs(format: LogFormat): Row {
  let stop = () => {}
  return {
    rule: 'dropLog',
    list: `\`${String(format)}\``,
    make() {
      stop = dropLog(nowhere(), { format, maxBuffer: 2 ** 30 })
      return rule('all', () => 'unwanted')
    },
    inputs: [
      ...fieldInputs('User-Agent', ['"', '\\', '\xe9', 'a']),
      ...fieldInputs('Referer', ['"']),
      ...pathInputs(['"', '\\', 'a'], ['']),
      ...['":', '\\', '\xe9', 'a'].map(text => ({
        name: `credentials of ${text}`,
        head: `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(text)}\r\n\r\n`,
      })),
    ],
    stop: () => stop(),
  }
}

const rawUnits = ['\n', '\r\n', 'a', ' ', 'host:', 'host: \n', 'authorization: basic \n', 'a:\n', 'GET ', '"']

export const rows: readonly Row[] = [
  { rule: 'noHost', list: '1,000 names', make: () => noHost({ serverNames: names }), inputs: hosts },
  { rule: 'noHost', list: 'any name', make: () => noHost(), inputs: hosts },
  {
    rule: 'noHost',
    list: '1,000 names; a thousand lines',
    make: () => noHost({ serverNames: names }),
    inputs: ['Host: a', 'host:', 'x:'].map(line => ({
      name: `${line}, 990 times`,
      head: `GET / HTTP/1.1\r\nHost: a\r\n${`${line}\r\n`.repeat(990)}\r\n`,
    })),
  },
  addresses('1,000 CIDRs; `trustProxy` a list', 'loopback'),
  addresses("1,000 CIDRs; `trustProxy` a function (Express's own)", proxyaddr.compile('loopback')),
  addresses('1,000 CIDRs; `trustProxy` a number', 1_000_000),
  agents("the package's own"),
  agents(
    '1,000 words',
    many(i => `bot${i}`),
  ),
  agents(
    '1,000 phrases',
    many(i => `evil scan ${i}`),
  ),
  agents(
    '1,000 words beyond ASCII',
    many(i => `böt${i}`),
  ),
  agents(
    '360 words, each within the next',
    Array.from({ length: 360 }, (_, i) => 'a'.repeat(i + 1)),
  ),
  globs('one: `/**`', ['/**']),
  globs('one with many wildcards', ['/**/a/**/a/**/b', '/*-*-*-*-*/x']),
  globs('1,000 as of a site', globsOf(1_000)),
  globs(
    '1,000 folders, `/p1/**`',
    many(i => `/p${i}/**`),
  ),
  globs(
    '1,000 that begin with a wildcard, `/*-1-*.js`',
    many(i => `/*-${i}-*.js`),
  ),
  globs(
    '1,000 of two wildcards, `/**/*a1*b`',
    many(i => `/**/*a${i}*b`),
  ),
  globs(
    '1,000 classes, `/[a-c]*[0-9]1`',
    many(i => `/[a-c]*[0-9]${i}`),
  ),
  globs('1,000 with `!`, `!**/*.x1`', ['/**', ...many(i => `!**/*.x${i}`)]),
  globs('1,000 with `!` beyond ASCII, `!/é1/**`', ['/**', ...many(i => `!/é${i}/**`)]),
  globs('any path of Django, and 1,000 with `!`, `!**/*.x1`', [
    djangoRoutes(['<path:any>']),
    ...many(i => `!**/*.x${i}`),
  ]),
  globs(
    '1,000 exclusions, `/!(x1)`',
    many(i => `/!(x${i})`),
  ),
  django('one: `<str:a>-<str:b>-<str:c>/`', ['<str:a>-<str:b>-<str:c>/']),
  django('an include: `<path:a>/<path:b>/`', [
    { include: '<path:a>/<path:b>/', routes: ['<slug:c>/', '<int:d>-<int:e>/'] },
  ]),
  django(
    '1,000: `shop1/<slug:a>-<slug:b>/`',
    many(i => `shop${i}/<slug:a>-<slug:b>/`),
    '/shop1/',
  ),
  {
    rule: 'rateLimit',
    list: '`key: { header }`',
    make: () => rateLimit({ rate: '1r/s', key: { header: 'x-api-key' } }),
    inputs: fieldInputs('X-Api-Key', ['a', '\xe9', ' a']),
  },
  logs('rule'),
  logs('combined'),
  logs('json'),
  {
    rule: 'drop444',
    list: 'these in one, with 1,000 of each',
    make: () =>
      drop444({
        noHost: { serverNames: ['a', ...names] },
        denyCidr: cidrs,
        badAgent: { patterns: many(i => `bot${i}`), empty: false },
        pathAllowlist: ['/**', ...many(i => `!**/*.x${i}`)],
        rateLimit: { rate: '1r/s', burst: 1e6 },
        trustProxy: 'loopback',
      }),
    inputs: [...paths, ...forwarded, ...hosts, ...fieldInputs('User-Agent', agentUnits)],
  },
  {
    rule: 'protect',
    list: 'what is no request',
    works: Object.fromEntries(
      rawUnits.flatMap(unit =>
        ['', 'GET / HTTP/1.1\r\n'].map(start => {
          const bytes = Buffer.from(start + fill(unit, 16_384))
          return [`${JSON.stringify(start + unit)} …`, () => void readRawHead(bytes)]
        }),
      ),
    ),
  },
  {
    rule: 'protect',
    list: 'a ClientHello',
    works: Object.fromEntries(
      Object.entries({
        '4,000 extensions': manyExtensions(),
        '8,000 protocols': manyProtocols(),
        '1,000 records': manyRecords(),
      }).map(([name, bytes]) => [name, () => void readClientHello(bytes)]),
    ),
  },
]
