import type { Bucket, Decision } from '../../counting/leaky-bucket.ts'
import { overrides } from '../../counting/several-limits.ts'
import type { Hit, RateLimitStore } from '../rate-limit-store.ts'
import { storeKey } from './store-key.ts'
import type { WindowCounter } from './window-counter.ts'

/** A counter counts a cost one by one: so many of these calls are under way at once. */
const BATCH = 100

export interface WindowSettings {
  readonly windowMs: number
  /** The limit of a window, in place of what the bucket allows. */
  readonly limit?: number
}

interface Charge {
  readonly key: string
  readonly decision: Decision
  /** How much was counted, and would have to be taken back. */
  readonly counted: number
}

const allowed: Decision = /* @__PURE__ */ Object.freeze({ allowed: true, delay: 0, retryAfter: 0 })
const rejected = (retryAfter: number): Decision => ({ allowed: false, delay: 0, retryAfter })

/** Decides by a counter of fixed windows: so many requests in each. */
export class WindowStore implements RateLimitStore {
  readonly bucket: Bucket | undefined
  readonly #counter: WindowCounter
  readonly #settings: WindowSettings
  readonly #prefix: string

  constructor(counter: WindowCounter, settings: WindowSettings, prefix: string) {
    this.#counter = counter
    this.#settings = settings
    this.#prefix = prefix
    const { limit, windowMs } = settings
    if (limit === undefined) return
    this.bucket = {
      rate: (limit * 1e6) / windowMs,
      burst: (limit - 1) * 1000,
      delay: Number.POSITIVE_INFINITY,
    }
  }

  scope(name: string): RateLimitStore {
    return new WindowStore(this.#counter, this.#settings, `${this.#prefix}${encodeURIComponent(name)}:`)
  }

  async probe(): Promise<void> {
    await this.#counter.increment(storeKey(`${this.#prefix}probe`))
  }

  async hit(key: string, bucket: Bucket, _now: number, cost = 1): Promise<Decision> {
    const limit = this.#limitOf(bucket)
    const name = this.#keyOf(key, limit)
    const charge = await this.#charge(name, limit, cost)
    // A full window stays full, so a single count may stay. A cost is taken back, as a part of it may have fit in.
    if (!charge.decision.allowed && cost > 1) await this.#takeBack(charge.key, charge.counted)
    return charge.decision
  }

  async hitAll(hits: readonly Hit[], _now: number): Promise<Decision> {
    const taken = new Set<string>()
    const asked = hits.map(({ key, bucket, cost = 1 }, i) => {
      const limit = this.#limitOf(bucket)
      const plain = this.#keyOf(key, limit)
      // Two equal limits count apart.
      const own = taken.has(plain) ? `${plain} ${i}` : plain
      taken.add(own)
      return this.#charge(own, limit, cost)
    })
    const { values, failure } = await allOf(asked)
    if (failure || values.some(({ decision }) => !decision.allowed)) {
      await Promise.all(values.map(({ key, counted }) => this.#takeBack(key, counted)))
    }
    if (failure) throw failure.reason
    return longest(values)
  }

  /** Counts a request. A rejected one stays counted: taking it back is for the caller. */
  async #charge(name: string, limit: number, cost: number): Promise<Charge> {
    const key = storeKey(name)
    if (cost > limit) return { key, counted: 0, decision: rejected(Number.POSITIVE_INFINITY) }
    let last = await this.#counter.increment(key)
    let counted = 1
    while (counted < cost && last.hits <= limit) {
      const more = Array.from({ length: Math.min(BATCH, cost - counted) }, () => this.#counter.increment(key))
      const { values, failure } = await allOf(more)
      counted += values.length
      if (failure) {
        await this.#takeBack(key, counted)
        throw failure.reason
      }
      last = values.reduce((most, count) => (count.hits > most.hits ? count : most))
    }
    return { key, counted, decision: last.hits <= limit ? allowed : rejected(last.left) }
  }

  async #takeBack(key: string, counted: number): Promise<void> {
    await Promise.all(Array.from({ length: counted }, () => this.#counter.decrement(key)))
  }

  /** What one window lets through. nginx rounds a rate down, so the result is not. */
  #limitOf({ rate, burst }: Bucket): number {
    const { limit, windowMs } = this.#settings
    return limit ?? Math.max(1, Math.round((rate * windowMs) / 1e6 + burst / 1000))
  }

  #keyOf(key: string, limit: number): string {
    return `${this.#prefix}${limit}:${key}`
  }
}

function longest(charges: readonly Charge[]): Decision {
  let limit = 0
  for (const [i, { decision }] of charges.entries()) {
    if (overrides(decision, (charges[limit] as Charge).decision)) limit = i
  }
  return { ...(charges[limit] as Charge).decision, limit }
}

/** Waits for all promises, also if one fails, because the others may have counted. */
async function allOf<T>(promises: readonly Promise<T>[]) {
  const settled = await Promise.allSettled(promises)
  const values = settled.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  return { values, failure: settled.find(each => each.status === 'rejected') }
}
