import { ownText } from '../../../runtime/own-text.ts'

/** A rejection that holds for every request that needs at least as much room. Times are of `performance.now()`. */
interface Reject {
  /** When such a request will pass. */
  readonly passes: number
  /** Until when Redis is not asked. */
  readonly until: number
  /** Thousandths of a request that a passing one may find in the bucket: the burst, without what its cost adds. */
  readonly room: number
}

/** How long a rejection is remembered at most: Redis may have lost its data, or an operator may have deleted the key. */
const LONGEST = 60_000

/**
 * Remembers rejections until the key can pass again, so that a flood from one key costs no round trip. There are two generations; the
 * older one is thrown away when the younger is full. So there are never more than `max` keys, and no call takes longer than another.
 */
export class Rejects {
  readonly #max: number
  #young = new Map<string, Reject>()
  #old = new Map<string, Reject>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Milliseconds until a request could pass; 0 where Redis has to be asked. */
  left(key: string, room: number, rate: number, now: number): number {
    let known = this.#young.get(key)
    if (known === undefined) {
      known = this.#old.get(key)
      if (known === undefined) return 0
      // A key that is still asked for moves to the young generation.
      this.#keep(key, known)
    }
    if (known.room < room || known.until <= now) return 0
    // A request that needs more room waits longer.
    return Math.ceil(known.passes - now + ((known.room - room) * 1000) / rate)
  }

  add(key: string, room: number, retryAfter: number, now: number): void {
    const known = this.#young.get(key) ?? this.#old.get(key)
    // The known rejection covers more requests: keep it.
    if (known && known.room > room && known.until > now) return
    this.#keep(key, { passes: now + retryAfter, until: now + Math.min(retryAfter, LONGEST), room })
  }

  #keep(key: string, reject: Reject): void {
    this.#young.set(ownText(key), reject)
    this.#old.delete(key)
    if (this.#young.size < this.#max / 2) return
    this.#old = this.#young
    this.#young = new Map()
  }
}
