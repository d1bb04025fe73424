import { GlobProblem } from './glob-problem.ts'
import type { GlobNode, GlobNodes } from './glob-tree.ts'

type Stars = Extract<GlobNode, { kind: 'stars' }>

/** Marks stars that never become a `**`, even if other stars are appended to them. */
const apart = (stars: Stars): Stars => ({ ...stars, count: 3 })

const hasSlash = (nodes: GlobNodes): boolean =>
  nodes.some(node => node.kind === 'slash' || ('items' in node && node.items.some(hasSlash)))

function keepApart(nodes: GlobNodes, isInSegment: boolean): GlobNodes {
  return nodes.map((node): GlobNode => {
    if (node.kind === 'stars') return isInSegment || node.count !== 2 ? apart(node) : node
    if (node.kind !== 'choice') return node
    return { ...node, items: node.items.map(item => keepApart(item, isInSegment)) }
  })
}

/** The alternatives of a group. As in a shell `**` is `*` there, except in an alternative with a slash, which no shell allows. */
export const groupItems = (items: readonly GlobNodes[]): GlobNodes[] =>
  items.map(item => keepApart(item, !hasSlash(item)))

const isStars = (node: GlobNode | undefined): node is Stars => node?.kind === 'stars'

/** Adds a node. Stars beside a group are no `**`, even if the group matches nothing. */
export function addNode(nodes: GlobNode[], node: GlobNode, isGroup: boolean, wasGroup: boolean): void {
  const last = nodes.at(-1)
  if (isGroup && isStars(last)) nodes[nodes.length - 1] = apart(last)
  if (node.kind === 'text' && last?.kind === 'text')
    nodes[nodes.length - 1] = { kind: 'text', text: last.text + node.text }
  else nodes.push(wasGroup && isStars(node) ? apart(node) : node)
}

const isPlain = (item: GlobNodes) => item.every(({ kind }) => kind === 'text')

/** Refuses wildcards and groups within a repetition: there are too many ways to divide a path among them. */
export function repeatable(items: readonly GlobNodes[]): readonly GlobNodes[] {
  const isClass = items.length === 1 && items[0]?.length === 1 && items[0][0]?.kind === 'class'
  if (isClass || (items.every(isPlain) && items.some(item => item.length > 0))) return items
  throw new GlobProblem('a wildcard, or a group, within a repetition can take forever: give a RegExp')
}

/** Makes a repetition. An empty item makes it optional: `+(|a)` is `*(a)`. */
export function repeat(items: readonly GlobNodes[], min: 0 | 1): GlobNode {
  const texts = items.filter(item => item.length > 0)
  return { kind: 'repeat', items: texts, min: texts.length < items.length ? 0 : min }
}

/** Refuses in `!(…)` what could match more than one segment, and another `!(…)`. */
export function excludable(items: readonly GlobNodes[]): readonly GlobNodes[] {
  const isBad = (item: GlobNodes): boolean =>
    item.some(
      node => node.kind === 'slash' || node.kind === 'not' || ('items' in node && node.items.some(isBad)),
    )
  if (items.some(isBad))
    throw new GlobProblem(
      '"!(…)" with a slash, or another "!(…)", in it: take paths away with a pattern that begins with "!"',
    )
  return items
}
