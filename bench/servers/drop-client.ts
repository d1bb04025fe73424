/* Opens connections, sends a request on each, and counts what comes back. Asked by messages. */
import { connect } from 'node:net'
import { host, refusedPath } from './rules.ts'

export interface Visits {
  readonly port: number
  readonly count: number
  /** Whether the server ends the connection; else it is ended when the answer is there. */
  readonly waits: boolean
}

export interface Seen {
  /** What the application was sent, on all connections. */
  readonly bytes: number
  /** Of the last answer: its code; 0 where there was none. */
  readonly status: number
  /** Errors other than the server's RST. */
  readonly errors: string[]
}

const agent =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
const request =
  `GET ${refusedPath} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\n` +
  'Accept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\nAccept-Encoding: gzip, br\r\n\r\n'

const AT_ONCE = 32
/** What a refused connection may end with, by the time at which the RST comes. */
const refusals = new Set(['ECONNRESET', 'EPIPE', 'ENOTCONN'])

/** Many addresses: else the ports of one would run out. */
let visit = 0
const nextAddress = () => `127.9.${(visit >>> 8) & 15}.${1 + (visit++ % 250)}`

function come({ port, count, waits }: Visits): Promise<Seen> {
  return new Promise(resolve => {
    let [begun, done, bytes, status] = [0, 0, 0, 0]
    const errors = new Set<string>()
    const open = (): void => {
      begun++
      const socket = connect({ port, host: '127.0.0.1', localAddress: nextAddress() })
      socket.write(request)
      socket.on('data', chunk => {
        bytes += chunk.length
        if (status === 0) status = Number(chunk.toString('latin1', 9, 12))
        if (!waits) socket.destroy()
      })
      socket.on('end', () => socket.destroy())
      socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => refusals.has(code) || errors.add(code))
      socket.on('close', () => {
        done++
        if (begun < count) open()
        else if (done === count) resolve({ bytes, status, errors: [...errors] })
      })
    }
    for (let i = 0; i < Math.min(AT_ONCE, count); i++) open()
  })
}

process.on('message', async (visits: Visits) => process.send?.(await come(visits)))
process.once('disconnect', () => process.exit())
process.send?.({})
