/* Many unwanted requests and a few visitors, each on a connection of its own. Asked by messages. */
import { connect } from 'node:net'
import { host, refusedPath } from './rules.ts'

export interface Load {
  readonly port: number
  readonly milliseconds: number
}

export interface Heard {
  /** How many got which status; 0 is silence. */
  readonly statuses: Readonly<Record<number, number>>
  /** What the application was sent, in all. */
  readonly bytes: number
}

export interface Answers {
  readonly milliseconds: number
  readonly unwanted: Heard
  readonly visitors: Heard
  /** What is neither an answer nor silence. */
  readonly errors: readonly string[]
}

/** Fewer than the proxy keeps connections for: what it opens anew is not for want of place. */
const AT_ONCE = 8
const ONE_VISITOR_IN = 10
const PATIENCE_MS = 5_000
/** What a refused connection may end with, by the time at which the RST comes. */
const refusals = new Set(['ECONNRESET', 'EPIPE', 'ENOTCONN'])

const requestFor = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: close\r\n\r\n`
const [unwantedRequest, visitorsRequest] = [requestFor(refusedPath), requestFor('/users/42')]

/** Many addresses: else the ports of one would run out. */
let count = 0
const nextAddress = () => `127.9.${(count >>> 8) & 15}.${1 + (count++ % 250)}`

/** Sends one request, and resolves to all that came until the server has closed. */
function ask(port: number, request: string, errors: Set<string>): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', localAddress: nextAddress() })
    socket.setEncoding('latin1').write(request)
    socket.setTimeout(PATIENCE_MS, () => {
      errors.add(`open for ${PATIENCE_MS} ms`)
      socket.destroy()
    })
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('end', () => socket.destroy())
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => refusals.has(code) || errors.add(code))
    socket.on('close', () => resolve(text))
  })
}

function note(heard: { statuses: Record<number, number>; bytes: number }, text: string): number {
  const status = Number(text.slice(9, 12))
  heard.statuses[status] = (heard.statuses[status] ?? 0) + 1
  heard.bytes += text.length
  return status
}

async function load({ port, milliseconds }: Load): Promise<Answers> {
  const [unwanted, visitors] = [
    { statuses: {}, bytes: 0 },
    { statuses: {}, bytes: 0 },
  ]
  const errors = new Set<string>()
  const start = performance.now()
  let turn = 0
  async function one(): Promise<void> {
    while (performance.now() - start < milliseconds) {
      if (turn++ % ONE_VISITOR_IN > 0) {
        note(unwanted, await ask(port, unwantedRequest, errors))
        continue
      }
      const text = await ask(port, visitorsRequest, errors)
      if (note(visitors, text) === 200 && !text.endsWith('fine')) errors.add('200 with a wrong body')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return { milliseconds: performance.now() - start, unwanted, visitors, errors: [...errors] }
}

process.on('message', async (question: Load) => process.send?.(await load(question)))
process.once('disconnect', () => process.exit())
process.send?.({})
