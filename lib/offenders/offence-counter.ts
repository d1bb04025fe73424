import { mixWords } from '../counting/keyed-hash.ts'
import { SlotTable, slotLow } from '../counting/slot-table.ts'
import { refuse } from '../options/options-error.ts'

/** Before the ring: the key's two words, how many stamps there are, and where the next one goes. */
const HEAD = 4
const WORD = 2 ** 32

/**
 * Counts offences in an exact sliding window, of about `maxKeys` keys of 64 bits, in `4 * (limit + 4) * 1.5` bytes each that
 * are reserved at once: it never grows, and runs no timer.
 *
 * Keys stand in a {@link SlotTable}. A full set evicts the key with the fewest offences in its window; on a tie the
 * one whose last offence is oldest.
 */
export class OffenceCounter {
  readonly #limit: number
  readonly #window: number
  readonly #slot: number
  readonly #table: SlotTable
  readonly #words: Int32Array
  /** Stamps are milliseconds since then: 0 is long ago. */
  #base = Number.NaN
  #last = 0

  /**
   * @param limit whole number from 1
   * @param window milliseconds, below 2^31
   * @throws OptionsError where there is no memory for so much
   */
  constructor(limit: number, window: number, maxKeys: number) {
    this.#limit = limit
    this.#window = window
    this.#slot = HEAD + limit
    try {
      this.#table = new SlotTable(maxKeys, this.#slot)
    } catch {
      const bytes = 6 * this.#slot
      refuse('repeatOffender', 'maxKeys', maxKeys, `a number that there is memory for, ${bytes} bytes a key`)
    }
    this.#words = this.#table.words
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#table.size
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
    const low = slotLow(high, anyLow | 0)
    const set = this.#setOf(high, low)
    let at = this.#table.find(set, high | 0, low)
    if (at < 0) {
      at = this.#makeRoom(set, stamp)
      this.#table.write(at, high, low)
      words[at + 2] = 0
      words[at + 3] = 0
    }
    const count = words[at + 2] as number
    const next = words[at + 3] as number
    const isFull = count === this.#limit
    if (isFull && stamp - ((words[at + HEAD + next] as number) >>> 0) < this.#window) {
      this.#table.free(at)
      return true
    }
    words[at + HEAD + next] = stamp
    words[at + 3] = next + 1 === this.#limit ? 0 : next + 1
    if (!isFull) words[at + 2] = count + 1
    return false
  }

  /** Forgets the offences of a key; false where there are none. */
  clear(high: number, anyLow: number): boolean {
    const low = slotLow(high, anyLow | 0)
    const at = this.#table.find(this.#setOf(high, low), high | 0, low)
    if (at >= 0) this.#table.free(at)
    return at >= 0
  }

  /** Where the set of a key begins. */
  #setOf(high: number, low: number): number {
    return this.#table.setOf(mixWords(this.#table.secret, high, low))
  }

  /** A free slot of the set, or the one of the least valuable key. */
  #makeRoom(set: number, stamp: number): number {
    const table = this.#table
    const words = this.#words
    const end = table.endOf(set)
    let loser = set
    let fewest = Number.POSITIVE_INFINITY
    let oldest = 0
    for (let at = set; at < end; at += this.#slot) {
      if (table.takeIfFree(at)) return at
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
    return (this.#words[at + HEAD + place] as number) >>> 0
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
      for (let i = at + HEAD; i < at + this.#slot; i++)
        words[i] = Math.max(0, ((words[i] as number) >>> 0) - shift)
    }
    this.#base = base
  }
}
