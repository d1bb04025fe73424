import { newSecret } from './keyed-hash.ts'

const WAYS = 8
const WORD = 2 ** 32

/**
 * A set-associative table of keys of 64 bits: about `maxKeys` slots of `slot` words each, reserved at once, so it never grows.
 *
 * There is room for half as many keys again (below 8, for exactly `maxKeys`), in sets of eight. The first two words of a slot are
 * its key, low word first; the others are the caller's. A secret of the table decides which set a key belongs to, so that no
 * client can aim at another's. The caller decides which key leaves a full set.
 */
export class SlotTable {
  readonly words: Int32Array
  /** For the hash that gives a key its place. */
  readonly secret = newSecret()
  readonly #sets: number
  readonly #slot: number
  readonly #set: number
  #size = 0

  /** @throws RangeError where there is no memory for so much */
  constructor(maxKeys: number, slot: number) {
    this.#slot = slot
    this.#set = Math.min(WAYS, maxKeys) * slot
    this.#sets = maxKeys < WAYS ? 1 : Math.ceil((maxKeys * 1.5) / WAYS)
    this.words = new Int32Array(this.#sets * this.#set)
  }

  /** How many slots are taken. */
  get size(): number {
    return this.#size
  }

  /** Where the set of a place begins; `place` is a hash of the key, out of 2^32. */
  setOf(place: number): number {
    return Math.floor((place * this.#sets) / WORD) * this.#set
  }

  /** Where a set ends. */
  endOf(set: number): number {
    return set + this.#set
  }

  /** The slot of a key in its set, or -1. */
  find(set: number, high: number, low: number): number {
    const { words } = this
    const slot = this.#slot
    const end = set + this.#set
    let at = set
    while (at < end && (words[at] !== low || words[at + 1] !== high)) at += slot
    return at < end ? at : -1
  }

  /** Takes a slot if it is free. */
  takeIfFree(at: number): boolean {
    if (this.words[at] !== 0 || this.words[at + 1] !== 0) return false
    this.#size++
    return true
  }

  /** Gives a slot a key. */
  write(at: number, high: number, low: number): void {
    this.words[at] = low
    this.words[at + 1] = high
  }

  /** Makes a slot free again. */
  free(at: number): void {
    this.write(at, 0, 0)
    this.#size--
  }
}

/** The low word of a key as a slot keeps it. Zero marks a free slot, so the key zero shares a slot with the key one. */
export const slotLow = (high: number, low: number): number => (high === 0 && low === 0 ? 1 : low)
