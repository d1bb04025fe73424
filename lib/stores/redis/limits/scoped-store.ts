import { allowedAt, type Bucket, type Decision } from '../../../counting/leaky-bucket.ts'
import { overrides } from '../../../counting/several-limits.ts'
import { isKeyError } from '../../../diagnostics/key-error.ts'
import type { OffenderStore } from '../../../offenders/offender-store.ts'
import type { Hit, OnStoreError, RateLimitStore } from '../../rate-limit-store.ts'
import { safeName } from '../cluster-slot.ts'
import { askInSlots } from './across-slots.ts'
import { type Batches, CrossSlotError, isInOneSlot } from './batches.ts'
import type { Counted } from './limit-request.ts'
import type { Rejects } from './recent-rejects.ts'

/** Rate limits and offenders in Redis or Valkey. Made by {@link redisStore}. */
export interface RedisStore extends RateLimitStore {
  /** Decides by several limits in one call; if one rejects, none counts: see {@link RateLimitStore.hitAll}. */
  hitAll(hits: readonly Hit[], now: number): Decision | Promise<Decision>
  /** Decides on one request of a key, by the clock of Redis: see {@link RateLimitStore.hit}. */
  hit(key: string, bucket: Bucket, now: number, cost?: number): Decision | Promise<Decision>
  /** The same store with a name in front of each key. */
  scope(name: string): RedisStore
  /** What `repeatOffender({ store })` shares. */
  readonly offenders: OffenderStore
  /** Resolves if Redis can count: it writes a key that expires at once. */
  probe(keys?: readonly string[]): Promise<void>
}

/** Shared by all scopes of one store: they go over one client. */
export interface RedisParts {
  readonly batches: Batches
  readonly rejects: Rejects
  readonly offenders: OffenderStore
  readonly timeout: number | undefined
  readonly onStoreError: OnStoreError | undefined
}

/** Above this many rates the memo of key prefixes starts empty again. */
const MAX_RATES = 1000

const rejected = (retryAfter: number): Decision => ({ allowed: false, delay: 0, retryAfter })

/** The bucket of a probe: it always passes, and its key expires after a millisecond. */
const probing: Bucket = { rate: 1e6, burst: 1e6, delay: Number.POSITIVE_INFINITY }

/** The most that a request may find in the bucket and still pass. */
const roomFor = ({ bucket, cost }: { bucket: Bucket; cost: number }) => bucket.burst - (cost - 1) * 1000

/** The script's reply for one key as a decision. */
function decide({ bucket }: Counted, value: number): Decision {
  return value < 0 ? rejected(-1 - value) : allowedAt(bucket, value)
}

/** The decision of the limit that takes longest, among those whose reply is known; undefined if none is. */
function longest(decisions: Iterable<readonly [limit: number, decision: Decision]>): Decision | undefined {
  let found: Decision | undefined
  for (const [limit, decision] of decisions) {
    if (!found || overrides(decision, found)) found = { ...decision, limit }
  }
  return found
}

/** A store whose keys begin with a name. */
export class ScopedStore implements RedisStore {
  readonly offenders: OffenderStore
  readonly timeout: number | undefined
  readonly onStoreError: OnStoreError | undefined
  readonly #parts: RedisParts
  readonly #prefix: string
  /** What the keys of a rate begin with. */
  readonly #heads = new Map<number, string>()

  constructor(parts: RedisParts, prefix: string) {
    this.#parts = parts
    this.#prefix = prefix
    this.offenders = parts.offenders
    this.timeout = parts.timeout
    this.onStoreError = parts.onStoreError
  }

