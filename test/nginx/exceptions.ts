import type { HostCase } from './host-cases.ts'
import { bytes, request } from './log-cases.ts'

/*
 * Where drop444 differs from nginx 1.22, and why. The suites assert that these differences, and no others, are there.
 */

/** Both drop, and the log lines differ. */
export const logExceptions = [
  {
    name: 'tabs around a field value',
    why: 'nginx strips blanks alone; Node gives the value without tabs too (RFC 9110 5.5: OWS)',
    bytes: request('GET /x HTTP/1.1', { Referer: '\ta\t' }),
    nginx: '"GET /x HTTP/1.1" 444 0 "\\x09a\\x09" "probe/1.0"',
    ours: '"GET /x HTTP/1.1" 444 0 "a" "probe/1.0"',
  },
  {
    name: 'two blanks in the request line',
    why: 'nginx logs the line as it came; Node gives only its parts',
    bytes: request('GET  /x  HTTP/1.1'),
    nginx: '"GET  /x  HTTP/1.1" 444 0 "-" "probe/1.0"',
    ours: '"GET /x HTTP/1.1" 444 0 "-" "probe/1.0"',
  },
  {
    name: 'HTTP/0.9 with fields',
    why: 'nginx stops reading at the first line; Node reads the fields, so they are logged',
    bytes: 'GET /x\r\nUser-Agent: old\r\n\r\n',
    nginx: '"GET /x" 444 0 "-" "-"',
    ours: '"GET /x" 444 0 "-" "old"',
  },
] as const

/** nginx is not silent, drop444 is. `nginx`: what its answer starts with. */
export const silentExceptions = [
  {
    name: 'OPTIONS *',
    why: 'nginx refuses it before any location; Node passes it on like any request',
    bytes: request('OPTIONS * HTTP/1.1'),
    nginx: 'HTTP/1.1 400 ',
  },
  {
    name: 'two Authorization fields',
    why: 'nginx refuses them; Node keeps the first',
    bytes: request('GET /x HTTP/1.1', { Authorization: 'Basic YTpi', authorization: 'Basic Yzpk' }),
    nginx: 'HTTP/1.1 400 ',
  },
  {
    name: 'HTTP/2.0 in a request line',
    why: 'nginx knows no such version in HTTP/1 syntax; Node passes it on',
    bytes: request('GET /x HTTP/2.0'),
    nginx: 'HTTP/1.1 505 ',
  },
] as const

/** Node answers before any middleware runs, so a middleware can't be silent: `protect(server)` is for these. */
export const nodeAnswers = [
  {
    name: 'bytes from 0x80 in the target',
    bytes: request(`GET /${bytes(0x80, 0xff)} HTTP/1.1`),
    ours: '400',
  },
  { name: 'a blank behind the version', bytes: request('GET /x HTTP/1.1 '), ours: '400' },
  { name: 'HTTP/1.2', bytes: request('GET /x HTTP/1.2'), ours: '400' },
  {
    name: 'a control byte in a field',
    bytes: request('GET /x HTTP/1.1', { Referer: 'a\x01b' }),
    ours: '400',
  },
  {
    name: 'Expect: 100-continue',
    bytes: request('POST /x HTTP/1.1', { Expect: '100-continue', 'Content-Length': '5' }),
    ours: '100',
  },
] as const

/** A class of requests that nginx's server_name serves and noHost does not, or the other way round. */
export interface HostException {
  readonly name: string
  readonly why: string
  is(request: HostCase): boolean
  /** Only without `serverNames`. */
  readonly anyName?: boolean
}

/** What stands behind the colon of a Host, brackets or not. */
const portOf = (host: string) => /^(?:\[[^\]]*\]|[^[:][^:]*|):(.*)$/.exec(host)?.[1] ?? ''

/** nginx serves, noHost drops. */
export const stricterHosts: readonly HostException[] = [
  {
    name: 'a port that is none',
    why: 'nginx ignores all behind the colon; RFC 3986 3.2.3 has digits, TCP has 65535 ports',
    is: ({ host = '' }) => !/^\d{0,5}$/.test(portOf(host)) || Number(portOf(host)) > 65_535,
  },
  {
    name: 'characters that no host name has',
    why: 'nginx takes all but blanks, slashes and control bytes; an app that echoes such a Host (@, quotes, ?) misleads',
    is: ({ host = '' }) => /^(?!\[)[^:]*[^\w.:-]/.test(host),
  },
  {
    name: 'a dot or hyphen in front',
    why: 'no host name starts so (RFC 1123 2.1)',
    is: ({ host = '' }) => /^[.-]/.test(host),
  },
  {
    name: 'a name longer than DNS allows',
    why: 'nginx takes a name of any length; a DNS name has 253 characters at most (RFC 1035 2.3.4)',
    is: ({ host = '' }) => host.replace(/\.?(?::\d*)?$/, '').length > 253,
  },
  {
    name: 'text behind a bracket',
    why: 'nginx ignores it; RFC 9110 7.2 has only a port there',
    is: ({ host = '' }) => /^\[[^\]]*\][^:]/.test(host),
  },
  {
    name: 'a target that names another host than Host',
    why: 'nginx goes on with the name of the target; Node, Express and proxies behind go on with Host',
    is: ({ host, authority }) => {
      const nameOf = (text: string) => text.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
      return host !== undefined && authority !== undefined && nameOf(authority) !== nameOf(host)
    },
  },
  {
    name: 'a target of another scheme than http and https',
    why: 'nginx takes any scheme; nothing here speaks another protocol',
    is: ({ bytes }) => /^GET (?!https?:)[a-z]+:\/\//i.test(bytes),
  },
  {
    name: 'an address, or a name that a client reads as one',
    why: 'without names of its own noHost serves any name but no address, what scanners of address ranges send',
    anyName: true,
    is: ({ host = '', authority = host }) => /^\[|(?:^|\.)(?:\d+|0x[\da-f]*)\.?(?::|$)/i.test(authority),
  },
]

/** noHost serves, nginx does not. */
export const looserHosts: readonly HostException[] = [
  {
    name: 'a tab in front of Host',
    why: 'RFC 9110 5.5 allows it and Node strips it; nginx strips blanks alone',
    is: ({ bytes }) => bytes.includes('\r\nHost: \t'),
  },
]
