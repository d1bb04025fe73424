import assert from 'node:assert/strict'
import type { Server } from 'node:net'
import type { TestContext } from 'node:test'
import { type DropEvent, type ProtectOptions, protect } from '../../lib/index.ts'
import { collectDrops, settle } from '../support/events.ts'
import { RawClient, type RawOptions } from '../support/raw-client.ts'
import { type Handler, type ServerKind, start } from '../support/servers.ts'

/** How much later than its limit an end may come, ms. */
const GRACE = 1_000
/** The client's clock starts a little after the server's. */
const SKEW = 30

const fine: Handler = (_req, res) => res.end('fine')

let count = 0

/** A guarded server. Its events are known by the name of its guard, so that tests can wait side by side. */
export class SlowSite {
  readonly to: RawOptions
  readonly server: Server
  readonly #name: string
  readonly #events: DropEvent[]
  readonly #t: TestContext

  private constructor(t: TestContext, to: RawOptions, server: Server, name: string, events: DropEvent[]) {
    this.#t = t
    this.to = to
    this.server = server
    this.#name = name
    this.#events = events
  }

  static async start(
    t: TestContext,
    kind: ServerKind,
    options: ProtectOptions,
    handler = fine,
  ): Promise<SlowSite> {
    const name = `slow-${++count}`
    const running = await start({ server: kind, app: 'bare' }, [], handler)
    const drops = collectDrops()
    const { port, server } = running
    protect(server, { name, ...options })
    t.after(async () => {
      drops.stop()
      await running.close()
    })
    const isTls = kind !== 'http' && kind !== 'h2c'
    const alpn = kind === 'http2' ? ['h2'] : ['http/1.1']
    return new SlowSite(t, { port, ...(isTls ? { tls: true, alpn } : {}) }, server, name, drops.events)
  }

  get events(): DropEvent[] {
    return this.#events.filter(({ rule }) => rule === this.#name)
  }

  /** A connection that speaks what the server speaks, or plain TCP. */
  async open(options: Partial<RawOptions> = {}): Promise<RawClient> {
    const client = await RawClient.open({ ...this.to, ...options })
    client.mark()
    this.#t.after(() => client.destroy())
    return client
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, open) => (error ? reject(error) : resolve(open)))
    })
  }

  async until(done: () => boolean | Promise<boolean>, patience = 2_000): Promise<boolean> {
    const end = performance.now() + patience
    while (performance.now() < end) {
      if (await done()) return true
      await settle(10)
    }
    return done()
  }

  /** Nothing is left of what was ended, and one event tells of it, also after the next looks at the connections. */
  async assertOneEvent(reason: string): Promise<DropEvent> {
    assert.ok(await this.until(async () => (await this.connections()) === 0), 'a connection is left')
    await settle(300)
    const { events } = this
    assert.deepEqual(
      events.map(({ reason, action }) => `${reason} ${action}`),
      [`${reason} ${events[0]?.action}`],
    )
    return events[0] as DropEvent
  }

  /** Ended in time, by one event, with no byte since `client.mark()` or the last send. */
  async assertSilentEnd(
    client: RawClient,
    reason: string,
    limit: number,
    since?: number,
  ): Promise<DropEvent> {
    const wire = await client.ended(limit + 2 * GRACE)
    assert.notEqual(wire.end, 'open')
    assert.equal(wire.wireBytes, 0)
    assertInTime(since === undefined ? wire.elapsed : performance.now() - since, limit)
    return this.assertOneEvent(reason)
  }
}

/** That a limit was kept, to within one second. */
export function assertInTime(elapsed: number, limit: number): void {
  assert.ok(elapsed >= limit - SKEW && elapsed <= limit + GRACE, `${Math.round(elapsed)} ms of ${limit} ms`)
}

/** Sends a byte of `bytes` each `pause` ms, until all are sent or the connection has ended. */
export async function drip(client: RawClient, bytes: string | Buffer, pause: number): Promise<void> {
  for (const byte of Buffer.from(bytes as string, 'latin1')) {
    if (client.end !== 'open') return
    client.send(Buffer.of(byte))
    await client.until(() => client.end !== 'open', pause)
  }
}
