/** A generator of its own (mulberry32): the same seed gives the same bytes on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** The usual one, or now and then another. */
  mostly<T>(usual: T, others: readonly T[], percent = 85): T {
    return this.chance(percent) ? usual : this.pick(others)
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  many<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make)
  }
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')

const methods = 'get,GET\0,,GET\t,PRI,DESCRIBE,SOURCE,M-SEARCH,CONNECT,TRACE,QUERY,BREW,\xc3,[]'.split(',')
const targets = ['*', 'http://localhost/a', 'localhost:443', '//x', '/\xff', '/ a', '', '/\x7f', '\t/', '/#']
const versions = [
  'HTTP/0.9',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/3',
  'RTSP/1.0',
  'ICE/1.0',
  'http/1.1',
  'HTTP/1.1 ',
  '',
]
const lineEnds = ['\n', '\r', '\r\r\n', '\n\r', '', ' \r\n', '\0\r\n', '\r\n ']
const hosts = [
  '',
  'a b',
  'x:99999',
  '[::1]',
  '127.0.0.1',
  'localhost\r\nHost: evil',
  '@',
  'LOCALHOST.',
  '%00',
]
const fields = [
  'Content-Length: 5',
  'Content-Length: 0',
  'Content-Length: -1',
  'Content-Length: 5, 5',
  'Content-Length: 99999999999999999999',
  'Content-Length: +5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding:',
  'Transfer-Encoding : chunked',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Connection: close',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQAAP__',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'X-Forwarded-For: 192.0.2.1, unknown',
  'Authorization: Basic YTpi',
  'Trailer: X',
  'X: \x01',
  'X: \0',
  'X: a\nY: b',
  'X: a\rY: b',
  'X',
  ': x',
  ' X: folded',
  '\tfolded',
  'X Y: z',
  'X\xe9: z',
  '__proto__: x',
  `X: ${'x'.repeat(9_000)}`,
  `${'x'.repeat(9_000)}: x`,
]
const bodies = [
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '0\r\n\r\n',
  'ffffffffffffffff1\r\n',
  '5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n',
]
const brokenBodies = [
  '5\nhello',
  '-1\r\n',
  '5\r\nhelloX',
  '0\r\n\r',
  'x\r\n',
  '5 \r\nhello\r\n',
  '0\r\nX\x01: y\r\n\r\n',
  '',
]

function request(random: Random): Buffer {
  const end = () => random.mostly('\r\n', lineEnds, 96)
  const target = random.mostly('/a?b=c', random.chance(5) ? [`/${'a'.repeat(20_000)}`] : targets)
  const method = random.mostly(random.pick(['GET', 'POST', 'HEAD', 'OPTIONS']), methods)
  const line = `${method} ${target} ${random.mostly(random.mostly('HTTP/1.1', ['HTTP/1.0']), versions)}`
  const host = random.mostly(['Host: localhost'], [[], [`Host: ${random.pick(hosts)}`]])
  const head = [line, ...host, ...random.many(5, () => random.pick(fields))]
  const body = random.chance(50) ? random.mostly(random.pick(bodies), brokenBodies, 70) : ''
  return latin1(`${head.map(text => text + end()).join('')}${end()}${body}`)
}

const pipeline = (random: Random) =>
  Buffer.concat([request(random), ...random.many(3, () => request(random))])

const greetings = [
  'SSH-2.0-OpenSSH_9.2\r\n',
  'EHLO a\r\nMAIL FROM:<a@b>\r\n',
  '*1\r\n$4\r\nPING\r\n',
  '\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0',
  '\0\0\0\x85\xffSMBr\0\0\0\0',
  'JRMI\0\x02K',
  '\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
  '\r\n\r\n\0\r\nQUIT\n',
  '\r\n\r\n',
  '\n',
].map(latin1)

const noise = (random: Random) =>
  random.chance(60) ? random.pick(greetings) : random.bytes(1 + random.below(200))

/** Length in front, in `size` bytes. */
function vector(size: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(size)
  length.writeUIntBE(body.length, 0, size)
  return Buffer.concat([length, body])
}

const words = (...numbers: readonly number[]) =>
  Buffer.from(numbers.flatMap(number => [number >> 8, number & 255]))
const extension = (type: number, data: Uint8Array) => Buffer.concat([words(type), vector(2, data)])

export interface HelloParts {
  /** Default 0x0303, TLS 1.2. */
  version?: number
  /** Of the extension `supported_versions`; none without it. */
  versions?: readonly number[]
  /** The name that is asked for; none without it. */
  name?: string | Buffer
  /** Further extensions: type and data. */
  extensions?: readonly (readonly [number, Uint8Array])[]
  ciphers?: readonly number[]
}

/** A handshake message in a TLS record of its own. */
export const record = (message: Uint8Array, version = 0x0301) =>
  Buffer.concat([Buffer.from([22]), words(version), vector(2, message)])

/** The message of a ClientHello (RFC 8446 4.1.2), without its record. */
export function helloMessage({
  version = 0x0303,
  versions,
  name,
  extensions = [],
  ciphers,
}: HelloParts): Buffer {
  const all = extensions.map(([type, data]) => extension(type, data))
  if (name !== undefined) {
    const bytes = typeof name === 'string' ? latin1(name) : name
    all.push(extension(0, vector(2, Buffer.from([0]), vector(2, bytes))))
  }
  if (versions) all.push(extension(43, vector(1, words(...versions))))
  const body = [
    words(version),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 9)),
    vector(2, words(...(ciphers ?? [0xc02f, 0xc030, 0x009c, 0x002f]))),
    vector(1, Buffer.from([0])),
    ...(all.length > 0 ? [vector(2, ...all)] : []),
  ]
  return Buffer.concat([Buffer.from([1]), vector(3, ...body)])
}

