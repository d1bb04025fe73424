import { ANYWHERE, type Edges, edgesOf } from './edges.ts'
import { compileProgram } from './program.ts'
import { readExpression } from './read-expression.ts'

/** How the time of a backtracking engine grows with the length of a text that an expression almost matches. */
export type Slowness = 'exponential' | 'polynomial'

/** Combinations of places that are looked at; an expression with more is not judged. */
const MOST = 20_000

/**
 * How slow an expression can become. If the number of ways to match one text grows with its length (Weideman and others, 2016),
 * an engine that tries them one by one takes a time that grows faster than the text. Undefined if the number does not grow, or if
 * that can't be decided.
 */
export function slownessOf(expression: RegExp): Slowness | undefined {
  const known = judged.get(expression)
  if (known !== undefined) return known || undefined
  const slowness = judge(expression)
  judged.set(expression, slowness ?? '')
  return slowness
}

/** Kept, as the routes of an app are looked at several times. */
const judged = new WeakMap<RegExp, Slowness | ''>()

function judge(expression: RegExp): Slowness | undefined {
  if (!/[*+]|\{\d+,\}/.test(expression.source)) return undefined
  const read = readExpression(expression, true)
  const program = read && compileProgram(read)
  if (!program) return undefined
  // A repetition of something that may be empty: (a*)*
  if (program.hasCircles) return 'exponential'
  const edges = edgesOf(read, program)
  return edges && new Ways(edges).slowness()
}

type Together = readonly number[]

class Ways {
  readonly #edges: Edges
  readonly #reached = new Map<number, ReadonlySet<number>>()
  #left = MOST

  constructor(edges: Edges) {
    this.#edges = edges
    for (const place of [ANYWHERE, ...edges.places]) this.#reached.set(place, this.#reach(place))
  }

  slowness(): Slowness | undefined {
    const loops = [ANYWHERE, ...this.#edges.places].filter(place => this.#isWay(place, place))
    const failing = loops.filter(place => !this.#edges.isSafe(place))
    if (failing.some(place => this.#isTwofold(place))) return 'exponential'
    const isShared = failing.some(last => loops.some(first => first !== last && this.#isShared(first, last)))
    return isShared ? 'polynomial' : undefined
  }

  #reach(start: number): ReadonlySet<number> {
    const reached = new Set<number>()
    const queue = [start]
    for (const place of queue) {
      for (const { to } of this.#edges.from(place)) {
        if (reached.has(to)) continue
        reached.add(to)
        queue.push(to)
      }
    }
    return reached
  }

  #isWay(from: number, to: number): boolean {
    return this.#reached.get(from)?.has(to) === true
  }

  /** Whether one text leads from a place back to it in two ways. */
  #isTwofold(place: number): boolean {
    const isInside = (each: number) => this.#isWay(place, each) && this.#isWay(each, place)
    if (this.#edges.places.some(each => isInside(each) && this.#hasTwins(each, isInside))) return true
    const apart = this.#walk([[place, place]], together => together.every(isInside))
    const divided = apart.filter(([one, another]) => one !== another)
    return this.#walk(divided, together => together.every(isInside)).some(
      ([one, another]) => one === place && another === place,
    )
  }

  /** Whether two ways lead from a place to the same next one, by the same character. */
  #hasTwins(place: number, isInside: (place: number) => boolean): boolean {
    const byPlace = new Map<number, bigint>()
    for (const { to, kinds } of this.#edges.from(place)) {
      const others = byPlace.get(to) ?? 0n
      if (isInside(to) && (others & kinds) !== 0n) return true
      byPlace.set(to, others | kinds)
    }
    return false
  }

  /** Whether one text leads from `first` to itself, from `first` to `last`, and from `last` to itself. */
  #isShared(first: number, last: number): boolean {
    if (!this.#isWay(first, last)) return false
    const isOnTheWay = ([one, between, another]: Together) =>
      this.#isWay(one as number, first) &&
      this.#isWay(between as number, last) &&
      this.#isWay(another as number, last)
    return this.#walk([[first, first, last]], isOnTheWay).some(
      ([one, between, another]) => one === first && between === last && another === last,
    )
  }

  /** All combinations of places that one text reaches together from `starts`, in one step or more. */
  #walk(starts: readonly Together[], isOf: (together: Together) => boolean): Together[] {
    const seen = new Set<string>()
    const found: Together[] = []
    const queue = [...starts]
    for (const together of queue) {
      for (const next of this.#step(together)) {
        const key = next.join()
        if (seen.has(key) || !isOf(next)) continue
        if (--this.#left < 0) return []
        seen.add(key)
        found.push(next)
        queue.push(next)
      }
    }
    return found
  }

  /** The combinations that one character reaches from these places. */
  #step(together: Together): Together[] {
    let ways: { places: number[]; kinds: bigint }[] = [{ places: [], kinds: -1n }]
    for (const place of together) {
      ways = ways.flatMap(({ places, kinds }) =>
        this.#edges
          .from(place)
          .filter(edge => (edge.kinds & kinds) !== 0n)
          .map(edge => ({ places: [...places, edge.to], kinds: edge.kinds & kinds })),
      )
    }
    return ways.map(({ places }) => places)
  }
}
