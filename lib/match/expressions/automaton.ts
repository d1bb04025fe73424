import { Kinds } from './character-kinds.ts'
import { evaluate } from './evaluate.ts'
import { compileProgram, Op, type Program } from './program.ts'
import { readExpression } from './read-expression.ts'
import { HIT, States } from './states.ts'
import type { Work } from './work.ts'

/** The fixed cost of one test, in steps: with a thousand automata none is in the CPU's cache. */
const TO_BEGIN = 128

/** The state at each place of the text that `spells` read last. Shared by all automata. */
let trail = /* @__PURE__ */ new Int32Array(1_024)

/**
 * Tests an expression in time linear in the text. The text is read from its end: at each place it is known which steps the rest
 * matches, so a lookahead costs nothing. The result for a set of steps and a kind of character is kept (see {@link States}).
 */
export class Automaton {
  readonly #program: Program
  readonly #states: States

  private constructor(program: Program, kinds: Kinds) {
    this.#program = program
    this.#states = new States(program, kinds)
  }

  /** Undefined if the expression is more than a regular language, or too large. */
  static of(expression: RegExp): Automaton | undefined {
    const read = readExpression(expression)
    const program = read && compileProgram(read)
    if (!program || (program.hasCircles && program.ops.includes(Op.LOOK_NOT))) return undefined
    return new Automaton(program, new Kinds(read.sets))
  }

  /** `RegExp.test`; undefined if it would be too much work. */
  test(text: string, work: Work): boolean | undefined {
    if (text.length === 0)
      return evaluate(this.#program, undefined, undefined, true)[this.#program.entry] === 1
    let state = 0
    work.takes(TO_BEGIN)
    for (let at = text.length - 1; at > 0; ) {
      if (!work.takes(1)) return undefined
      const stop = this.#states.walk(text, at, state)
      work.takes(at - stop)
      state = this.#states.state
      if (stop === 0) break
      state = this.#states.before(state, this.#states.kindOf(text.charCodeAt(stop)), work)
      if (state < 0) return undefined
      if (this.#states.marks[state] !== 0) return this.#states.marks[state] === HIT
      at = stop - 1
    }
    return this.#states.begins(state, this.#states.kindOf(text.charCodeAt(0)))
  }

  /**
   * Whether the expression spells out the characters at `places` (in falling order) of a text it matches: with one of `others`
   * in any one of these places it no longer matches. Undefined if it would be too much work.
   */
  spells(text: string, places: readonly number[], others: string, work: Work): boolean | undefined {
    if (!work.takes(text.length + 1)) return undefined
    const rounds = this.#states.rounds
    const hits = this.#follow(text, work)
    if (!hits) return undefined
    for (const place of places) {
      // A match that begins after the place does not depend on its character.
      if (hits.last > place) return false
      for (const other of others) {
        const matches = this.#matchesWith(text, place, other.charCodeAt(0), hits.first, work)
        if (matches !== false) return matches === undefined ? undefined : false
      }
    }
    return rounds === this.#states.rounds ? true : undefined
  }

  /** Writes the state at each place into `trail`. Returns where the first and the last match begin; undefined if too much work. */
  #follow(text: string, work: Work): { first: number; last: number } | undefined {
    if (trail.length <= text.length) trail = new Int32Array(text.length * 2)
    let state = 0
    let first = text.length + 1
    let last = -1
    trail[text.length] = state
    for (let at = text.length - 1; at > 0; at--) {
      state = this.#states.before(state, this.#states.kindOf(text.charCodeAt(at)), work)
      if (state < 0) return undefined
      trail[at] = state
      if (this.#states.marks[state] !== HIT) continue
      first = at
      last = Math.max(last, at)
    }
    return { first: this.#states.begins(state, this.#states.kindOf(text.charCodeAt(0))) ? 0 : first, last }
  }

  /** Whether the text of `trail` still matches with another character at a place. Undefined if too much work. */
  #matchesWith(
    text: string,
    place: number,
    other: number,
    firstHit: number,
    work: Work,
  ): boolean | undefined {
    let state = trail[place + 1] as number
    let code = other
    for (let at = place; at > 0; at--) {
      state = this.#states.before(state, this.#states.kindOf(code), work)
      if (state < 0) return undefined
      if (this.#states.marks[state] === HIT) return true
      if (state === trail[at]) return firstHit <= at
      if ((at & 63) === 0 && !work.takes(64)) return undefined
      code = text.charCodeAt(at - 1)
    }
    return this.#states.begins(state, this.#states.kindOf(code))
  }
}
