import type { CharacterClass } from './character-class.ts'
import { GlobProblem } from './glob-problem.ts'

/** A glob as it was written. */
export type GlobNode =
  /** Plain characters, percent-encoding among them. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'slash' | 'any' }
  /** So many `*`. */
  | { readonly kind: 'stars'; readonly count: number }
  | CharacterClass
  /** `{a,b}`, `(a|b)`, `@(a|b)`, `?(a)`: one of several. */
  | { readonly kind: 'choice'; readonly items: readonly GlobNodes[] }
  /** `+(a|b)`, `*(a|b)`. */
  | { readonly kind: 'repeat'; readonly items: readonly GlobNodes[]; readonly min: 0 | 1 }
  /** `!(a|b)`: all but these, within one segment. */
  | { readonly kind: 'not'; readonly items: readonly GlobNodes[] }

export type GlobNodes = readonly GlobNode[]

/** More patterns than these one glob does not stand for. */
const MOST = 1_000

const isText = (nodes: GlobNodes) =>
  nodes.length > 0 && nodes.every(({ kind }) => kind === 'text' || kind === 'choice')

/** Whether one text may stand for each other without a change of what stands around. */
const isSimple = (node: GlobNode): boolean =>
  node.kind === 'text' ||
  (node.kind === 'choice' && node.items.every(item => isText(item) && item.every(isSimple)))

/** Whether what follows may go on with an escape, or with the bytes of a character beyond ASCII. */
const isOpen = (node: GlobNode | undefined): boolean =>
  node?.kind === 'text'
    ? /%(?:[\da-f]?|[89a-f][\da-f])$/i.test(node.text)
    : node?.kind === 'choice' && node.items.some(item => isOpen(item.at(-1)))

const hasNot = (nodes: GlobNodes): boolean =>
  nodes.some(node => node.kind === 'not' || (node.kind === 'choice' && node.items.some(hasNot)))

/**
 * A glob as several without choices, as a shell expands braces. A choice among plain texts stays one.
 *
 * @throws GlobProblem where they are too many
 */
export function expand(nodes: GlobNodes, isWhole = hasNot(nodes)): GlobNodes[] {
  let lists: GlobNode[][] = [[]]
  for (const node of nodes) {
    const isPart = isOpen(node) || lists.some(list => isOpen(list.at(-1)))
    const ways: GlobNodes[] =
      node.kind === 'choice' && (isWhole || isPart || !isSimple(node))
        ? node.items.flatMap(item => expand(item, isWhole))
        : [[node]]
    if (lists.length * ways.length > MOST)
      throw new GlobProblem(`it stands for more than ${MOST} patterns: list fewer, or give a RegExp`)
    lists = lists.flatMap(list => ways.map(way => joined(list, way)))
  }
  return lists
}

/** One behind the other; texts, and stars, that meet are one. */
function joined(list: readonly GlobNode[], way: GlobNodes): GlobNode[] {
  const [last, first] = [list.at(-1), way[0]]
  const rest = way.slice(1)
  if (last?.kind === 'text' && first?.kind === 'text')
    return [...list.slice(0, -1), { kind: 'text', text: last.text + first.text }, ...rest]
  if (last?.kind === 'stars' && first?.kind === 'stars')
    return [...list.slice(0, -1), { kind: 'stars', count: last.count + first.count }, ...rest]
  return [...list, ...way]
}
