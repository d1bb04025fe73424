import type { Kinds } from './character-kinds.ts'
import { evaluate } from './evaluate.ts'
import type { Program } from './program.ts'
import type { Work } from './work.ts'

/** States that are kept. When there are more, all are thrown away. */
const MOST_STATES = 512
/** The first states of an automaton are not charged to {@link Work}: they are made once, whichever path comes first. */
const FREE_STATES = 64
const UNKNOWN = 0

/** A match begins at this place, which is not the beginning of the text. */
export const HIT = 1
/** No match, whatever comes before. */
export const DEAD = 2

/** The sets of steps that rests of texts match. The state of a rest follows from that of the rest one shorter, and is then kept. */
export class States {
  /** By state: {@link HIT}, {@link DEAD}, or 0. */
  marks = new Uint8Array(0)
  /** How often the states were thrown away, and 1: numbers of states are valid within one round. */
  rounds = 0
  /** The state in which the last {@link walk} stopped. */
  state = 0
  readonly #program: Program
  readonly #kinds: Kinds
  /** By state, then by step: 1 if the step matches. State 0 is the end of a text. */
  #states: Uint8Array[] = []
  #byKey = new Map<string, number>()
  /** By state and kind of the character before it: the next state to the left, plus 1; 0 if it is not known yet. */
  #before = new Int32Array(0)
  /** By state and kind of the first character of the text: 1 if the whole text matches, 2 if not, 0 if it is not known yet. */
  #first = new Uint8Array(0)

  constructor(program: Program, kinds: Kinds) {
    this.#program = program
    this.#kinds = kinds
    this.#clear()
  }

  /** Walks left over ASCII characters and known states. Returns where it stopped, 0 for the start of the text; sets `state`. */
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

  /** The state to the left of `state` behind a character of this kind; -1 if it would be too much work. */
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

  /** Whether the whole text matches if its first character is of this kind. */
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
