import type { Kinds } from './character-kinds.ts'
import { evaluate } from './evaluate.ts'
import type { Program } from './program.ts'
import type { Work } from './work.ts'

/** States that are kept; past that all are made anew. */
const MOST_STATES = 512
/** States that are made for nothing: once in the life of an automaton, by whatever is asked first. */
const FREE_STATES = 64
const UNKNOWN = 0

/** A match begins there, not at the beginning of the text. */
export const HIT = 1
/** Whatever stands before, there is no match. */
export const DEAD = 2

/** What the rest of a text matches, by what the rest behind its first character does: found once for each two, and kept. */
export class States {
  /** By state what is to be known of it: {@link HIT}, {@link DEAD}, or 0. */
  marks = new Uint8Array(0)
  /** How often they were made anew. */
  rounds = 0
  /** Where the last walk has come. */
  state = 0
  readonly #program: Program
  readonly #kinds: Kinds
  /** By state: for each step whether it matches. State 0 is the end of a text. */
  #states: Uint8Array[] = []
  #byKey = new Map<string, number>()
  /** By state and kind: the state before, from 1 on; 0 where it is not known yet. */
  #before = new Int32Array(0)
  /** By state and kind: 1 where a text matches whose first character is of that kind, 2 where it does not. */
  #first = new Uint8Array(0)

  constructor(program: Program, kinds: Kinds) {
    this.#program = program
    this.#kinds = kinds
    this.#clear()
  }

  /** Goes on through ASCII and known states; leaves the state, and returns where it stopped: 0 where it has come through. */
  walk(text: string, from: number, start: number): number {
    const before = this.#before
    const marks = this.marks
    const { ofAscii, count } = this.#kinds
    let state = start
    let at = from
    for (; at > 0; at--) {
      const code = text.charCodeAt(at)
      if (code > 127) break
      const known = before[state * count + (ofAscii[code] as number)] as number
      if (known === UNKNOWN || marks[known - 1] !== 0) break
      state = known - 1
    }
    this.state = state
    return at
  }

  kindOf(code: number): number {
    return code < 128 ? (this.#kinds.ofAscii[code] as number) : this.#kinds.beyond(code)
  }

  /** -1 where it would be too much work. */
  before(state: number, kind: number, work: Work): number {
    const known = this.#before[state * this.#kinds.count + kind] as number
    return known === UNKNOWN || kind < 0 ? this.#find(state, kind, work) : known - 1
  }

  #find(state: number, kind: number, work: Work): number {
    const isFree = this.rounds === 1 && this.#states.length < FREE_STATES
    if (kind < 0 || (!isFree && !work.takes(this.#program.ops.length * 8))) return -1
    const steps = evaluate(this.#program, this.#states[state], this.#kinds.members[kind], false)
    if (this.#states.length >= MOST_STATES) {
      this.#clear()
      return this.#add(steps)
    }
    const found = this.#add(steps)
    this.#before[state * this.#kinds.count + kind] = found + 1
    return found
  }

  /** Whether a whole text matches that begins with a character of this kind. */
  begins(state: number, kind: number): boolean {
    if (kind < 0) return false
    const place = state * this.#kinds.count + kind
    if (this.#first[place] === UNKNOWN) {
      const steps = evaluate(this.#program, this.#states[state], this.#kinds.members[kind], true)
      this.#first[place] = steps[this.#program.entry] === 1 ? 1 : 2
    }
    return this.#first[place] === 1
  }

  #clear(): void {
    this.rounds++
    this.#states = []
    this.#byKey.clear()
    this.#before.fill(UNKNOWN)
    this.#first.fill(UNKNOWN)
    this.#add(evaluate(this.#program, undefined, undefined, false))
  }

  #add(steps: Uint8Array): number {
    const key = String.fromCharCode(...steps)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const state = this.#states.push(steps) - 1
    this.#byKey.set(key, state)
    if (state >= this.marks.length) this.#grow()
    const { entry, alive } = this.#program
    const isDead = alive.length > 0 && alive.every(step => steps[step] === 0)
    this.marks[state] = steps[entry] === 1 ? HIT : isDead ? DEAD : 0
    return state
  }

  #grow(): void {
    const size = Math.max(16, this.marks.length * 2)
    const grown = <T extends Uint8Array | Int32Array>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    this.marks = grown(new Uint8Array(size), this.marks)
    this.#before = grown(new Int32Array(size * this.#kinds.count), this.#before)
    this.#first = grown(new Uint8Array(size * this.#kinds.count), this.#first)
  }
}
