import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import fc from 'fast-check'
import { type ClientHello, clientHelloReader, readClientHello } from '../../lib/server/phases/client-hello.ts'
import { helloMessage, record } from './fuzz-grammar.ts'

/** What Node's own client says first. */
async function capture(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ...options }).on('error', () => {})
  const [socket] = await once(server, 'connection')
  const [first] = await once(socket, 'data')
  const bytes: Buffer[] = [first]
  while (Buffer.concat(bytes).length < 5 + first.readUInt16BE(3)) bytes.push((await once(socket, 'data'))[0])
  socket.destroy()
  client.destroy()
  server.close()
  return Buffer.concat(bytes)
}

const tls12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const tls13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

const longName = `${`${'a'.repeat(62)}.`.repeat(3)}${'a'.repeat(61)}`
/** What is read of a hello. */
const said = (serverName?: string, version = 0x0304, protocols?: string[]): ClientHello => ({
  serverName,
  version,
  protocols,
})

const real: readonly (readonly [string, ConnectionOptions, ClientHello])[] = [
  ['TLS 1.2', { ...tls12, servername: 'a.example' }, said('a.example', 0x0303)],
  ['TLS 1.3', { ...tls13, servername: 'a.example' }, said('a.example')],
  ['both versions', { servername: 'a.example' }, said('a.example')],
  ['no name', { servername: '' }, said()],
  ['TLS 1.2 without a name', { ...tls12, servername: '' }, said(undefined, 0x0303)],
  ['upper case', { servername: 'A.Example' }, said('a.example')],
  ['a name of 250 bytes', { servername: longName }, said(longName)],
  ['ALPN', { servername: 'a.example', ALPNProtocols: ['h2', 'x'] }, said('a.example', 0x0304, ['h2', 'x'])],
]

describe("hellos of Node's own client", async () => {
  for (const [name, options, expected] of real) {
    const hello = await capture(options)

    test(`${name}: ${hello.length} bytes`, () => {
      assert.deepEqual(readClientHello(hello), expected)
    })

    test(`${name}: what follows it changes nothing`, () => {
      assert.deepEqual(readClientHello(Buffer.concat([hello, Buffer.from('more')])), expected)
    })

    test(`${name}: each of its beginnings asks for more, and for no more than there is`, () => {
      for (let length = 0; length < hello.length; length++) {
        const need = readClientHello(hello.subarray(0, length))
        assert.ok(typeof need === 'number' && need > length && need <= hello.length, `${length}: ${need}`)
      }
    })

    test(`${name}: a record cut after any byte of the message is read over two records`, () => {
      for (let at = 1; at < hello.length - 5; at++) {
        const message = hello.subarray(5)
        const two = Buffer.concat([record(message.subarray(0, at)), record(message.subarray(at))])
        assert.deepEqual(readClientHello(two), expected, `at ${at}`)
        const need = readClientHello(two.subarray(0, 5 + at))
        assert.ok(typeof need === 'number' && need > 5 + at, `at ${at}: ${need}`)
      }
    })

    test(`${name}: in packets, and in records of a few bytes, it is read as in one`, () => {
      const message = hello.subarray(5)
      const records: Buffer[] = []
      for (let at = 0; at < message.length; at += 7) records.push(record(message.subarray(at, at + 7)))
      for (const whole of [hello, Buffer.concat(records)]) {
        const read = clientHelloReader()
        for (let length = 0; length < whole.length; length += 3)
          assert.equal(typeof read(whole.subarray(0, length)), 'number')
        assert.deepEqual(read(whole), expected)
      }
    })

    test(`${name}: no change of a byte makes it throw, or read on for ever`, () => {
      const changed = Buffer.from(hello)
      for (const [at, original] of hello.entries()) {
        for (const value of [0, 1, 127, 128, 255, original ^ 1, original + 1, original - 1]) {
          changed[at] = value
          assertSound(readClientHello(changed), changed.length)
        }
        changed[at] = original
      }
    })
  }
})

/** The most that a hello may have. */
const MOST = 2 ** 15 + 5 * 2 ** 15

