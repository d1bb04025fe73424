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
/** Real ones are in one record, or cut in a few; each is read again with each packet. */
const MAX_RECORDS = 1_024

/** Reads within bounds; past the end everything is NaN, and `ok` is false for good. */
class Reader {
  ok = true
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.ok ? this.#bytes.length - this.#at : 0
  }

  number(size: number): number {
    const bytes = this.take(size)
    return bytes.length === size ? bytes.readUIntBE(0, size) : Number.NaN
  }

  take(size: number): Buffer {
    if (!(size <= this.left)) {
      this.ok = false
      return Buffer.alloc(0)
    }
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  /** A vector whose length stands in front, in `size` bytes. */
  vector(size: number): Reader {
    const reader = new Reader(this.take(this.number(size)))
    reader.ok = this.ok
    return reader
  }
}

/** Reads the first bytes of a connection as a ClientHello, which may span records and packets. */
export function readClientHello(bytes: Buffer): Reading {
  const fragments: Buffer[] = []
  let have = 0
  let need = 4
  for (let at = 0; have < need; ) {
    const fragment = readRecord(bytes.subarray(at))
    if (typeof fragment === 'string') return at === 0 ? fragment : 'malformed-tls'
    if (typeof fragment === 'number') return at + fragment
    fragments.push(fragment)
    have += fragment.length
    at += 5 + fragment.length
    if (fragments[0]?.[0] !== CLIENT_HELLO) return 'malformed-tls'
    if (fragments.length > MAX_RECORDS) return 'malformed-tls'
    if (need === 4 && have >= 4) need = 4 + Buffer.concat(fragments).readUIntBE(1, 3)
    if (need > MAX_HELLO) return 'malformed-tls'
  }
  return readHello(Buffer.concat(fragments).subarray(4, need))
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
  const seen = new Set<number>()
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const data = extensions.vector(2)
    // RFC 8446 4.2: one of a type.
    if (seen.has(type)) return false
    seen.add(type)
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
  const names = readNames(list)
  data.ok &&= list.ok && names.length > 0 && !names.includes('')
  return names
}

function readNames(list: Reader): string[] {
  const protocols: string[] = []
  while (list.left > 0) {
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
