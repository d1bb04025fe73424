import { connect } from 'node:net'

/** One request to be sent, byte for byte as given: a client library would correct what is wrong with it. */
export interface Ask {
  /** The loopback address of the client. */
  readonly from: string
  /** The request line. */
  readonly line: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** What must become of it: `'pass'`, `'flood'` (either pass or rateLimit), or the name of the rule that drops it. */
  readonly expect: string
}

/** What the client's socket saw. */
export interface Answer {
  /** Every byte received on the connection. */
  readonly bytes: number
  readonly statusLine: string
  /** Whether the server ended the connection, in whatever way. */
  readonly ended: boolean
}

export interface Target {
  readonly port: number
  /** This machine has 127.0.0.1 alone (macOS): then X-Forwarded-For tells the clients apart. */
  readonly oneAddress: boolean
}

/** Milliseconds of silence after which the client gives up. */
const PATIENCE = 2_000

/** Sends a request on a connection of its own and counts what comes back until the connection ends. */
export function send(ask: Ask, { port, oneAddress }: Target): Promise<Answer> {
  const forwarded = oneAddress ? [['X-Forwarded-For', ask.from] as const] : []
  const headers = [...ask.headers, ...forwarded].map(([name, value]) => `${name}: ${value}\r\n`)
  const request = `${ask.line}\r\n${headers.join('')}Connection: close\r\n\r\n`
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let ended = false
    const socket = connect({ port, host: '127.0.0.1', ...(oneAddress ? {} : { localAddress: ask.from }) })
    socket.setTimeout(PATIENCE, () => socket.destroy())
    socket.once('connect', () => socket.write(request, 'latin1'))
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('end', () => {
      ended = true
    })
    socket.on('error', error => {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') return reject(error)
      ended = true
    })
    socket.on('close', () => {
      const received = Buffer.concat(chunks)
      const [statusLine = ''] = received.toString('latin1').split('\r\n', 1)
      resolve({ bytes: received.length, statusLine, ended })
    })
  })
}
