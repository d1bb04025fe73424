import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bucket, Decision } from '../../lib/counting/leaky-bucket.ts'
import { onStoreChange, type StoreEvent } from '../../lib/events/store-outages.ts'
import { redisStore } from '../../lib/redis.ts'
import { GuardedStore } from '../../lib/stores/guarded/guarded-store.ts'
import type { OnStoreError, RateLimitStore } from '../../lib/stores/rate-limit-store.ts'
import { settle } from '../support/events.ts'
import { type Redis, type RedisOptions, startRedis } from '../support/redis.ts'
import type { Client } from './outage-clients.ts'
import type { Fault } from './outage-faults.ts'
import { bucketOf } from './outage-stub-store.ts'

/** One decision that somebody waited for. */
export interface Sample {
  readonly key: string
  readonly at: number
  readonly ms: number
  readonly decision: Decision
}

const WORKERS = 50
/** Milliseconds between two requests of one worker. */
const PAUSE = 100
export const KEYS = 10
/** Of each key under load. */
export const loaded = bucketOf(5, 10)
/** A bucket that does not leak while a test looks. */
export const lasting = (burst: number): Bucket => bucketOf(0.001, burst)

/** Milliseconds that a decision may take here: a machine that runs other tests is slow by itself. */
export const TIMEOUT = 400

/** Waits for something, but no longer than twenty seconds. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !isTrue(); await settle(20)) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
  }
}

let sites = 0

/** A redis-server, a client of it, and a limit that many ask at once. */
export class OutageSite {
  readonly name = `outage-${++sites}`
  readonly events: (StoreEvent & { at: number })[] = []
  readonly samples: Sample[] = []
  /** How long the store itself took for each decision on `late`, in milliseconds. */
  readonly answered: number[] = []
  readonly guarded: GuardedStore
  readonly #options: RedisOptions
  readonly #client: Client
  readonly #stopListening: () => void
  #redis: Redis
  #isOver = false
  #working = 0

  private constructor(redis: Redis, options: RedisOptions, client: Client, onStoreError: OnStoreError) {
    this.#redis = redis
    this.#options = options
    this.#client = client
    this.#stopListening = onStoreChange(event => {
      if (event.store === this.name) this.events.push({ ...event, at: performance.now() })
    })
    const root = redisStore({ sendCommand: (...args) => this.#client.send(...args) })
    const store = this.#watched(root.scope(this.name))
    this.guarded = new GuardedStore(store, { root, name: this.name, onStoreError, timeout: TIMEOUT })
  }

  /** @param connect to a port; whether there is a server yet depends on the fault */
  static async start(
    { args = [], isFirst, strike }: Fault,
    connect: (port: number) => Client | Promise<Client>,
    mode: OnStoreError,
  ): Promise<OutageSite> {
    const dir = await mkdtemp(join(tmpdir(), 'drop444-outage-'))
    const redis = await startRedis({ args, dir })
    if (isFirst) await strike(redis)
    return new OutageSite(redis, { args, dir, port: redis.port }, await connect(redis.port), mode)
  }

  #watched(store: RateLimitStore): RateLimitStore {
    return {
      hit: async (key, bucket, now, cost) => {
        const asked = performance.now()
        const decision = await store.hit(key, bucket, now, cost)
        if (key === 'late') this.answered.push(performance.now() - asked)
        return decision
      },
    }
  }

  get redis(): Redis {
    return this.#redis
  }

  async ask(key: string, bucket: Bucket): Promise<Decision> {
    const at = performance.now()
    const decision = await this.guarded.hit(key, bucket, at)
    this.samples.push({ key, at, ms: performance.now() - at, decision })
    return decision
  }

  /** Once the store has decided. */
  async connected(): Promise<void> {
    await until('the store decides', () => {
      void this.ask('late', lasting(1000))
      return this.answered.length > 0
    })
    await until('it is up', () => this.events.at(-1)?.state !== 'down')
    this.events.length = 0
  }

  /** Many who ask, each again soon after it was answered. */
  load(): void {
    const work = async (worker: number) => {
      await settle((worker * PAUSE) / WORKERS)
      while (!this.#isOver) {
        await this.ask(`key-${worker % KEYS}`, loaded)
        await settle(PAUSE)
      }
      this.#working--
    }
    this.#working = WORKERS
    for (let worker = 0; worker < WORKERS; worker++) void work(worker)
  }

  async heal(heal: Fault['heal']): Promise<void> {
    const other = await heal(this.#redis, this.#options)
    if (!other) return
    await this.#redis.close()
    this.#redis = other
  }

  /** How many requests Redis has counted of a key that does not leak. */
  counted(key: string): number {
    const [name] = this.#redis.cli('KEYS', `*{${key}}`).split('\n')
    return name ? Number.parseInt(this.#redis.cli('GET', name), 10) / 1000 + 1 : 0
  }

  /** Fails where somebody still waits. */
  async stopLoad(): Promise<void> {
    this.#isOver = true
    await until('nobody waits', () => this.#working === 0)
  }

  disconnect(): void {
    this.#client.close()
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#stopListening()
    this.disconnect()
    await this.#redis.close()
    await rm(this.#options.dir as string, { recursive: true, force: true })
  }
}
