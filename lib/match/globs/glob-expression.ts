import type { Alphabet } from './alphabet.ts'
import type { CharacterClass } from './character-class.ts'
import { GlobProblem } from './glob-problem.ts'
import type { GlobNode, GlobNodes } from './glob-tree.ts'

// The pieces of an expression; lib/match/paths/glob-shape.ts recognises them.
export const STAR = '[^/]*?'
/** Before a star: no dot, and no empty segment. A decoded path may hold `//`. */
export const SOMETHING = String.raw`(?!\.)(?=[^/])`
/** Any number of segments, none of which begins with a dot. */
export const GLOBSTAR = String.raw`(?:(?:(?!(?:^|\/)\.).)*?)`
export const DEEPER = String.raw`(?:\/(?!\.)${GLOBSTAR}|$)`
export const FOLDERS = String.raw`(?:\/(?!\.)${GLOBSTAR}\/|\/)`
export const NO_DOT = String.raw`(?!\.)`

/** The expression of a glob for the paths of an alphabet. The only choices left in the glob are among plain texts. */
export function expressionOf(nodes: GlobNodes, alphabet: Alphabet): string {
  return new Writer(nodes, alphabet).write()
}

/** Whether the node at a place is a `**` with a segment of its own, which stands for folders. */
export const isGlobstar = (nodes: GlobNodes, at: number): boolean => {
  const node = nodes[at]
  const isAlone = (nodes[at - 1]?.kind ?? 'slash') === 'slash' && (nodes[at + 1]?.kind ?? 'slash') === 'slash'
  return node?.kind === 'stars' && node.count === 2 && isAlone
}

const DOT = 0x2e
const takesDot = ({ ranges, isNegated }: CharacterClass) =>
  ranges.some(([from, to]) => from <= DOT && DOT <= to) !== isNegated

class Writer {
  readonly #nodes: GlobNodes
  readonly #alphabet: Alphabet

  constructor(nodes: GlobNodes, alphabet: Alphabet) {
    this.#nodes = withoutDoubles(nodes)
    this.#alphabet = alphabet
  }

  write(): string {
    const nodes = this.#nodes
    let source = ''
    for (let at = 0; at < nodes.length; ) {
      const [text, length] = this.#folders(at) ?? [this.#node(at), 1]
      source += text
      at += length
    }
    return `^(?:${source})$`
  }

  /** The expression of `/**` and the slash after it, and the number of their nodes; undefined if there is no `**` at a place. */
  #folders(at: number): [string, number] | undefined {
    const nodes = this.#nodes
    // `**` at the beginning matches the root too.
    const skipped = nodes[at]?.kind === 'slash' ? 1 : at === 0 ? 0 : -1
    if (skipped < 0 || !isGlobstar(nodes, at + skipped)) return undefined
    const isLast = at + skipped + 1 === nodes.length
    if (!isLast) return [FOLDERS, skipped + 2]
    return [at === 0 ? String.raw`\/${NO_DOT}${GLOBSTAR}` : DEEPER, skipped + 1]
  }

  #node(at: number): string {
    const node = this.#nodes[at] as GlobNode
    const isStart = this.#nodes[at - 1]?.kind === 'slash'
    switch (node.kind) {
      case 'slash':
        return String.raw`\/`
      case 'text':
        return this.#alphabet.text(node.text)
      case 'stars':
        return isStart ? SOMETHING + STAR : STAR
      case 'any':
        return (isStart ? NO_DOT : '') + this.#alphabet.any
      case 'class':
        return (isStart && takesDot(node) ? NO_DOT : '') + this.#alphabet.class(node.ranges, node.isNegated)
      case 'choice':
        return this.#choice(node.items)
      case 'repeat': {
        const [first] = node.items[0] ?? []
        const noDot = isStart && first?.kind === 'class' && takesDot(first) ? NO_DOT : ''
        return `${noDot}(?:${this.#choice(node.items)})${node.min === 1 ? '+' : '*'}`
      }
      default:
        return (isStart ? NO_DOT : '') + this.#not(node.items, at)
    }
  }

  #choice(items: readonly GlobNodes[]): string {
    return `(${items.map(item => item.map(node => this.#plain(node)).join('')).join('|')})`
  }

  /** The expression of a node within a group. */
  #plain(node: GlobNode): string {
    if (node.kind === 'text') return this.#alphabet.text(node.text)
    if (node.kind === 'class') return this.#alphabet.class(node.ranges, node.isNegated)
    return node.kind === 'choice' ? this.#choice(node.items) : ''
  }

  /**
   * The expression of `!(…)`: the rest of the segment must not be one of the items with the text that follows the group. Only
   * plain text may follow: with a wildcard there the segment could be divided in several ways.
   */
  #not(items: readonly GlobNodes[], at: number): string {
    const end = this.#nodes.findIndex(({ kind }, i) => i > at && kind === 'slash')
    const behind = this.#nodes.slice(at + 1, end < 0 ? undefined : end)
    if (this.#nodes[at - 1]?.kind === 'stars')
      throw new GlobProblem(
        'a wildcard before "!(…)" takes what it leaves out: take paths away with a pattern that begins with "!"',
      )
    for (const { kind } of behind) {
      if (kind !== 'text')
        throw new GlobProblem(
          'a wildcard behind "!(…)" takes what it leaves out: take paths away with a pattern that begins with "!"',
        )
    }
    const rest = behind.map(node => this.#plain(node)).join('')
    return String.raw`(?!(?:${items.map(item => this.#excluded(item)).join('|')})${rest}(?:\/|$))${STAR}`
  }

  #excluded(item: GlobNodes): string {
    return item
      .map((node): string => {
        switch (node.kind) {
          case 'text':
            return this.#alphabet.excluded(node.text)
          case 'stars':
            return STAR
          case 'any':
            return this.#alphabet.any
          case 'class':
            return this.#alphabet.class(node.ranges, node.isNegated)
          case 'choice':
            return `(?:${node.items.map(each => this.#excluded(each)).join('|')})`
          case 'repeat':
            return `(?:${node.items.map(each => this.#excluded(each)).join('|')})${node.min === 1 ? '+' : '*'}`
          default:
            return ''
        }
      })
      .join('')
  }
}

/** Leaves out each `**` that another one follows. */
function withoutDoubles(nodes: GlobNodes): GlobNodes {
  const left: GlobNode[] = []
  for (let at = 0; at < nodes.length; at++) {
    if (isGlobstar(nodes, at) && isGlobstar(nodes, at + 2)) at++
    else left.push(nodes[at] as GlobNode)
  }
  return left
}
