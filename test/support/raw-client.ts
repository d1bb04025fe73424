import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** How a connection ended, as the kernel told the client. `open`: it had not, when the patience was over. */
export type End = 'fin' | 'rst' | 'open'

export interface Wire {
  /** What the application was sent. */
  readonly data: Buffer
  /** Bytes on the TCP connection since the last {@link RawClient.mark}: TLS records included. */
  readonly wireBytes: number
  readonly end: End
  /** Milliseconds from the last send to the end. */
  readonly elapsed: number
}

export interface RawOptions {
  port: number
  host?: string
  localAddress?: string
  /** Speak TLS, with these ALPN protocols. */
  tls?: boolean
  alpn?: string[]
  servername?: string
}

/**
 * A client that sees what a client library hides: every byte on the wire, FIN or RST, and when. Under TLS the TCP socket
 * is kept in our own hands, so that records without application data are counted too.
 */
export class RawClient {
  readonly tcp: Socket
  #stream: Socket | TLSSocket
  #chunks: Buffer[] = []
  #marked = 0
  #received = 0
  #tickets = 0
  #end: End = 'open'
  #sentAt = 0
  #endedAt = 0
  #waiters = new Set<() => void>()

  private constructor(tcp: Socket, stream: Socket | TLSSocket) {
    this.tcp = tcp
    this.#stream = stream
  }

  static async open(options: RawOptions): Promise<RawClient> {
    const { port, host = '127.0.0.1', localAddress } = options
    const tcp = connect({ port, host, allowHalfOpen: true, ...(localAddress ? { localAddress } : {}) })
    await new Promise<void>((resolve, reject) => tcp.once('connect', resolve).once('error', reject))
    const stream = options.tls ? tlsOver(tcp, options) : tcp
    const client = new RawClient(tcp, stream)
    client.#watch()
    if (stream !== tcp) {
      await new Promise<void>((resolve, reject) =>
        stream.once('secureConnect', resolve).once('error', reject),
      )
      // The two session tickets of TLS 1.3 belong to the handshake.
      const hasTickets = () => client.#tickets === 2 || (stream as TLSSocket).getProtocol() !== 'TLSv1.3'
      await client.until(() => hasTickets() || client.#end !== 'open')
    }
    return client
  }

  #watch(): void {
    const wake = () => {
      for (const waiter of this.#waiters) waiter()
    }
    const ended = (end: End) => {
      if (this.#end === 'open') {
        this.#end = end
        this.#endedAt = performance.now()
      }
      wake()
    }
    this.tcp.on('data', chunk => {
      this.#received += chunk.length
      wake()
    })
    this.tcp.on('end', () => ended('fin'))
    this.tcp.on('error', () => ended('rst'))
    this.tcp.on('close', () => wake())
    this.#stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      wake()
    })
    if (this.#stream === this.tcp) return
    this.#stream.on('error', () => {})
    this.#stream.on('session', () => {
      this.#tickets++
      wake()
    })
  }

  get data(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.data.toString('latin1')
  }

  get end(): End {
    return this.#end
  }

  get received(): number {
    return this.#received
  }

  /** From here on `wireBytes` counts. */
  mark(): void {
    this.#marked = this.#received
    this.#sentAt = performance.now()
  }

  send(bytes: string | Buffer): void {
    this.mark()
    this.#stream.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends FIN. */
  finish(): void {
    this.tcp.end()
  }

  /** Waits until `done`, or until patience (ms) is over. */
  async until(done: () => boolean, patience = 20_000): Promise<boolean> {
    if (done()) return true
    return new Promise<boolean>(resolve => {
      const settle = (result: boolean) => {
        clearTimeout(timer)
        this.#waiters.delete(check)
        resolve(result)
      }
      const check = () => {
        if (done()) settle(true)
      }
      const timer = setTimeout(() => settle(done()), patience)
      this.#waiters.add(check)
    })
  }

  /** Waits for the end of the connection and tells what was seen. */
  async ended(patience = 20_000): Promise<Wire> {
    await this.until(() => this.#end !== 'open', patience)
    // What came with the end is decrypted a turn later.
    await new Promise(resolve => setImmediate(resolve))
    const wire: Wire = {
      data: this.data,
      wireBytes: this.#received - this.#marked,
      end: this.#end,
      elapsed: (this.#end === 'open' ? performance.now() : this.#endedAt) - this.#sentAt,
    }
    return wire
  }

  destroy(): void {
    this.tcp.destroy()
  }
}

/** TLS over a Duplex, so that Node does not take the TCP handle out of our sight. */
function tlsOver(tcp: Socket, { alpn, servername }: RawOptions): TLSSocket {
  const pipe = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      tcp.write(chunk, () => done())
    },
    final(done) {
      tcp.end(() => done())
    },
  })
  tcp.on('data', chunk => pipe.push(chunk))
  tcp.on('end', () => pipe.push(null))
  tcp.on('close', () => pipe.destroy())
  pipe.on('error', () => {})
  return connectTls({
    socket: pipe as Socket,
    rejectUnauthorized: false,
    ...(alpn ? { ALPNProtocols: alpn } : {}),
    servername: servername ?? 'localhost',
  })
}

/**
 * At once, in milliseconds, also where the machine is busy with other things: less than any time limit would take, Node's or
 * ours.
 */
export const SOON = 4_000

/** Opens a connection, sends, waits for its end. */
export async function exchange(
  options: RawOptions,
  bytes: string | Buffer,
  patience?: number,
): Promise<Wire> {
  const client = await RawClient.open(options)
  client.send(bytes)
  const wire = await client.ended(patience)
  client.destroy()
  return wire
}

/** The bytes of a plain HTTP/1.1 request. */
export function get(path = '/', headers: Record<string, string> = {}): string {
  const fields = { Host: 'localhost', 'User-Agent': 'raw/1', ...headers }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