function assertSound(reading: ReturnType<typeof readClientHello>, length: number): void {
  if (typeof reading === 'number') assert.ok(reading > length && reading < MOST, `${reading} of ${length}`)
  else if (typeof reading === 'string') assert.match(reading, /^(not|malformed)-tls$/)
  else {
    assert.ok(Number.isInteger(reading.version), `version ${reading.version}`)
    assert.ok(reading.serverName === undefined || reading.serverName.length > 0)
  }
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(array => Buffer.from(array))
const word = fc.integer({ min: 0, max: 0xffff })
const name = fc.stringMatching(/^[a-z0-9.-]{1,40}$/)
/** Types that say nothing of the name, the protocols or the versions. */
const other = fc.tuple(
  word.filter(type => ![0, 16, 43].includes(type)),
  bytes(30),
)
const grease = fc.integer({ min: 0, max: 15 }).map(digit => digit * 0x1010 + 0x0a0a)

test('any hello: the name and the highest version, wherever they stand among other extensions', () => {
  const parts = fc.record({
    version: fc.constantFrom(0x0301, 0x0302, 0x0303),
    versions: fc.option(fc.array(fc.constantFrom(0x0301, 0x0302, 0x0303, 0x0304), { minLength: 1 })),
    name: fc.option(name),
    extensions: fc.uniqueArray(other, { maxLength: 5, selector: ([type]) => type }),
  })
  fc.assert(
    fc.property(parts, ({ version, versions, name, extensions }) => {
      const message = helloMessage({
        version,
        extensions,
        ...(versions ? { versions } : {}),
        ...(name === null ? {} : { name }),
      })
      const highest = versions ? Math.max(...versions) : version
      assert.deepEqual(readClientHello(record(message)), said(name ?? undefined, highest))
    }),
  )
})

test('GREASE (RFC 8701) is no version, cipher or extension', () => {
  fc.assert(
    fc.property(grease, grease, bytes(4), (one, two, data) => {
      const message = helloMessage({
        name: 'a.example',
        versions: [one, 0x0304, 0x0303, two],
        ciphers: [one, 0x1301],
        extensions: [[two, data]],
      })
      assert.deepEqual(readClientHello(record(message)), said('a.example'))
    }),
  )
})

test('a hello of TLS 1.0 alone', () => {
  const message = helloMessage({ version: 0x0301, name: 'a.example' })
  assert.deepEqual(readClientHello(record(message)), said('a.example', 0x0301))
})

test('a hello without any extension, as old clients send it', () => {
  assert.deepEqual(readClientHello(record(helloMessage({}))), said(undefined, 0x0303))
})

test('a name is read byte for byte; one that is empty, too long or holds a NUL is malformed', () => {
  const named = (name: string | Buffer) => readClientHello(record(helloMessage({ name })))
  assert.deepEqual(named(Buffer.from([0xff, 0x41])), said('\xffa', 0x0303))
  assert.deepEqual(named('a'.repeat(255)), said('a'.repeat(255), 0x0303))
  for (const name of ['', 'a\0b', 'a'.repeat(256)]) assert.equal(named(name), 'malformed-tls', name)
})

test('an extension may come once', () => {
  const twice = {
    extensions: [[10, Buffer.alloc(2)] as [number, Buffer], [10, Buffer.alloc(2)] as [number, Buffer]],
  }
  assert.equal(readClientHello(record(helloMessage(twice))), 'malformed-tls')
})

test('lists that end within an entry, or hold an empty one, are malformed: OpenSSL would send an alert', () => {
  const read = (type: number, ...data: number[]) =>
    readClientHello(record(helloMessage({ extensions: [[type, Buffer.from(data)]] })))
  const broken: [number, ...number[]][] = [
    [16, 0, 3, 2, 0x68],
    [16, 0, 5, 2, 0x68, 0x32, 9, 0x78],
    [16, 0, 4, 2, 0x68, 0x32, 0],
    [16, 0, 0],
    [16],
    [0, 0, 6, 0, 0, 9, 0x61, 0x62, 0x63],
    [0, 0, 4, 0, 0, 1, 0x61, 0x62],
    [0, 0, 4, 7, 0, 1, 0x61],
    [43, 3, 3, 4, 3],
    [43, 4, 3, 4],
    [43, 2, 3, 4, 0],
  ]
  for (const [type, ...data] of broken) assert.equal(read(type, ...data), 'malformed-tls', `${type}: ${data}`)
  assert.deepEqual(read(16, 0, 3, 2, 0x68, 0x32), said(undefined, 0x0303, ['h2']))
})

test('random bytes never throw, and are mostly no TLS', () => {
  fc.assert(
    fc.property(bytes(200), some => {
      assertSound(readClientHello(some), some.length)
      if (some.length > 0 && some[0] !== 22) assert.equal(readClientHello(some), 'not-tls')
    }),
  )
})

test('a record of a handshake with random bytes in it never throws', () => {
  fc.assert(
    fc.property(bytes(300), bytes(60), (body, extensions) => {
      const length = Buffer.from([1, 0, body.length >> 8, body.length & 255])
      assertSound(readClientHello(record(Buffer.concat([length, body]))), body.length + 9)
      const message = helloMessage({ extensions: [0, 16, 43].map(type => [type, extensions] as const) })
      assertSound(readClientHello(record(message)), message.length + 5)
    }),
    { numRuns: 500 },
  )
})

test('what is no hello is told from what is broken', () => {
  const hello = record(helloMessage({ name: 'a.example' }))
  const say = (...values: number[]) => readClientHello(Buffer.from(values))
  assert.equal(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')), 'not-tls')
  assert.equal(readClientHello(Buffer.from('SSH-2.0-x\r\n')), 'not-tls')
  // An alert, application data, and a hello of SSL 2.
  for (const first of [21, 23, 0x80]) assert.equal(say(first, 3, 1, 0, 2, 1, 0), 'not-tls')
  assert.equal(say(22, 2), 'not-tls')
  assert.equal(say(22, 3, 1, 0, 0), 'malformed-tls')
  assert.equal(say(22, 3, 1, 0x40, 0x01), 'malformed-tls')
  // A ServerHello.
  assert.equal(say(22, 3, 3, 0, 4, 2, 0, 0, 0), 'malformed-tls')
  // More than anyone sends is not waited for.
  assert.equal(say(22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff), 'malformed-tls')
  // The second record is of another kind.
  const message = hello.subarray(5)
  const broken = Buffer.concat([record(message.subarray(0, 20)), Buffer.from([23, 3, 3, 0, 1, 0])])
  assert.equal(readClientHello(broken), 'malformed-tls')
})
