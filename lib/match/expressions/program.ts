import type { Expression, Tree } from './read-expression.ts'

export const Op = { CHARACTER: 0, SPLIT: 1, LOOK: 2, LOOK_NOT: 3, START: 4, END: 5, MATCH: 6 } as const

/** An expression as steps. Each step either matches the rest of a text or does not. Step 0 is the end of every match. */
export interface Program {
  readonly ops: Uint8Array
  /** The step that follows. */
  readonly next: Int32Array
  /** For CHARACTER the set; for SPLIT the other following step; for LOOK the first step of the lookahead. */
  readonly other: Int32Array
  /** Where the expression begins. */
  readonly entry: number
  /** The steps in an order in which each comes after those it depends on at the same place of a text. */
  readonly order: Int32Array
  /** If none of these steps matches the rest, no longer rest matches either. Empty if that can't be said. */
  readonly alive: readonly number[]
  /** Whether steps at one place depend on each other in a circle, as in a repetition of something that may be empty. */
  readonly hasCircles: boolean
}

/** The most steps. A longer expression stays a RegExp. */
const MOST = 4_000

/** Compiles an expression into steps, from its end to its beginning; undefined if there are too many. */
export function compileProgram({ tree }: Expression): Program | undefined {
  const ops: number[] = [Op.MATCH]
  const next: number[] = [0]
  const other: number[] = [0]

  const step = (op: number, follower: number, second = 0): number => {
    next.push(follower)
    other.push(second)
    return ops.push(op) - 1
  }

  function write(node: Tree, follower: number): number {
    if (ops.length > MOST) return follower
    switch (node.kind) {
      case 'character':
        return step(Op.CHARACTER, follower, node.set)
      case 'sequence':
        return node.items.reduceRight((behind, item) => write(item, behind), follower)
      case 'choice':
        return node.items
          .map(item => write(item, follower))
          .reduceRight((behind, entry) => step(Op.SPLIT, entry, behind))
      case 'repeat':
        return repeat(node, follower)
      case 'look':
        return step(node.isNegated ? Op.LOOK_NOT : Op.LOOK, follower, write(node.item, 0))
      default:
        return step(node.kind === 'start' ? Op.START : Op.END, follower)
    }
  }

  function repeat({ item, min, max }: Tree & { kind: 'repeat' }, follower: number): number {
    let entry = follower
    if (max === Number.POSITIVE_INFINITY) {
      entry = step(Op.SPLIT, follower, 0)
      other[entry] = write(item, entry)
    } else {
      for (let i = min; i < max && ops.length <= MOST; i++)
        entry = step(Op.SPLIT, follower, write(item, entry))
    }
    for (let i = 0; i < min && ops.length <= MOST; i++) entry = write(item, entry)
    return entry
  }

  const entry = write(tree, 0)
  if (ops.length > MOST) return undefined
  const { order, hasCircles } = arrange(ops, next, other)
  return {
    ops: Uint8Array.from(ops),
    next: Int32Array.from(next),
    other: Int32Array.from(other),
    entry,
    order: Int32Array.from(order),
    alive: aliveSteps(ops, next, other, entry),
    hasCircles,
  }
}

/** All steps outside lookaheads, without step 0. None if a match can end without `$`: then it can begin anew at any place. */
function aliveSteps(
  ops: readonly number[],
  next: readonly number[],
  other: readonly number[],
  entry: number,
): number[] {
  const found = new Set([entry])
  for (const step of found) {
    if (step === 0) continue
    const followers = ops[step] === Op.SPLIT ? [next[step], other[step]] : [next[step]]
    for (const follower of followers as number[]) {
      if (follower === 0 && ops[step] !== Op.END) return []
      found.add(follower)
    }
  }
  found.delete(0)
  return [...found]
}

/** Sorts the steps so that each comes after those it depends on at the same place of a text. */
function arrange(ops: readonly number[], next: readonly number[], other: readonly number[]) {
  const order: number[] = []
  const visited = new Uint8Array(ops.length)
  let hasCircles = false
  const followers = (step: number): number[] => {
    const op = ops[step]
    if (op === Op.CHARACTER || op === Op.MATCH) return []
    const follower = next[step] as number
    return op === Op.SPLIT || op === Op.LOOK || op === Op.LOOK_NOT
      ? [other[step] as number, follower]
      : [follower]
  }
  // No recursion: a long glob is a long chain of steps.
  for (let first = 0; first < ops.length; first++) {
    const path = [{ step: first, rest: followers(first) }]
    if (visited[first] !== 0) continue
    visited[first] = 1
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const follower = top.rest.pop()
      if (follower === undefined) {
        visited[top.step] = 2
        order.push(top.step)
        path.pop()
      } else if (visited[follower] === 0) {
        visited[follower] = 1
        path.push({ step: follower, rest: followers(follower) })
      } else if (visited[follower] === 1) hasCircles = true
    }
  }
  return { order, hasCircles }
}
