import { foldText } from './characters.ts'
import { End, type Shape } from './glob-shape.ts'

/** One way to match a path that begins with `head`. */
export interface Leaf {
  /** It has a leading slash. Empty: any path. */
  readonly head: string
  /** The place of the pattern in the list. The highest level that matches decides. */
  readonly level: number
  /** What may follow the head of a plain path. */
  readonly tail?: Shape['tail']
  /** The number of a text that every matching path contains; undefined or -1 if there is none. */
  readonly text?: number
  /** Judges any path: `form` is the path as it is compared, `path` as it was sent. */
  readonly match?: (form: string, path: string) => boolean
}

/**
 * A trie in a few arrays, so that the nodes on the way of a path lie close together in memory. A node is SIZE numbers. The first
 * three, indexed by {@link End}, are the highest levels of the leaves that end there in that way.
 */
export interface PackedTrie {
  readonly nodes: Int32Array
  /** The folded characters that lead to the nodes. */
  readonly labels: Uint8Array
  /** By a node's NEXT plus the folded next character: a node, or 0 for none. */
  readonly next: Uint16Array | Uint32Array
  /** By node: the leaves with a function as their tail. */
  readonly tails: readonly Several[]
  /** By node: the leaves that judge whole paths. */
  readonly wholes: readonly Several[]
}

/** Leaves of one node, and the numbers of their texts: a leaf whose text the path lacks is not looked at. */
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

/** Values of OPEN: leaves end at the node in another way than HERE, or it has a star; and some tails are functions. */
export const [IS_OPEN, HAS_TAILS] = [1, 2] as const

/** The number of a star in a head. */
const STAR_CODE = 0

interface Branch {
  readonly leaves: (Leaf & { readonly codes: Uint8Array })[]
  /** The length of the common beginning of all heads. */
  readonly start: number
}

function labelEnd({ leaves, start }: Branch): number {
  const codes = leaves[0]?.codes ?? new Uint8Array()
  let end = start
  while (codes[end] && leaves.every(leaf => leaf.codes[end] === codes[end])) end++
  return end
}

/** Groups leaves by the next character of their heads. */
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

/** The highest level of the leaves for each way to end. */
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
    // 0 means none, as the root is no child. A star's child is kept in STAR_CHILD, not in the row.
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
