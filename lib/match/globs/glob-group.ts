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
