import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Console } from 'node:console'
import http from 'node:http'
import { Writable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { pino } from 'pino'
import winston from 'winston'
import { printable, printableJson } from '../../lib/diagnostics/printable.ts'
import { type DropEvent, type DropLogOptions, dropLog, onDrop, protect, rule } from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { exchange } from '../support/raw-client.ts'
import { reader } from '../support/reader.ts'
import { runs } from '../support/runs.ts'
import { listen, type RunningServer } from '../support/servers.ts'

/** What drives a terminal, ends a line, or reorders it; the ends of our own lines are taken away before. */
const driving = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

/** Every byte but CR and LF, which end what they stand in. */
const everyByte = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte).filter(byte => byte !== 10 && byte !== 13),
)
const everyText = `${everyByte.toString('latin1')}\r\n\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2069`

/** What clients write where it is kept, none with a CR or LF in its line. */
const requests: readonly Buffer[] = [
  Buffer.concat([everyByte, Buffer.from(' / HTTP/1.1\r\n\r\n')]),
  Buffer.from('\x1b]0;owned\x07\x1b[2J\x9b31m GET\x85fake\u2028 / x\r\n\r\n', 'latin1'),
  Buffer.from(
    `GET /\x80\x9b\xff HTTP/1.1\r\nHost: a\x9b31m\r\nReferer: x"y\\ \x85\r\nUser-Agent: \x9b2J\u2028\r\n\r\n`,
    'latin1',
  ),
  Buffer.from(
    `GET /%d0%b0%sx HTTP/1.1\r\nHost: a\r\nHost: b\x9b\r\nAuthorization: Basic ${Buffer.from(
      `${everyText.replaceAll(':', '')}:pw`,
      'latin1',
    ).toString('base64')}\r\n\r\n`,
    'latin1',
  ),
  Buffer.from('GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
]

interface Sink {
  readonly target: (stream: Writable) => Parameters<typeof dropLog>[0]
  readonly options?: DropLogOptions
}

const through = (format: winston.Logform.Format) => (stream: Writable) =>
  winston.createLogger({ format, transports: [new winston.transports.Stream({ stream })] })

/** A logger that writes each field as it is, as a formatter of the user's may. */
const plainLogger = (stream: Writable) => ({
  info(fields: object, message: string) {
    stream.write(
      `${message} ${Object.entries(fields)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')}\n`,
    )
  },
})

const { combine, json, logstash, printf, simple, splat } = winston.format
const sinks: Readonly<Record<string, Sink>> = {
  rule: { target: stream => stream },
  combined: { target: stream => stream, options: { format: 'combined' } },
  json: { target: stream => stream, options: { format: 'json' } },
  'a console': { target: stream => new Console(stream) },
  'a console, json': { target: stream => new Console(stream), options: { format: 'json' } },
  pino: { target: stream => pino(stream) },
  'pino, json': { target: stream => pino(stream), options: { format: 'json' } },
  'pino, child': { target: stream => pino(stream).child({ part: 'x' }) },
  'winston simple': { target: through(simple()) },
  'winston json': { target: through(json()) },
  'winston logstash': { target: through(logstash()) },
  'winston splat and simple': { target: through(combine(splat(), simple())) },
  'winston printf': { target: through(printf(({ level, message }) => `${level} ${message}`)) },
  'winston in the way of logfmt': {
    target: through(
      printf(info =>
        Object.entries(info)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      ),
    ),
  },
  "a logger of bunyan's kind": { target: plainLogger },
  "a logger of log4js's kind": {
    target: stream => ({
      info: (...all: unknown[]) =>
        stream.write(
          `${all.map(one => (typeof one === 'string' ? one : inspect(one, { breakLength: Number.POSITIVE_INFINITY }))).join(' ')}\n`,
        ),
    }),
  },
  'what sample leaves out': { target: stream => stream, options: { sample: 1e6 } },
  'what sample leaves out, through a logger': { target: plainLogger, options: { sample: 1e6 } },
  'what sample leaves out, json': { target: stream => stream, options: { sample: 1e6, format: 'json' } },
}

describe('no control character of a client gets into a log', () => {
  const written: Record<string, string> = {}
  const events: DropEvent[] = []
  let server: RunningServer
  before(async () => {
    const stops = Object.entries(sinks).map(([name, { target, options }]) => {
      written[name] = ''
      const stream = new Writable({
        write(chunk, _encoding, done) {
          written[name] += chunk
          done()
        },
      })
      return dropLog(target(stream), options)
    })
    stops.push(onDrop(event => events.push(event)) as never)
    const reason = rule('odd', req => ({ reason: everyText, detail: `${req.headers.host} ${everyText}` }))
    server = await listen(protect(http.createServer(), { rules: [reason] }))
    for (const bytes of [...requests, ...requests])
      await exchange({ port: server.port }, bytes.toString('latin1'))
    await settle(20)
    for (const stop of stops) await stop()
    await settle(20)
  })
  after(() => server.close())

  test('the requests reach the events as they are', () => {
    assert.equal(events.length, 2 * requests.length)
    const all = events.map(event => inspect(event)).join('')
    for (const part of ['\\x1B]0;owned', '\\x9B2J', 'invalid-method']) assert.ok(all.includes(part), part)
  })

  for (const name of Object.keys(sinks)) {
    test(name, () => {
      const text = written[name] as string
      const lines = text.split('\n')
      assert.equal(lines.pop(), '')
      for (const line of lines) assert.doesNotMatch(line, driving)
      if (!name.startsWith('what sample')) assert.equal(lines.length, events.length)
      else assert.ok(lines.length > 2)
      if (/json|pino|logstash/.test(name)) for (const line of lines) JSON.parse(line)
    })
  }

  test("'json' parses back to the event, character by character", () => {
    for (const [index, line] of written.json?.trim().split('\n').entries() ?? []) {
      const { time, ...fields } = JSON.parse(line)
      const { time: at, ...event } = JSON.parse(JSON.stringify(events[index]))
      assert.deepEqual(fields, event)
      assert.equal(Date.parse(time), at)
    }
  })

  test("'rule' and 'combined' are nginx's to the byte", () => {
    const line = written.combined?.split('\n')[1] ?? ''
    assert.ok(line.includes('"\\x1B]0;owned\\x07\\x1B[2J\\x9B31m GET\\x85fake( / x"'), line)
  })

  test('what needs no escape is as it was: in messages, and in fields', () => {
    const plain = JSON.parse(written.pino?.split('\n')[4] ?? '')
    assert.deepEqual([plain.url, plain.host], ['/plain', 'a'])
    assert.match(written['winston printf'] ?? '', /^info 444 GET \/plain odd \\x00/m)
  })

  test('winston keeps its fields where an address has what looks like a place for them', () => {
    for (const name of ['winston json', 'winston splat and simple']) {
      const line = written[name]?.split('\n')[3] ?? ''
      assert.match(line, /444 GET \/%d0%b0%sx /)
      assert.match(line, /"clientAddress":"127\.0\.0\.1"/)
    }
  })

  test('a function gets the event as it is, and answers for its line', async () => {
    const seen: string[] = []
    const stop = dropLog(
      { info: (_fields: unknown, line: string) => void seen.push(line) },
      {
        format: event => event.requestLine,
      },
    )
    await exchange({ port: server.port }, (requests[1] as Buffer).toString('latin1'))
    await stop()
    assert.match(seen[0] as string, /^\x1b\]0;owned\x07/)
  })
})

