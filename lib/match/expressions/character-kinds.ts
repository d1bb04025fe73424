import type { CharacterSet } from './character-set.ts'

/** Characters beyond ASCII whose kind is kept. */
const MOST_KNOWN = 1_000
/** Kinds that characters beyond ASCII may add to those of ASCII, besides two for each set that may contain such characters. */
const SPARE = 8
const ASCII = 128

/** Divides characters into kinds: two characters are of one kind if each set of the expression contains both or neither. */
export class Kinds {
  /** The kind of each ASCII character by its code. */
  readonly ofAscii = new Uint8Array(ASCII)
  /** The upper limit of kinds. */
  readonly count: number
  /** By kind, then by set: 1 if the characters of the kind are in the set. */
  readonly members: Uint8Array[]
  readonly #sets: readonly CharacterSet[]
  readonly #beyond = new Map<number, number>()

  constructor(sets: readonly CharacterSet[]) {
    this.#sets = sets
    let count = 1
    for (const { ascii } of sets) count = this.#divide(ascii, count)
    const open = sets.filter(({ letter }) => letter === undefined || letter > '~').length
    this.count = count + SPARE + 2 * open
    this.members = Array.from({ length: count }, () => new Uint8Array(sets.length))
    for (let code = 0; code < ASCII; code++) {
      const members = this.members[this.ofAscii[code] as number] as Uint8Array
      for (const [set, { ascii }] of sets.entries()) members[set] = ascii[code] as number
    }
  }

  /** Splits each kind into the characters that are in a set and those that are not. Returns how many kinds there are now. */
  #divide(has: Uint8Array, count: number): number {
    const divided = new Uint8Array(2 * count)
    let made = 0
    for (let code = 0; code < ASCII; code++) {
      const place = 2 * (this.ofAscii[code] as number) + (has[code] as number)
      if (divided[place] === 0) divided[place] = ++made
      this.ofAscii[code] = (divided[place] as number) - 1
    }
    return made
  }

  /** The kind of a character beyond ASCII; -1 if it would be one kind too many. */
  beyond(code: number): number {
    const known = this.#beyond.get(code)
    if (known !== undefined) return known
    const character = String.fromCharCode(code)
    const members = Uint8Array.from(this.#sets, set => Number(set.has(character)))
    const same = this.members.findIndex(each => each.every((member, set) => member === members[set]))
    if (same < 0 && this.members.length >= this.count) return -1
    const kind = same < 0 ? this.members.push(members) - 1 : same
    if (this.#beyond.size >= MOST_KNOWN) this.#beyond.clear()
    this.#beyond.set(code, kind)
    return kind
  }
}