  scope(name: string): RedisStore {
    return new ScopedStore(this.#parts, `${this.#prefix}${safeName(name)}:`)
  }

  hit(key: string, bucket: Bucket, _now: number, cost = 1): Decision | Promise<Decision> {
    const now = performance.now()
    const counted = { key: this.#keyOf(key, bucket.rate), bucket, cost }
    const wait = this.#wait(counted, now)
    if (wait > 0) return rejected(wait)
    return this.#ask([counted], true, now, (values, from) => decide(counted, values[from] as number))
  }

  hitAll(hits: readonly Hit[], _now: number): Decision | Promise<Decision> {
    if (hits.length === 0) return { allowed: true, delay: 0, retryAfter: 0 }
    const now = performance.now()
    const asks = this.#distinct(hits)
    const known = longest(
      asks
        .map((counted, limit) => [limit, rejected(this.#wait(counted, now))] as const)
        .filter(([, { retryAfter }]) => retryAfter > 0),
    )
    return known ?? this.#askAll(asks, now)
  }

  async probe(keys?: readonly string[]): Promise<void> {
    const { failedTag = 'probe' } = this.#parts.batches
    // A frozen node raises no error: only the calls that timed out say which of the keys are on it.
    const tags = keys?.map(safeName) ?? [failedTag]
    const probes = tags.map(tag => {
      const counted = { key: `${this.#prefix}probe:{${tag}}`, bucket: probing, cost: 1 }
      return this.#ask([counted], true, performance.now(), () => undefined)
    })
    const answers = await Promise.allSettled(probes)
    for (const answer of answers) {
      // A KeyError is an answer too: the node is alive.
      if (answer.status === 'rejected' && !isKeyError(answer.reason)) throw answer.reason
    }
  }

  /** Milliseconds until it could pass, where that is known without asking; else 0. */
  #wait(counted: Counted, now: number): number {
    const room = roomFor(counted)
    if (room < 0) return Number.POSITIVE_INFINITY
    return this.#parts.rejects.left(counted.key, room, counted.bucket.rate, now)
  }

  #ask<T>(
    asks: readonly Counted[],
    counts: boolean,
    at: number,
    read: (values: readonly number[], from: number) => T,
  ): Promise<T> {
    const { batches, rejects } = this.#parts
    return new Promise((resolve, fail) => {
      batches.ask({
        asks,
        counts,
        at,
        fail,
        answer(values, from) {
          for (let i = 0; i < asks.length; i++) {
            const value = values[from + i] as number
            if (value < 0) {
              const counted = asks[i] as Counted
              // A millisecond less: Redis's are rounded down.
              rejects.add(counted.key, roomFor(counted), -2 - value, at)
            }
          }
          resolve(read(values, from))
        },
      })
    })
  }

  async #askAll(asks: readonly Counted[], at: number): Promise<Decision> {
    const ask = (part: readonly Counted[], counts: boolean) =>
      this.#ask(part, counts, at, (values, from) => values.slice(from, from + part.length))
    const { batches } = this.#parts
    let values: readonly number[]
    try {
      values = await (batches.isCluster && !isInOneSlot({ asks }) ? askInSlots(asks, ask) : ask(asks, true))
    } catch (error) {
      if (!(error instanceof CrossSlotError)) throw error
      values = await askInSlots(asks, ask)
    }
    return longest(values.map((value, i) => [i, decide(asks[i] as Counted, value)])) as Decision
  }

  #distinct(hits: readonly Hit[]): Counted[] {
    const taken = new Set<string>()
    return hits.map(({ key, bucket, cost = 1 }, i) => {
      const plain = this.#keyOf(key, bucket.rate)
      // Two limits of one rate and one key count apart.
      const name = taken.has(plain) ? `${plain}${i}` : plain
      taken.add(name)
      return { key: name, bucket, cost }
    })
  }

  #keyOf(key: string, rate: number): string {
    let head = this.#heads.get(rate)
    if (head === undefined) {
      head = `${this.#prefix}${rate}:{`
      if (this.#heads.size === MAX_RATES) this.#heads.clear()
      this.#heads.set(rate, head)
    }
    return `${head}${safeName(key)}}`
  }
}
