import assert from 'node:assert/strict'
import { afterEach, beforeEach } from 'node:test'
import type { DropEvent, Rule } from '../../lib/index.ts'
import { collectDrops, uncaught } from './events.ts'
import { exchange, get, type RawOptions, type Wire } from './raw-client.ts'
import { type Kind, type Middleware, type RunningServer, start } from './servers.ts'

/** What came of one request: it passed, or the event of its drop. */
export type Outcome = 'pass' | DropEvent

/** A server of one kind with rules, asked one raw request at a time. */
export class Site {
  #server: RunningServer
  #drops = collectDrops()
  /** Requests that reached the app. */
  calls: string[] = []

  private constructor(server: RunningServer) {
    this.#server = server
  }

  static async start(
    rules: readonly (Rule | Middleware)[],
    kind: Pick<Kind, 'server' | 'app'> = { server: 'http', app: 'express5' },
  ): Promise<Site> {
    const calls: string[] = []
    const server = await start(kind, rules, (req, res) => {
      calls.push(req.url as string)
      res.end('fine')
    })
    const site = new Site(server)
    site.calls = calls
    return site
  }

  get port(): number {
    return this.#server.port
  }

  get events(): DropEvent[] {
    return this.#drops.events
  }

  /** Sends raw bytes that make one request with `Connection: close`. */
  async send(bytes: string, options: Partial<RawOptions> = {}): Promise<Wire> {
    return exchange({ port: this.port, ...options }, bytes)
  }

  /** The outcome of one request. Silence is asserted: a dropped one got no byte and FIN. */
  async ask(
    path = '/',
    headers: Record<string, string> = {},
    options: Partial<RawOptions> = {},
  ): Promise<Outcome> {
    return this.outcome(get(path, { Connection: 'close', ...headers }), options)
  }

  async outcome(bytes: string, options: Partial<RawOptions> = {}): Promise<Outcome> {
    const before = this.#drops.events.length
    const wire = await this.send(bytes, options)
    const event = this.#drops.events[before]
    if (!event) {
      assert.match(wire.data.toString(), /fine$/)
      return 'pass'
    }
    assert.equal(this.#drops.events.length, before + 1)
    if (event.action === 'close') assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    return event
  }

  async close(): Promise<void> {
    this.#drops.stop()
    await this.#server.close()
  }
}

/** Starts sites that are closed after each test, and asserts that nothing went uncaught. */
export function sites(): typeof Site.start {
  let open: Site[] = []
  beforeEach(() => {
    open = []
  })
  afterEach(async () => {
    for (const site of open) await site.close()
    assert.deepEqual(uncaught.splice(0), [])
  })
  return async (rules, kind) => {
    const site = await Site.start(rules, kind)
    open.push(site)
    return site
  }
}

/** `pass`, or `reason` and `detail` of the drop. */
export function brief(outcome: Outcome): string {
  if (outcome === 'pass') return 'pass'
  return outcome.detail === undefined ? outcome.reason : `${outcome.reason}: ${outcome.detail}`
}
