import type { CharacterClass } from './character-class.ts'
import { GlobProblem } from './glob-problem.ts'

/** A part of a glob. */
export type GlobNode =
  /** Plain characters, percent-encoding among them. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'slash' | 'any' }
  /** `count` stars in a row. */
  | { readonly kind: 'stars'; readonly count: number }
  | CharacterClass
  /** `{a,b}`, `(a|b)`, `@(a|b)`, `?(a)`: one of several. */
  | { readonly kind: 'choice'; readonly items: readonly GlobNodes[] }
  /** `+(a|b)`, `*(a|b)`. */
  | { readonly kind: 'repeat'; readonly items: readonly GlobNodes[]; readonly min: 0 | 1 }
  /** `!(a|b)`: anything but the items, within one segment. */
  | { readonly kind: 'not'; readonly items: readonly GlobNodes[] }

export type GlobNodes = readonly GlobNode[]

/** The most patterns that one glob is expanded to. */
const MOST = 1_000

const isText = (nodes: GlobNodes) =>
  nodes.length > 0 && nodes.every(({ kind }) => kind === 'text' || kind === 'choice')

/** Whether a node is a text, or a choice among texts. The nodes around it do not depend on which text is chosen. */
const isSimple = (node: GlobNode): boolean =>
  node.kind === 'text' ||
  (node.kind === 'choice' && node.items.every(item => isText(item) && item.every(isSimple)))

/** Whether a node ends within an escape, or within the bytes of a character beyond ASCII: the next node may continue it. */
const isOpen = (node: GlobNode | undefined): boolean =>
  node?.kind === 'text'
    ? /%(?:[\da-f]?|[89a-f][\da-f])$/i.test(node.text)
    : node?.kind === 'choice' && node.items.some(item => isOpen(item.at(-1)))

const hasNot = (nodes: GlobNodes): boolean =>
  nodes.some(node => node.kind === 'not' || (node.kind === 'choice' && node.items.some(hasNot)))

/**
 * Expands a glob to several globs without choices, as a shell expands braces. A choice among plain texts stays.
 *
 * @throws GlobProblem if there are too many
 */
export function expand(nodes: GlobNodes, isWhole = hasNot(nodes)): GlobNodes[] {
  let lists: GlobNode[][] = [[]]
  for (const node of nodes) {
    const isPart = isOpen(node) || lists.some(list => isOpen(list.at(-1)))
    const ways: GlobNodes[] =
      node.kind === 'choice' && (isWhole || isPart || !isSimple(node))
        ? node.items.flatMap(item => expand(item, isWhole))
        : [[node]]
    refuseMany(lists.length * ways.length)
    const [only] = ways
    if (ways.length === 1 && only) for (const list of lists) append(list, only)
    else lists = lists.flatMap(list => ways.map(way => append([...list], way)))
  }
  return lists
}

function refuseMany(count: number): void {
  if (count > MOST)
    throw new GlobProblem(`it stands for more than ${MOST} patterns: list fewer, or give a RegExp`)
}

/**
 * Expands each `*(…)` at the start of a segment to two globs: one with `+(…)`, and one without it, in which the next node begins
 * the segment.
 *
 * @throws GlobProblem if there are too many
 */
export function withoutEmptyStarts(nodes: GlobNodes): GlobNodes[] {
  let lists: GlobNode[][] = [[]]
  for (const [i, node] of nodes.entries()) {
    const isBehindRepeat = nodes[i - 1]?.kind === 'repeat'
    // Stars beside a group are no `**`, even if the group matches nothing. A count of 3 marks that.
    const next = node.kind === 'stars' && isBehindRepeat ? { ...node, count: 3 } : node
    const isOptional = node.kind === 'repeat' && node.min === 0
    const begun: GlobNode[][] = []
    for (const list of lists) {
      begun.push(list)
      if (isOptional && startsSegment(list)) begun.push([...list, { ...node, min: 1 }])
      else list.push(next)
    }
    lists = begun
    refuseMany(lists.length)
  }
  return lists
}

const startsSegment = (list: GlobNodes) => list.at(-1)?.kind === 'slash'

/** Appends nodes to a list, which it returns. Texts that meet become one node, and so do stars. */
function append(list: GlobNode[], way: GlobNodes): GlobNode[] {
  const [last, first] = [list.at(-1), way[0]]
  if (last?.kind === 'text' && first?.kind === 'text')
    list[list.length - 1] = { kind: 'text', text: last.text + first.text }
  else if (last?.kind === 'stars' && first?.kind === 'stars')
    list[list.length - 1] = { kind: 'stars', count: last.count + first.count }
  else if (first) list.push(first)
  for (let i = 1; i < way.length; i++) list.push(way[i] as GlobNode)
  return list
}
