import { test } from 'node:test'
import { assertBytes, cpuServers, SIZE, skip } from './cpu.ts'

cpuServers()

const fill = (piece: (index: number) => string) => {
  let text = ''
  for (let i = 0; text.length < SIZE; i++) text += piece(i)
  return text
}
const get = (version: string, path: string, more = '') =>
  `GET ${path} HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n${more}\r\n`
const post = (version: string, fields: string, body: string) =>
  `POST / HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n${fields}\r\n\r\n${body}`
const quote = 'X-A: / RTSP/1.0\r\n'
const quoting = 'GET /x RTSP/1.0\r\n'

/** What grows with the square of a packet, where something is looked for anew at each request, line or chunk. */
const families: Record<string, string | string[]> = {
  'the shortest requests of HTTP/1.1': fill(() => 'GET / HTTP/1.1\r\nHost:a\r\n\r\n'),
  'the shortest requests of HTTP/1.0': fill(() => 'GET / HTTP/1.0\r\nConnection:keep-alive\r\n\r\n'),
  'requests of HTTP/1.0, each with a path of its own': fill(i => get('1.0', `/${i}`)),
  'requests of HTTP/1.0, and RTSP behind them': `${fill(i => get('1.0', `/${i}`))}OPTIONS / RTSP/1.0\r\n\r\n`,
  'requests of HTTP/1.0 that quote RTSP': fill(i => get('1.0', `/${i}`, quote)),
  'requests of HTTP/1.0 whose first line is cut': fill(i => get('1.0', `/${i}`, quote)).slice(3),
  'requests of both versions': fill(i => get(i % 2 ? '1.0' : '1.1', `/${i}`, quote)),
  'bodies of HTTP/1.0 that quote RTSP': fill(() => post('1.0', `Content-Length: ${quoting.length}`, quoting)),
  'one body of HTTP/1.0 that quotes RTSP': post(
    '1.0',
    `Content-Length: ${fill(() => quoting).length}`,
    fill(() => quoting),
  ),
  'requests in many packets': fill(i => get('1.0', `/${i}`, quote)).match(/[\s\S]{1,100}/g) ?? [],
  'chunks of a byte': post('1.1', 'Transfer-Encoding: chunked', `${fill(() => '1\r\na\r\n')}0\r\n\r\n`),
  'bodies of a chunk': fill(() => post('1.1', 'Transfer-Encoding: chunked', '1\r\na\r\n0\r\n\r\n')),
  'bodies of a byte': fill(() => post('1.1', 'Content-Length: 1', 'a')),
  'bodies that wait': fill(() => post('1.1', 'Content-Length: 1\r\nExpect: 100-continue', 'a')),
  'header lines': get('1.1', '/', 'A:b\r\n'.repeat(1_900)),
  'too many header lines': get('1.1', '/', 'A:b\r\n'.repeat(13_000)),
  'Host lines': fill(() => `GET / HTTP/1.1\r\n${'Host: a\r\n'.repeat(50)}\r\n`),
  'blank lines': `${'\r\n'.repeat(SIZE / 2)}${get('1.1', '/')}`,
  blanks: `GET ${' '.repeat(SIZE)}`,
  'HTTP/0.9': fill(() => 'GET /\r\n'),
  'prefaces of HTTP/2': fill(() => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  upgrades: fill(() => 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'),
  'requests, and garbage behind them': `${fill(i => get('1.1', `/${i}`))}garbage\r\n\r\n`,
  'requests, and half of one behind them': `${fill(i => get('1.1', `/${i}`))}GET / HT`,
  'requests behind the last one': `GET / HTTP/1.0\r\n\r\n${fill(i => get('1.1', `/${i}`))}`,
}

test('as many as fit into 64 kB, of each', { skip }, () => assertBytes(families))
