import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import type { Rule } from '../../lib/index.ts'
import { cpuTime } from '../support/cpu-time.ts'

/** How often an input is tried: what another process or the compiler takes is not in the least time of them. */
const TIMES = 40
/** The target of other requests, between those that are timed. */
const between = '/between'
/** Less than this is nothing. */
const ENOUGH = 0.05

/** The least CPU time of several, in milliseconds. */
export function leastTime(work: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < TIMES && least > ENOUGH; i++) least = Math.min(least, cpuTime(work))
  return least
}

/** Judges requests by a rule, as they come over a socket, and takes the time of each. */
export class Judged {
  readonly #server: http.Server
  #times: number[] = []
  #rule: Rule = (_req, _res, next) => next()

  private constructor(server: http.Server) {
    this.#server = server
  }

  static async start(): Promise<Judged> {
    const server = http.createServer()
    const judged = new Judged(server)
    server.on('request', (req, res) => judged.#judge(req, res))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return judged
  }

  #judge(req: IncomingMessage, res: ServerResponse): void {
    const time = cpuTime(() => this.#rule(req, res, () => {}))
    if (req.url !== between) this.#times.push(time)
    req.socket.destroy()
  }

  /** The least time that the rule takes with a head; undefined where Node refuses it. */
  async timeOf(rule: Rule, head: string): Promise<number | undefined> {
    this.#times = []
    this.#rule = rule
    for (let i = 0; i < TIMES && !this.#times.some(time => time < ENOUGH); i++) {
      // What is remembered of the last request must not help with the next.
      await this.#send(`GET ${between} HTTP/1.1\r\nHost: between\r\n\r\n`)
      await this.#send(head)
      if (this.#times.length === 0) return undefined
    }
    return Math.min(...this.#times)
  }

  #send(head: string): Promise<void> {
    const { port } = this.#server.address() as AddressInfo
    return new Promise(resolve => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write(head, 'latin1'))
      socket.on('error', () => {}).on('close', () => resolve())
      // Node's own answer to what it refuses.
      socket.on('data', () => socket.destroy())
    })
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()))
  }
}
