import { Kinds } from './character-kinds.ts'
import { Op, type Program } from './program.ts'
import type { Expression } from './read-expression.ts'

/** A way from one character of an expression to the next: the place of the next one, and its kinds as bits. */
export interface Edge {
  readonly to: number
  readonly kinds: bigint
}

/** The place before a match, which may begin anywhere in a text. Its edges are those of the expression's beginning. */
export const ANYWHERE = -1

export interface Edges {
  from(place: number): readonly Edge[]
  readonly places: readonly number[]
  /** Whether a match can no longer fail after a place. */
  isSafe(place: number): boolean
}

/** The most ways from one character to the next. An expression with more is not judged. */
const MOST_WAYS = 2_000
const MOST_PLACES = 200

/**
 * The edges between the characters of an expression, one for each way: two ways to the same place are two edges. A lookahead
 * about a single character narrows the kinds; a longer one is ignored. Undefined if there are too many.
 */
export function edgesOf(expression: Expression, program: Program): Edges | undefined {
  const places = [...program.ops.keys()].filter(step => program.ops[step] === Op.CHARACTER)
  const kinds = new Kinds(expression.sets)
  if (places.length > MOST_PLACES || kinds.members.length > MOST_PLACES) return undefined
  const reader = new EdgeReader(expression, program, kinds)
  const isRead =
    places.every(place => reader.read(place, program.next[place] as number)) &&
    reader.read(ANYWHERE, program.entry)
  if (!isRead) return undefined
  const beginnings = reader.edges.get(ANYWHERE) as Edge[]
  // An expression with `^` at its start has no beginning elsewhere.
  if (beginnings.length > 0) beginnings.push({ to: ANYWHERE, kinds: reader.all })
  return { from: place => reader.edges.get(place) ?? [], places, isSafe: place => reader.safe.has(place) }
}

interface Way {
  readonly step: number
  readonly allowed: bigint
  /** A `$` was passed: no character may follow. */
  readonly isEnding: boolean
}

class EdgeReader {
  readonly edges = new Map<number, Edge[]>()
  readonly safe = new Set<number>()
  readonly all: bigint
  readonly #program: Program
  /** The kinds of each set. */
  readonly #bits: readonly bigint[]
  /** The kinds of the characters that requests contain: printable ASCII, no line ends. */
  readonly #visible: bigint

  constructor({ sets }: Expression, program: Program, { members, ofAscii }: Kinds) {
    const bit = (kind: number) => 1n << BigInt(kind)
    this.all = bit(members.length) - 1n
    this.#program = program
    this.#bits = sets.map((_, set) =>
      members.reduce((bits, has, kind) => (has[set] === 1 ? bits | bit(kind) : bits), 0n),
    )
    this.#visible = [...ofAscii.subarray(0x20, 0x7f)].reduce((bits, kind) => bits | bit(kind), 0n)
  }

  /** Reads the edges of a place from the step that follows it; false if there are too many ways. */
  read(place: number, start: number): boolean {
    const edges: Edge[] = []
    const ways: Way[] = [{ step: start, allowed: this.all, isEnding: false }]
    for (let way = ways.pop(), count = 0; way; way = ways.pop()) {
      if (++count > MOST_WAYS) return false
      const op = this.#program.ops[way.step]
      if (op === Op.MATCH) this.#end(place, way)
      else if (op !== Op.CHARACTER) ways.push(...this.#follow(way))
      else {
        const kinds = way.allowed & (this.#bits[this.#program.other[way.step] as number] as bigint)
        if (kinds !== 0n && !way.isEnding) edges.push({ to: way.step, kinds })
      }
    }
    this.edges.set(place, edges)
    return true
  }

  #end(place: number, { isEnding }: Way): void {
    const bits = place < 0 ? 0n : (this.#bits[this.#program.other[place] as number] as bigint)
    if (!isEnding || (bits & this.#visible) === this.#visible) this.safe.add(place)
  }

  #follow(way: Way): Way[] {
    const { ops, next, other } = this.#program
    const [step, second] = [next[way.step] as number, other[way.step] as number]
    switch (ops[way.step]) {
      case Op.SPLIT:
        return [
          { ...way, step },
          { ...way, step: second },
        ]
      case Op.LOOK:
        return [{ ...way, step, allowed: way.allowed & (this.#looked(second) ?? this.all) }]
      case Op.LOOK_NOT:
        return [{ ...way, step, allowed: way.allowed & ~(this.#looked(second) ?? 0n) }]
      case Op.END:
        return [{ ...way, step, isEnding: true }]
      default:
        // `^` behind a character never matches.
        return []
    }
  }

  /** The kinds that a lookahead asks for; undefined if it asks for more than one character. */
  #looked(step: number): bigint | undefined {
    const { ops, next, other } = this.#program
    const [follower, second] = [next[step] as number, other[step] as number]
    if (ops[step] === Op.CHARACTER) return ops[follower] === Op.MATCH ? this.#bits[second] : undefined
    if (ops[step] !== Op.SPLIT) return undefined
    const [one, another] = [this.#looked(follower), this.#looked(second)]
    return one === undefined || another === undefined ? undefined : one | another
  }
}
