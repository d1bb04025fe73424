import { End, type Tail } from './glob-shape.ts'
import { isPlain, SLASH } from './request-path.ts'
import {
  HAS_TAILS,
  LABEL,
  LABEL_END,
  type Leaf,
  NEXT,
  OPEN,
  type PackedTrie,
  packTrie,
  type Several,
  SIZE,
  STAR_CHILD,
} from './trie-pack.ts'

/** The result for a path on which a pattern may match, but which is not plain there. */
export const UNSURE = -2

/** Patterns, by the beginning of the paths that they match. A path is only compared with those whose beginning it has. */
export class PathTrie {
  readonly #fold: Uint8Array
  readonly #trie: PackedTrie
  readonly #mayHave: (text: number, path: string) => boolean

  /** @param mayHave whether a path may contain the text with a number */
  constructor(
    leaves: readonly Leaf[],
    fold: Uint8Array,
    mayHave: (text: number, path: string) => boolean = () => true,
  ) {
    this.#mayHave = mayHave
    this.#fold = fold
    this.#trie = packTrie(leaves, fold)
  }

  /**
   * The highest level that matches a path, -1 if none does, or {@link UNSURE}.
   *
   * The characters up to a node are spelled out by each pattern after it. So the rest of the path has to be plain only from the
   * first node on where a wildcard may match. A path that leaves the trie before matches no pattern, whatever it holds.
   */
  levelOf(path: string): number {
    return this.#walk(0, path, 1, -1, false)
  }

  #walk(from: number, path: string, start: number, level: number, isKnown: boolean): number {
    const { nodes, labels, next } = this.#trie
    const fold = this.#fold
    let best = level
    let known = isKnown
    let at = start
    let node = from
    do {
      const base = node * SIZE
      const labelEnd = nodes[base + LABEL_END] as number
      let label = nodes[base + LABEL] as number
      if (path.length - at < labelEnd - label) return best
      while (label < labelEnd) if (fold[path.charCodeAt(at++)] !== labels[label++]) return best
      if (at === path.length) best = Math.max(best, nodes[base + End.HERE] as number)
      if (nodes[base + OPEN] !== 0) {
        if (!known && !isPlain(path, at)) return UNSURE
        known = true
        best = this.#openLevel(node, path, at, best)
      }
      if (at === path.length) return best
      node = next[(nodes[base + NEXT] as number) + (fold[path.charCodeAt(at)] as number)] ?? 0
    } while (node > 0)
    return best
  }

  /** The level of an open node, whose rest of the path is known to be plain. */
  #openLevel(node: number, path: string, at: number, level: number): number {
    const base = node * SIZE
    const { nodes, tails } = this.#trie
    const isEnd = at === path.length
    let best = Math.max(level, nodes[base + End.ANYHOW] as number)
    if (isEnd || path.charCodeAt(at) === SLASH) {
      best = Math.max(best, nodes[base + End.DEEP] as number)
    }
    if (nodes[base + OPEN] === HAS_TAILS) {
      const { leaves, texts } = tails[node] as Several
      for (let i = 0; i < leaves.length; i++) {
        if ((texts[i] as number) >= 0 && !this.#mayHave(texts[i] as number, path)) continue
        const { level, tail } = leaves[i] as Leaf
        if (level > best && (tail as Tail)(path, at)) best = level
      }
    }
    const star = nodes[base + STAR_CHILD] as number
    // At the start of a segment a star takes at least one character.
    if (star === 0 || (isEnd && path.charCodeAt(at - 1) === SLASH)) return best
    const slash = path.indexOf('/', at)
    return this.#walk(star, path, slash < 0 ? path.length : slash, best, true)
  }

  /** The leaves that judge whole paths, and whose head the path begins with. */
  candidates(path: string): Leaf[] {
    const { nodes, labels, next, wholes } = this.#trie
    const fold = this.#fold
    const found: Leaf[] = []
    let at = 1
    let node = 0
    do {
      const base = node * SIZE
      for (const code of labels.subarray(nodes[base + LABEL], nodes[base + LABEL_END])) {
        if (fold[path.charCodeAt(at++)] !== code) return found
      }
      const { leaves, texts } = wholes[node] as Several
      for (let i = 0; i < leaves.length; i++) {
        const text = texts[i] as number
        if (text < 0 || this.#mayHave(text, path)) found.push(leaves[i] as Leaf)
      }
      node = next[(nodes[base + NEXT] as number) + (fold[path.charCodeAt(at)] as number)] ?? 0
    } while (node > 0)
    return found
  }
}