function tls(random: Random): Buffer {
  const name = random.pick([undefined, 'localhost', 'evil.example', '', '\0', 'x'.repeat(300)])
  const parts = {
    version: random.pick([0x0303, 0x0302, 0x0300, 0x0304]),
    ...(name === undefined ? {} : { name }),
    ...(random.chance(50)
      ? { versions: random.pick([[0x0304, 0x0303], [0x0a0a, 0x0304], [0x0301], []]) }
      : {}),
    extensions: [...random.many(2, () => [random.below(60), random.bytes(random.below(20))] as const)],
    ciphers: random.pick([[0xc02f, 0x002f], [0x1301], [], [0x0005]]),
  }
  const message = helloMessage(parts)
  const at = random.below(message.length)
  const records = random.chance(70)
    ? [record(message)]
    : [record(message.subarray(0, at)), record(message.subarray(at))]
  return Buffer.concat([...records, ...random.many(1, () => random.bytes(random.below(40)))])
}

/** Any frame of HTTP/2 (RFC 9113 4.1). */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const preface = latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), latin1(text)])
const field = ([name, value]: readonly [string, string]) =>
  Buffer.concat([Buffer.from([0]), literal(name), literal(value)])

function headerBlock(random: Random): Buffer {
  if (random.chance(10)) return random.bytes(random.below(40))
  const pseudo: [string, string][] = [
    [':method', random.mostly('GET', ['POST', 'CONNECT', 'get', '', 'DESCRIBE'])],
    [':scheme', random.mostly('http', ['', 'ftp'])],
    [':authority', random.mostly('localhost', ['', 'a b', 'x:99999'])],
    [':path', random.mostly('/', ['*', '', 'x', '/\0'])],
  ]
  const more = [
    'host',
    'TE',
    'connection',
    'content-length',
    'expect',
    'x-a',
    ':path',
    ':protocol',
    '',
    'x\n',
    'cookie',
  ]
  const extra = random.many(
    3,
    () => [random.pick(more), random.pick(['x', '5', '100-continue', '', '\r\n'])] as const,
  )
  const all = [...pseudo.filter(() => random.chance(97)), ...extra]
  return Buffer.concat(all.map(field))
}

function anyFrame(random: Random): Buffer {
  const stream = random.pick([0, 1, 1, 1, 3, 3, 5, 7, 2, 0x7fffffff, 0x80000001])
  if (random.chance(55))
    return frame(1, random.mostly(random.pick([5, 4]), [0, 1, 0xff, 0x2c]), stream, headerBlock(random))
  const type = random.pick([0, 0, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 9, 10, 16, 255])
  const flags = random.pick([0, 0, 1, 4, 5, 8, 0x20, 0xff])
  const payload = random.bytes(random.pick([0, 4, 5, 6, 8, 8, 12, random.below(100)]))
  const length = random.mostly(payload.length, [0, 1, 16_384, 16_385, 0xffffff], 97)
  return frame(type, flags, stream, payload, length)
}

function http2(random: Random): Buffer {
  const settings = frame(
    4,
    0,
    0,
    random.mostly(Buffer.alloc(0), [random.bytes(6), random.bytes(12), random.bytes(5)]),
  )
  return Buffer.concat([
    preface,
    random.mostly(settings, [Buffer.alloc(0)], 95),
    ...random.many(8, () => anyFrame(random)),
  ])
}

/** Whether the client itself says goodbye in these bytes: then the end is not ours. */
export function saysGoaway(bytes: Buffer): boolean {
  for (let at = preface.length; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 7) return true
  }
  return false
}

export const isPreface = (bytes: Buffer) => bytes.subarray(0, preface.length).equals(preface)

const tokens = [
  '\r\n\r\n',
  '\0',
  '\r\n',
  ' ',
  ':',
  '\x16\x03\x01',
  'HTTP/1.1',
  'chunked',
  '\xff\xff\xff',
  '\t',
  ';',
].map(latin1)

/** One small change at a random place. */
function change(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1)
  const from = bytes.subarray(0, at)
  const to = bytes.subarray(at)
  const some = random.below(16)
  return Buffer.concat(
    random.pick([
      () => [from, random.pick(tokens), to],
      () => [from, random.bytes(1 + random.below(3)), to.subarray(1)],
      () => [from, to.subarray(some)],
      () => [from, to.subarray(0, some), to],
      () => [from],
      () => [from, Buffer.alloc(some, bytes[at] ?? 0), to],
      () => [from, Buffer.from([(bytes[at] ?? 0) ^ (1 << random.below(8))]), to.subarray(1)],
    ])(),
  )
}

export type Ending = 'wait' | 'fin' | 'rst'
/** What the bytes are made as. */
export type Shape = keyof typeof shapes

const shapes = { http1: pipeline, http2, tls, noise }

/** What one client sends, and how it leaves. */
export interface Attempt {
  readonly shape: Shape
  readonly packets: readonly Buffer[]
  readonly ending: Ending
}

/** One attempt, mostly in the shape that the server expects. */
export function attempt(random: Random, expected: Shape): Attempt {
  const shape = random.mostly(expected, ['http1', 'http2', 'tls', 'noise'] as const)
  let bytes = shapes[shape](random)
  if (random.chance(60)) for (const _ of random.many(4, () => 0)) bytes = change(random, bytes)
  const cuts = random.chance(50)
    ? random.many(5, () => random.below(bytes.length + 1)).sort((a, b) => a - b)
    : []
  const packets = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length))
  return {
    shape,
    packets: packets.filter(({ length }) => length > 0),
    ending: random.mostly('wait', ['fin', 'fin', 'rst'], 60),
  }
}
