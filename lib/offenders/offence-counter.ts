import { mixWords, newSecret } from '../counting/keyed-hash.ts'
import { refuse } from '../options/options-error.ts'

const WAYS = 8
/** Before the ring: the key's two words, how many stamps there are, and where the next one goes. */
const HEAD = 4
const WORD = 2 ** 32

/**
 * Counts offences in an exact sliding window, of about `maxKeys` keys of 64 bits, in `4 * (limit + 4) * 1.5` bytes each that
 * are reserved at once: it never grows, and runs no timer.
 *
 * The sets of eight are those of `MemoryStore`. A full set evicts the key with the fewest offences in its window; on a tie the
 * one whose last offence is oldest.
 */
export class OffenceCounter {
  readonly #limit: number
  readonly #window: number
  readonly #slot: number
  readonly #ways: number
  readonly #sets: number
  readonly #words: Uint32Array
  readonly #secret = newSecret()
  /** Stamps are milliseconds since then: 0 is long ago. */
  #base = Number.NaN
  #last = 0
  #size = 0

  /**
   * @param limit whole number from 1
   * @param window milliseconds, below 2^31
   * @throws OptionsError where there is no memory for so much
   */
  constructor(limit: number, window: number, maxKeys: number) {
    this.#limit = limit
    this.#window = window
    this.#slot = HEAD + limit
    this.#ways = Math.min(WAYS, maxKeys)
    this.#sets = maxKeys < WAYS ? 1 : Math.ceil((maxKeys * 1.5) / WAYS)
    try {
      this.#words = new Uint32Array(this.#sets * this.#ways * this.#slot)
    } catch {
      const bytes = 6 * this.#slot
      refuse('repeatOffender', 'maxKeys', maxKeys, `a number that there is memory for, ${bytes} bytes a key`)
    }
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#size
  }

  /** The memory of its table. */
  get bytes(): number {
    return this.#words.byteLength
  }

  /**
   * Counts an offence.
   *
   * @param now milliseconds, whole
   * @returns true if it is one too many; then the key is forgotten
   */
  count(high: number, anyLow: number, now: number): boolean {
    const words = this.#words
    const stamp = this.#stamp(now)
    const low = lowOf(high, anyLow)
    const set = this.#setOf(high, low)
    let at = this.#find(set, high, low)
    if (at < 0) {
      at = this.#makeRoom(set, stamp)
      words[at] = low
      words[at + 1] = high
      words[at + 2] = 0
      words[at + 3] = 0
    }
    const count = words[at + 2] as number
    const next = words[at + 3] as number
    const isFull = count === this.#limit
    if (isFull && stamp - (words[at + HEAD + next] as number) < this.#window) {
      this.#free(at)
      return true
    }
    words[at + HEAD + next] = stamp
    words[at + 3] = next + 1 === this.#limit ? 0 : next + 1
    if (!isFull) words[at + 2] = count + 1
    return false
  }

  /** Forgets the offences of a key; false where there are none. */
  clear(high: number, anyLow: number): boolean {
    const low = lowOf(high, anyLow)
    const at = this.#find(this.#setOf(high, low), high, low)
    if (at >= 0) this.#free(at)
    return at >= 0
  }

  /** Where the key's set begins; a secret decides, so that nobody can aim at another's. */
  #setOf(high: number, low: number): number {
    const place = mixWords(this.#secret, high, low)
    return Math.floor((place * this.#sets) / WORD) * this.#ways * this.#slot
  }

  #find(set: number, anyHigh: number, low: number): number {
    const words = this.#words
    const high = anyHigh >>> 0
    const end = set + this.#ways * this.#slot
    for (let at = set; at < end; at += this.#slot) {
      if (words[at] === low && words[at + 1] === high) return at
    }
    return -1
  }

  #free(at: number): void {
    this.#words[at] = 0
    this.#words[at + 1] = 0
    this.#size--
  }

  /** A free slot of the set, or the one of the least valuable key. */
  #makeRoom(set: number, stamp: number): number {
    const words = this.#words
    let loser = set
    let fewest = Number.POSITIVE_INFINITY
    let oldest = 0
    for (let at = set; at < set + this.#ways * this.#slot; at += this.#slot) {
      if (words[at] === 0 && words[at + 1] === 0) {
        this.#size++
        return at
      }
      const recent = this.#recent(at, stamp)
      const last = this.#stampAt(at, (words[at + 2] as number) - 1)
      if (recent > fewest || (recent === fewest && last >= oldest)) continue
      loser = at
      fewest = recent
      oldest = last
    }
    return loser
  }

  /** How many offences of a slot are in the window: by halves, as they are in order. */
  #recent(at: number, stamp: number): number {
    const count = this.#words[at + 2] as number
    let from = 0
    let to = count
    while (from < to) {
      const middle = (from + to) >>> 1
      if (stamp - this.#stampAt(at, middle) < this.#window) to = middle
      else from = middle + 1
    }
    return count - from
  }

  /** The offence of a slot at this place, the first being the oldest. */
  #stampAt(at: number, index: number): number {
    const count = this.#words[at + 2] as number
    const next = this.#words[at + 3] as number
    const place = count < this.#limit ? index : (next + index) % this.#limit
    return this.#words[at + HEAD + place] as number
  }

  /** A time as 32 bits; a clock that goes back stands still here. */
  #stamp(now: number): number {
    if (Number.isNaN(this.#base)) this.#base = now - this.#window - 1
    this.#last = Math.max(this.#last, now)
    if (this.#last - this.#base >= WORD) this.#rebase()
    return this.#last - this.#base
  }

  /** Once in some weeks. What would come before the new beginning has left the window. */
  #rebase(): void {
    const base = this.#last - this.#window - 1
    const shift = base - this.#base
    const words = this.#words
    for (let at = 0; at < words.length; at += this.#slot) {
      for (let i = at + HEAD; i < at + this.#slot; i++) words[i] = Math.max(0, (words[i] as number) - shift)
    }
    this.#base = base
  }
}

/** Zero marks a free slot, so the key zero shares a slot with the key one. */
const lowOf = (high: number, low: number) => (high === 0 && low === 0 ? 1 : low >>> 0)
