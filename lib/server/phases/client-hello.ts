/** What a TLS ClientHello (RFC 8446 4.1.2) says before any key is used. */
export interface ClientHello {
  /** The name asked for (RFC 6066 3), lower case; undefined where none is. */
  readonly serverName: string | undefined
  /** The highest version offered: 0x0303 is TLS 1.2. */
  readonly version: number
  /** The protocols offered (ALPN, RFC 7301); undefined where that is left open. */
  readonly protocols: readonly string[] | undefined
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A number: so many bytes are needed to go on. A string: what is wrong. */
export type Reading = ClientHello | number | 'not-tls' | 'malformed-tls'

const HANDSHAKE = 22
const CLIENT_HELLO = 1
/** Real ones have some hundred bytes, with post-quantum keys 2,000. */
const MAX_HELLO = 2 ** 15
/** Real ones are in one record, or cut in a few. */
const MAX_RECORDS = 1_024

/** Browsers offer three at most, and so do tools. */
const MAX_PROTOCOLS = 64

/** Reads within bounds; past the end everything is NaN, and `ok` is false for good. */
class Reader {
  ok = true
  #at: number
  readonly #end: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get left(): number {
    return this.ok ? this.#end - this.#at : 0
  }

  number(size: number): number {
    const at = this.#skip(size)
    return at < 0 ? Number.NaN : this.#bytes.readUIntBE(at, size)
  }

  take(size: number): Buffer {
    const at = this.#skip(size)
    return at < 0 ? Buffer.alloc(0) : this.#bytes.subarray(at, at + size)
  }

  /** A vector whose length stands in front, in `size` bytes. */
  vector(size: number): Reader {
    const length = this.number(size)
    const at = this.#skip(length)
    const reader = at < 0 ? new Reader(this.#bytes, 0, 0) : new Reader(this.#bytes, at, at + length)
    reader.ok = this.ok
    return reader
  }

  /** Where the next `size` bytes stand; -1 where there are fewer. */
  #skip(size: number): number {
    if (!(size <= this.left)) {
      this.ok = false
      return -1
    }
    this.#at += size
    return this.#at - size
  }
}

/** Reads the first bytes of a connection as a ClientHello, which may span records and packets. */
export const readClientHello = (bytes: Buffer): Reading => clientHelloReader()(bytes)

/** As {@link readClientHello}, for one connection: each time with what has come so far, of which no record is read twice. */
export function clientHelloReader(): (bytes: Buffer) => Reading {
  /** A copy: what it was read from need not be kept. */
  let message = Buffer.alloc(0)
  let records = 0
  let need = 4
  let at = 0

  /** Takes the next fragment; false where it can't be one of a ClientHello. */
  function take(fragment: Buffer): boolean {
    message = Buffer.concat([message, fragment])
    at += 5 + fragment.length
    if (need === 4 && message.length >= 4) need = 4 + message.readUIntBE(1, 3)
    return message[0] === CLIENT_HELLO && ++records <= MAX_RECORDS && need <= MAX_HELLO
  }

  return function read(bytes) {
    while (message.length < need) {
      const fragment = readRecord(bytes.subarray(at))
      if (typeof fragment === 'string') return at === 0 ? fragment : 'malformed-tls'
      if (typeof fragment === 'number') return at + fragment
      if (!take(fragment)) return 'malformed-tls'
    }
    return readHello(message.subarray(4, need))
  }
}

/** What is in a handshake record (RFC 8446 5.1), how many bytes it needs, or what it is instead. */
function readRecord(record: Buffer): Buffer | number | 'not-tls' | 'malformed-tls' {
  if ((record.length > 0 && record[0] !== HANDSHAKE) || (record.length > 1 && record[1] !== 3))
    return 'not-tls'
  if (record.length < 5) return 5
  const length = record.readUInt16BE(3)
  if (length === 0 || length > 2 ** 14) return 'malformed-tls'
  return record.length < 5 + length ? 5 + length : record.subarray(5, 5 + length)
}

function readHello(body: Buffer): ClientHello | 'malformed-tls' {
  const reader = new Reader(body)
  const version = reader.number(2)
  reader.take(32)
  const session = reader.vector(1)
  const ciphers = reader.vector(2)
  const compressions = reader.vector(1)
  if (!reader.ok || session.left > 32 || ciphers.left < 2 || ciphers.left % 2 === 1 || compressions.left < 1)
    return 'malformed-tls'
  const hello = { serverName: undefined, version, protocols: undefined }
  if (reader.left === 0) return hello
  return readExtensions(reader.vector(2), hello) && reader.ok && reader.left === 0 ? hello : 'malformed-tls'
}

/** Reads into `hello` what is of interest; false where one of them is broken. */
function readExtensions(extensions: Reader, hello: Mutable<ClientHello>): boolean {
  // A bit for each type.
  const seen = new Uint8Array(2 ** 13)
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const data = extensions.vector(2)
    // RFC 8446 4.2: one of a type.
    if (!extensions.ok || ((seen[type >> 3] as number) >> (type & 7)) & 1) return false
    seen[type >> 3] = (seen[type >> 3] as number) | (1 << (type & 7))
    if (type === 0) hello.serverName = readServerName(data)
    else if (type === 16) hello.protocols = readProtocols(data)
    else if (type === 43) hello.version = highestVersion(data)
    else continue
    if (!data.ok || data.left > 0) return false
  }
  return extensions.ok
}

function readServerName(data: Reader): string | undefined {
  const names = data.vector(2)
  // Of the types of names there is only one, host_name, and of that one name.
  const type = names.number(1)
  const name = names.vector(2)
  const text = name.take(name.left).toString('latin1').toLowerCase()
  data.ok &&= names.ok && name.ok && type === 0 && names.left === 0 && /^[^\0]{1,255}$/.test(text)
  return text
}

/** A list of protocols as TLS writes it, a length before each. */
export const readAlpnList = (bytes: Buffer): string[] => readNames(new Reader(bytes))

function readProtocols(data: Reader): string[] {
  const list = data.vector(2)
  const names = readNames(list, MAX_PROTOCOLS)
  data.ok &&= list.ok && list.left === 0 && names.length > 0 && !names.includes('')
  return names
}

function readNames(list: Reader, most = Number.POSITIVE_INFINITY): string[] {
  const protocols: string[] = []
  while (list.left > 0 && protocols.length < most) {
    const name = list.vector(1)
    protocols.push(name.take(name.left).toString('latin1'))
  }
  return protocols
}

/** GREASE values (RFC 8701) and drafts look like versions beyond any. */
function highestVersion(data: Reader): number {
  const versions = data.vector(1)
  data.ok &&= versions.left % 2 === 0
  let highest = 0
  while (versions.left > 0) {
    const version = versions.number(2)
    if (version <= 0x0304 && version > highest) highest = version
  }
  return highest
}
