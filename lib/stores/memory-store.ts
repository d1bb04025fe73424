import { fingerprint, mixWords, takeFingerprint } from '../counting/keyed-hash.ts'
import { type Bucket, type Decision, elapsed, firstRequest, nextRequest } from '../counting/leaky-bucket.ts'
import { decideAll } from '../counting/several-limits.ts'
import { SlotTable, slotLow } from '../counting/slot-table.ts'
import { refuse } from '../options/options-error.ts'
import type { Hit, RateLimitStore } from './rate-limit-store.ts'

/** Words of a slot: the key's two, the lower ones of excess and time, and one for what of those is above 32 bits. */
const SLOT = 5
const WORD = 2 ** 32
/** In a slot's last word, between 8 bits of the excess and 23 of the time. */
const REJECTED = 1 << 8
const MOST_EXCESS = 2 ** 40 - 1

/**
 * Keeps about `maxKeys` keys in this process, in 30 bytes each that are reserved at once: it never grows, and runs no timer.
 *
 * When it is full, the key whose bucket is empty soonest is forgotten: a flood of new keys evicts idle clients, not limited ones.
 */
export class MemoryStore implements RateLimitStore {
  readonly #table: SlotTable
  readonly #words: Int32Array
  /** The state being decided on, reused so that a request that passes allocates nothing. */
  readonly #state = { excess: 0, last: 0 }

  /** @throws OptionsError where `maxKeys` is no whole number from 1 to 100,000,000, or needs more memory than there is */
  constructor(maxKeys: number) {
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1 || maxKeys > 1e8) {
      refuse('MemoryStore', 'maxKeys', maxKeys, 'a whole number from 1 to 100000000')
    }
    try {
      this.#table = new SlotTable(maxKeys, SLOT)
    } catch {
      refuse('MemoryStore', 'maxKeys', maxKeys, 'a number that there is memory for, 30 bytes a key')
    }
    this.#words = this.#table.words
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#table.size
  }

  /** Decides on one request of a key, and counts it unless it is rejected: see {@link RateLimitStore.hit}. */
  hit(key: string, bucket: Bucket, now: number, cost = 1): Decision {
    return this.#decideText(key, bucket, now, cost, true)
  }

  /** Decides by several limits; if one rejects, none counts: see {@link RateLimitStore.hitAll}. */
  hitAll(hits: readonly Hit[], now: number): Decision {
    return decideAll(hits.length, (i, counts) => {
      const { key, bucket, cost = 1 } = hits[i] as Hit
      return this.#decideText(key, bucket, now, cost, counts)
    })
  }

  /**
   * As `hit`, but only asks.
   *
   * @internal
   */
  peek(key: string, bucket: Bucket, now: number, cost: number): Decision {
    return this.#decideText(key, bucket, now, cost, false)
  }

  #decideText(key: string, bucket: Bucket, now: number, cost: number, counts: boolean): Decision {
    takeFingerprint(this.#table.secret, key)
    const high = fingerprint[0] as number
    return this.#decide(high >>> 0, high, fingerprint[1] as number, bucket, now, cost, counts)
  }

  /**
   * As `hit`, for a key of 64 bits: no string is made of an address.
   *
   * @internal
   */
  hitWords(high: number, low: number, bucket: Bucket, now: number, cost = 1, counts = true): Decision {
    const place = mixWords(this.#table.secret, high, low)
    return this.#decide(place, high | 0, low | 0, bucket, now, cost, counts)
  }

  /** `place`, out of 2^32, says which set is the key's. */
  #decide(
    place: number,
    high: number,
    anyLow: number,
    bucket: Bucket,
    now: number,
    cost: number,
    counts: boolean,
  ): Decision {
    const table = this.#table
    const state = this.#state
    const low = slotLow(high, anyLow)
    const set = table.setOf(place)
    let at = table.find(set, high, low)
    if (at < 0) {
      const decision = firstRequest(bucket, state, now, cost)
      if (!counts || !decision.allowed) return decision
      at = this.#makeRoom(set, bucket, now)
      table.write(at, high, low)
      this.#write(at)
      return decision
    }
    const last = this.#last(at)
    state.excess = this.#excess(at)
    state.last = last
    const decision = nextRequest(bucket, state, now, cost)
    if (decision.allowed && counts) {
      this.#write(at)
      return decision
    }
    if (now < last) this.#setBack(at, Math.trunc(now) - elapsed(last, now))
    if (!decision.allowed) this.#words[at + 4] = (this.#words[at + 4] as number) | REJECTED
    return decision
  }

  /** A free slot of the set, or the one of the least valuable key. */
  #makeRoom(set: number, { rate }: Bucket, now: number): number {
    const table = this.#table
    const words = this.#words
    const end = table.endOf(set)
    let least = Number.POSITIVE_INFINITY
    let loser = set
    for (let at = set; at < end; at += SLOT) {
      if (table.takeIfFree(at)) return at
      // Rejected requests add to the load: a key limited without a burst would otherwise look as idle as one that asked once.
      const asked = this.#excess(at) + ((words[at + 4] as number) & REJECTED ? 1000 : 0)
      // Negative if the bucket has been empty for long: of idle keys, the one idle longest goes.
      const load = asked - (rate * elapsed(this.#last(at), now)) / 1000
      if (load < least) {
        least = load
        loser = at
      }
    }
    return loser
  }

  #excess(at: number): number {
    return ((this.#words[at + 4] as number) & 0xff) * WORD + ((this.#words[at + 2] as number) >>> 0)
  }

  #last(at: number): number {
    return ((this.#words[at + 4] as number) >> 9) * WORD + ((this.#words[at + 3] as number) >>> 0)
  }

  /** Keeps the state at hand, as of a request that was not rejected. */
  #write(at: number): void {
    const { last } = this.#state
    const excess = Math.min(this.#state.excess, MOST_EXCESS)
    this.#words[at + 2] = excess
    this.#words[at + 3] = last
    this.#words[at + 4] = (Math.floor(last / WORD) << 9) | (excess / WORD)
  }

  /** The clock was set back: from then on the state runs off by what it says now, also where nothing is counted. */
  #setBack(at: number, last: number): void {
    const kept = (this.#words[at + 4] as number) & (REJECTED | 0xff)
    this.#words[at + 3] = last
    this.#words[at + 4] = (Math.floor(last / WORD) << 9) | kept
  }
}
