import { paths } from './django-gateway-dictionary.ts'
import { browser } from './django-gateway-visitor.ts'
import { exchange, type Wire } from './raw-client.ts'

export interface Probe {
  readonly name: string
  readonly bytes: string
}

const agents = [
  browser,
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0',
  'python-requests/2.32.3',
  'Go-http-client/1.1',
  'Mozilla/5.0 zgrab/0.x',
  'sqlmap/1.8.2#stable (https://sqlmap.org)',
  'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)',
  '',
]
const methods = ['GET', 'HEAD', 'POST', 'GET', 'PUT', 'OPTIONS', 'DELETE', 'PROPFIND', 'PATCH', 'TRACE']

function request(method: string, target: string, agent: string, more: readonly string[] = []): Probe {
  const body = method === 'POST' || method === 'PUT' ? 'log=admin&pwd=admin' : ''
  const fields = [`User-Agent: ${agent}`, ...(body ? [`Content-Length: ${body.length}`] : []), ...more]
  const host = more.some(line => /^host/i.test(line)) ? [] : ['Host: localhost']
  const head = [`${method} ${target} HTTP/1.1`, ...host, ...fields]
  return { name: `${method} ${target} (${agent})`, bytes: `${head.join('\r\n')}\r\n\r\n${body}` }
}

const pick = <T>(list: readonly T[], i: number): T => list[i % list.length] as T

/** Each path as a browser would ask, and once more by some method of some agent. */
const dictionary = paths.flatMap((path, i) => [
  request('GET', path, browser),
  request(pick(methods, i), path, pick(agents, i)),
])

/** Paths that the project has, asked for as no visitor does. */
const pages = [
  '/',
  '/about/',
  '/login/',
  '/orders/1/',
  '/admin/login/',
  '/static/shop/shop.css',
  '/robots.txt',
]
const wrongly = pages.flatMap(page => [
  ...agents.slice(4).map(agent => request('GET', page, agent)),
  ...['PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'PATCH', 'TRACE'].map(method => request(method, page, browser)),
  ...['127.0.0.1', '192.0.2.1:8000', 'example.com', 'localhost.example.com', '', '[::1]', 'a b'].map(host =>
    request('GET', page, browser, [`Host: ${host}`]),
  ),
  request('GET', page, browser, ['Host: localhost', 'Host: example.com']),
  request('GET', `http://example.com${page}`, browser, ['Host: example.com']),
])

const rest = `Host: localhost\r\nUser-Agent: ${browser}\r\n`

/** What no parser should take, with the paths that the project has. */
const broken: Probe[] = [
  'GET /about/ HTTP/1.1\r\nUser-Agent: x\r\n\r\n',
  'GET /about/\r\n\r\n',
  'GET /about/ HTTP/0.9\r\n\r\n',
  `GET /about/ HTTP/2.0\r\n${rest}\r\n`,
  `GET /about/ HTTP/1.1\r\n${rest}Bad Header: x\r\n\r\n`,
  `GET /about/ HTTP/1.1\r\n${rest} folded\r\n\r\n`,
  `GET /about/ HTTP/1.1\r\n${rest}X: ${'a'.repeat(40_000)}\r\n\r\n`,
  `GET /${'a'.repeat(40_000)} HTTP/1.1\r\n${rest}\r\n`,
  `POST /login/ HTTP/1.1\r\n${rest}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /login/ HTTP/1.1\r\n${rest}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde`,
  `POST /login/ HTTP/1.1\r\n${rest}Content-Length: -1\r\n\r\n`,
  `POST /login/ HTTP/1.1\r\n${rest}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  `POST /login/ HTTP/1.1\r\n${rest}Expect: 200-ok\r\nContent-Length: 1\r\n\r\na`,
  `CONNECT localhost:443 HTTP/1.1\r\n${rest}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${rest}\r\n`,
  `BLAH /about/ HTTP/1.1\r\n${rest}\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'SSH-2.0-Go\r\n',
  '\x16\x03\x01\x00\xee\x01\x00\x00\xea\x03\x03',
  '\x00\x01\x02\x03\r\n\r\n',
].map(bytes => ({ name: JSON.stringify(bytes.slice(0, 80)), bytes }))

export const probes: readonly Probe[] = [...dictionary, ...wrongly, ...broken]

export interface Finding extends Pick<Wire, 'wireBytes' | 'end' | 'data'> {
  readonly name: string
}

/** Sends each over a connection of its own, some at a time. */
export async function scan(port: number, atOnce = 12): Promise<Finding[]> {
  const findings: Finding[] = []
  const queue = [...probes]
  async function work(): Promise<void> {
    for (let probe = queue.shift(); probe; probe = queue.shift()) {
      findings.push({ name: probe.name, ...(await exchange({ port }, probe.bytes, 5_000)) })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return findings
}
