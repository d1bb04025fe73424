import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, beforeEach } from 'node:test'
import { collectDrops, uncaught } from '../support/events.ts'
import type { Edit, ProxyKind, RunningProxy } from '../support/proxies/proxy.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { type BackendOptions, type Backends, startBackends } from './backends.ts'
import { echoOf } from './site.ts'

/** Where attackers and visitors come from: loopback, but not what the proxy has. */
export const ATTACKER = '127.0.0.2'
export const VISITOR = '127.0.0.3'

/** How long a client that is never told is watched, in milliseconds. */
const QUIET = 100

export interface Answer {
  readonly status: number
  readonly body: string
}

/** A proxy with two backends, and those who ask it. */
export class Setup {
  readonly kind: ProxyKind
  readonly proxy: RunningProxy
  readonly backends: Backends
  readonly drops = collectDrops()
  readonly #agent = new http.Agent({ keepAlive: true })
  readonly #clients: RawClient[] = []

  constructor(kind: ProxyKind, proxy: RunningProxy, backends: Backends) {
    this.kind = kind
    this.proxy = proxy
    this.backends = backends
  }

  /** A visitor's request, over kept connections unless `fresh`. */
  ask(path: string, options: http.RequestOptions & { body?: Buffer; fresh?: boolean } = {}): Promise<Answer> {
    const { body, fresh = false, ...rest } = options
    return new Promise((resolve, reject) => {
      const req = http.request({
        ...{ port: this.proxy.port, host: '127.0.0.1', localAddress: VISITOR, path, timeout: 15_000 },
        ...(fresh ? { agent: false } : { agent: this.#agent }),
        ...rest,
      })
      req.on('timeout', () => req.destroy(new Error(`${path}: no answer`))).on('error', reject)
      req.on('response', res => {
        let text = ''
        res.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        res.on('error', reject).on('end', () => resolve({ status: res.statusCode ?? 0, body: text }))
      })
      req.end(body)
    })
  }

  async open(localAddress = ATTACKER): Promise<RawClient> {
    const client = await RawClient.open({ port: this.proxy.port, localAddress })
    this.#clients.push(client)
    return client
  }

  /** An unwanted request: what became of the client. It stays open where it is never told. */
  async attack(bytes: string | Buffer = get('/wp-login.php'), quiet = QUIET): Promise<RawClient> {
    const client = await this.open()
    client.send(bytes)
    await client.ended(this.kind.end === 'open' ? quiet : 4_000)
    return client
  }

  /** Asserts that a client got nothing. */
  assertSilent(client: RawClient): void {
    assert.deepEqual([client.text, client.received, client.end], ['', 0, this.kind.end])
  }

  /** Which backends answer. */
  async up(): Promise<string[]> {
    const names = new Set<string>()
    for (let i = 0; i < 30 && names.size < 2; i++) {
      const { status, body } = await this.ask('/', { fresh: true })
      names.add(status === 200 ? body : String(status))
    }
    return [...names].sort()
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    for (const client of this.#clients) client.destroy()
    this.drops.stop()
    await this.proxy.close()
    await this.backends.close()
  }
}

/** Visitors in a row over connections that are kept, each of whom must get the answer to their own request. */
export async function visit(setup: Setup, prefix: string, count = 6): Promise<void> {
  for (let i = 0; i < count; i++) {
    const id = `${prefix}-${i}`
    const body = Buffer.from(i % 2 ? id.repeat(300) : '')
    const answer = await setup.ask(`/echo/${id}`, { method: i % 2 ? 'POST' : 'GET', body })
    assert.deepEqual(answer, { status: 200, body: echoOf(id, body) })
  }
}

export interface SetupOptions extends BackendOptions {
  edits?: readonly Edit[]
}

/** To be called in a suite: what it starts is closed after each test, and nothing may be left uncaught. */
export function setups(kind: ProxyKind): (options?: SetupOptions) => Promise<Setup> {
  let open: { close(): Promise<void> }[] = []
  beforeEach(() => {
    open = []
  })
  afterEach(async () => {
    for (const setup of open) await setup.close()
    assert.deepEqual(uncaught.splice(0), [])
  })
  return async ({ edits = [], ...options } = {}) => {
    const backends = await startBackends(options)
    const proxy = await kind.start({ upstreams: backends.addresses, edits }).catch(async error => {
      await backends.close()
      throw error
    })
    const setup = new Setup(kind, proxy, backends)
    open.push(setup)
    return setup
  }
}
