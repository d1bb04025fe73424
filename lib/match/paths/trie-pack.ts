import { foldText } from './characters.ts'
import { End, type Shape } from './glob-shape.ts'

/** One way to match a path that begins with `head`. */
export interface Leaf {
  /** With its leading slash; empty for any path. */
  readonly head: string
  /** The place in the list: of those that match, the highest decides. */
  readonly level: number
  /** For plain paths: what may follow the head. */
  readonly tail?: Shape['tail']
  /** The number of a text without which nothing matches; none, or -1, where there is none. */
  readonly text?: number
  /** For any path: given as it is compared, and as it was sent. */
  readonly match?: (form: string, path: string) => boolean
}

/**
 * A trie in a few arrays: what a path meets on its way lies close together. A node is SIZE numbers, the first three by
 * {@link End}: the highest levels of what ends there in that way.
 */
export interface PackedTrie {
  readonly nodes: Int32Array
  /** The characters that lead to the nodes, folded. */
  readonly labels: Uint8Array
  /** By a node's NEXT and the next character, folded: a node, or 0. */
  readonly next: Uint16Array | Uint32Array
  /** By node: what has a function for its tail. */
  readonly tails: readonly Several[]
  /** By node: what judges whole paths. */
  readonly wholes: readonly Several[]
}

/** Leaves of one node, and by their places their texts: those that can't match are not even looked at. */
export interface Several {
  readonly leaves: readonly Leaf[]
  readonly texts: Int32Array
}

const severalOf = (leaves: readonly Leaf[]): Several => ({
  leaves,
  texts: Int32Array.from(leaves, ({ text = -1 }) => text),
})

export const SIZE = 8
export const [LABEL, LABEL_END, NEXT, STAR_CHILD, OPEN] = [3, 4, 5, 6, 7] as const

/** How open a node is: a path may end there in another way than HERE; and some tails are functions. */
export const [IS_OPEN, HAS_TAILS] = [1, 2] as const

/** A star's number in a head. */
const STAR_CODE = 0

interface Branch {
  readonly leaves: (Leaf & { readonly codes: Uint8Array })[]
  /** Up to here they begin alike. */
  readonly start: number
}

function labelEnd({ leaves, start }: Branch): number {
  const codes = leaves[0]?.codes ?? new Uint8Array()
  let end = start
  while (codes[end] && leaves.every(leaf => leaf.codes[end] === codes[end])) end++
  return end
}

/** By the next character what goes on with it. */
function branchesOf({ leaves }: Branch, end: number): Map<number, Branch> {
  const branches = new Map<number, Branch>()
  for (const leaf of leaves) {
    const code = leaf.codes[end]
    if (code === undefined) continue
    const branch = branches.get(code) ?? { leaves: [], start: code === STAR_CODE ? end + 1 : end }
    branches.set(code, branch)
    branch.leaves.push(leaf)
  }
  return branches
}

/** The highest level of what ends in each of the ways. */
const levelsOf = (leaves: readonly Leaf[]) =>
  Object.values(End).map(how =>
    leaves.reduce((most, { tail, level }) => (tail === how && level > most ? level : most), -1),
  )

function opennessOf(leaves: readonly Leaf[], hasStar: boolean): number {
  if (leaves.some(({ tail }) => typeof tail === 'function')) return HAS_TAILS
  return hasStar || leaves.some(({ tail }) => tail !== undefined && tail !== End.HERE) ? IS_OPEN : 0
}

export function packTrie(leaves: readonly Leaf[], fold: Uint8Array): PackedTrie {
  const row = new Array<number>(Math.max(...fold) + 1).fill(0)
  const nodes: number[] = []
  const labels: number[] = []
  const next = [...row]
  const tails: Several[] = []
  const wholes: Several[] = []
  const all = leaves.map(leaf => ({ ...leaf, codes: foldText(leaf.head.slice(1), fold) }))
  const queue: Branch[] = [{ leaves: all, start: 0 }]
  for (const branch of queue) {
    const end = labelEnd(branch)
    const here = branch.leaves.filter(({ codes }) => codes.length === end)
    const branches = branchesOf(branch, end)
    const label = [...(branch.leaves[0]?.codes.subarray(branch.start, end) ?? [])]
    const rowStart = branches.size > 0 ? next.length : 0
    if (rowStart > 0) next.push(...row)
    // The root is nobody's child, and a star is not in the row.
    for (const [code, each] of branches) next[rowStart + code] = queue.push(each) - 1
    const star = next[rowStart + STAR_CODE] ?? 0
    next[rowStart + STAR_CODE] = 0
    nodes.push(...levelsOf(here), labels.length, labels.length + label.length, rowStart, star)
    nodes.push(opennessOf(here, star > 0))
    labels.push(...label)
    tails.push(severalOf(here.filter(({ tail }) => typeof tail === 'function')))
    wholes.push(severalOf(here.filter(({ match }) => match)))
  }
  return {
    nodes: Int32Array.from(nodes),
    labels: Uint8Array.from(labels),
    next: queue.length < 65_536 ? Uint16Array.from(next) : Uint32Array.from(next),
    tails,
    wholes,
  }
}