test('printable: any text is one line; JSON parses back', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, value => {
      assert.doesNotMatch(printable(value), driving)
      const json = printableJson(JSON.stringify({ [value]: value }))
      assert.doesNotMatch(json, driving)
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ [value]: value })))
    }),
    { numRuns: runs(300) },
  )
  assert.equal(
    printable('a\x1bb\x7fc\x9bd\u2028e\u202ef\u2066'),
    'a\\x1Bb\\x7Fc\\x9Bd\\u2028e\\u202Ef\\u2066',
  )
  assert.equal(printable('äö € 😀 "\\'), 'äö € 😀 "\\')
  assert.equal(printableJson('"\x9b\u2028"'), '"\\u009b\\u2028"')
})

const root = fileURLToPath(new URL('../..', import.meta.url))

test('in a process of its own: DEBUG and warnings quote a client in one printable line', () => {
  const script = `
    import http from 'node:http'
    import { connect } from 'node:net'
    import * as drop444 from './lib/index.ts'
    drop444.onDrop(() => {})
    const judge = drop444.rule('odd', req => {
      if (req.url === '/throws') throw new Error(req.headers['user-agent'])
      return req.headers['user-agent']
    })
    const host = drop444.noHost()
    const server = drop444.protect(http.createServer(), { rules: [host, judge] }).listen(0, '127.0.0.1', async () => {
      for (const [path, name] of [['/', 'a'], ['/throws', 'a'], ['/', '127.0.0.1']]) await new Promise(resolve => {
        const socket = connect(server.address().port, '127.0.0.1', () =>
          socket.write(Buffer.from('GET ' + path + ' HTTP/1.1\\r\\nHost: ' + name +
            '\\r\\nUser-Agent: kube-probe/1 \\x9b2J\\x85\\xe2\\x80\\xae\\r\\n\\r\\n', 'latin1')))
        socket.on('close', resolve).on('error', () => {}).resume()
      })
      setTimeout(() => process.exit(), 20)
    })`
  const { status, stderr } = spawnSync(process.execPath, [...reader, '--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, DEBUG: 'drop444:*', NODE_OPTIONS: '' },
  })
  assert.equal(status, 0, stderr)
  for (const line of stderr.split('\n')) assert.doesNotMatch(line, driving)
  assert.match(stderr, /drop444:verdict odd kube-probe\/1 \\x9B2J\\x85/)
  assert.match(stderr, /drop444:error rule "odd": Error: kube-probe\/1 \\x9B2J/)
  assert.match(stderr, /DROP444_CALLBACK_FAILED.* threw kube-probe\/1 \\x9B2J/)
  assert.match(stderr, /DROP444_HEALTH_CHECK.* kube-probe\/1 \\x9B2J/)
})
