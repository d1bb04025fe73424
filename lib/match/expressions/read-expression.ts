import { type CharacterSet, characterSet } from './character-set.ts'

/** An expression as a tree. Laziness and captures are left out: they do not change whether a text matches. */
export type Tree =
  /** One character; `set` is the index of its set in `Expression.sets`. */
  | { readonly kind: 'character'; readonly set: number }
  | { readonly kind: 'sequence' | 'choice'; readonly items: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly item: Tree; readonly min: number; readonly max: number }
  | { readonly kind: 'look'; readonly item: Tree; readonly isNegated: boolean }
  | { readonly kind: 'start' | 'end' }

/** A tree, and the character sets it refers to. */
export interface Expression {
  readonly tree: Tree
  readonly sets: readonly CharacterSet[]
}

/** The highest count of a repetition that is read. Groups may be nested a tenth as deep. */
const MOST = 1_000

const nothing: Tree = { kind: 'sequence', items: [] }

/** Thrown at what this reader can't read: references, lookbehind, word boundaries, and any syntax it does not know. */
class Unread extends Error {}

const token =
  /\\(?:u\{[\da-f]+\}|u[\da-f]{4}|x[\da-f]{2}|c[a-z]|p\{[^}]*\}|.)|\[(?:[^\]\\]|\\.)*\]|\((?:\?(?:[:=!]|<(?![=!])[^>]*>))?|[*+?]\??|\{\d+(?:,\d*)?\}\??|./gisy

/**
 * Reads an expression; undefined if it is more than a regular language, or too large.
 *
 * @param isRough leaves out what is no regular language (word boundaries, references, lookbehinds) as if it were not there
 */
export function readExpression({ source, flags }: RegExp, isRough = false): Expression | undefined {
  // `v` has sets of classes; `m` changes ^ and $; `y` begins at lastIndex.
  if (flags.includes('v') || (!isRough && /[my]/.test(flags))) return undefined
  try {
    return new Reader(source, flags.replace(/[dgmy]/g, ''), isRough).read()
  } catch (error) {
    if (error instanceof Unread) return undefined
    throw error
  }
}

class Reader {
  readonly #tokens: readonly string[]
  readonly #flags: string
  readonly #isRough: boolean
  readonly #known = new Map<string, number>()
  readonly #sets: CharacterSet[] = []
  #at = 0
  #depth = 0

  constructor(source: string, flags: string, isRough: boolean) {
    this.#isRough = isRough
    this.#tokens = source.match(token) ?? []
    this.#flags = flags
  }

  read(): Expression {
    const tree = this.#choice()
    if (this.#at < this.#tokens.length) throw new Unread()
    return { tree, sets: this.#sets }
  }

  #choice(): Tree {
    if (++this.#depth > MOST / 10) throw new Unread()
    const items = [this.#sequence()]
    while (this.#tokens[this.#at] === '|') {
      this.#at++
      items.push(this.#sequence())
    }
    this.#depth--
    return items.length === 1 ? (items[0] as Tree) : { kind: 'choice', items }
  }

  #sequence(): Tree {
    const items: Tree[] = []
    for (let next = this.#tokens[this.#at]; next !== undefined; next = this.#tokens[this.#at]) {
      if (next === '|' || next === ')') break
      items.push(this.#repeated(this.#item(next)))
    }
    return items.length === 1 ? (items[0] as Tree) : { kind: 'sequence', items }
  }

  #repeated(item: Tree): Tree {
    const quantifier = this.#tokens[this.#at] ?? ''
    const [, low, comma, high] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier) ?? []
    if (!/^[*+?]/.test(quantifier) && low === undefined) return item
    this.#at++
    if (item === nothing) return item
    if (quantifier.startsWith('?')) return { kind: 'repeat', item, min: 0, max: 1 }
    if (low === undefined)
      return { kind: 'repeat', item, min: quantifier.startsWith('+') ? 1 : 0, max: Number.POSITIVE_INFINITY }
    const min = Number(low)
    const max = comma === '' ? min : high === '' ? Number.POSITIVE_INFINITY : Number(high)
    if (min > MOST || (max > MOST && max !== Number.POSITIVE_INFINITY)) throw new Unread()
    return { kind: 'repeat', item, min, max }
  }

  #item(next: string): Tree {
    this.#at++
    if (next === '^') return { kind: 'start' }
    if (next === '$') return { kind: 'end' }
    if (next.startsWith('(')) return this.#group(next)
    if (/^\\(?:[1-9bBk]|0\d)/.test(next) || /^[*+?]/.test(next)) {
      if (!this.#isRough) throw new Unread()
      return nothing
    }
    // Without the flag `u`, `\u{61}` is a letter with a quantifier.
    if (/^\\[pu]\{/i.test(next) && !this.#flags.includes('u')) throw new Unread()
    return { kind: 'character', set: this.#setOf(next) }
  }

  #group(opening: string): Tree {
    // The tokens of `(?<=`, `(?<!` and `(?i:` begin with a lone `(` and a `?`.
    const isOther = opening === '(' && this.#tokens[this.#at]?.startsWith('?') === true
    if (isOther && !this.#isRough) throw new Unread()
    const item = this.#choice()
    if (isOther) {
      this.#at++
      return nothing
    }
    if (this.#tokens[this.#at++] !== ')') throw new Unread()
    const isLook = opening === '(?=' || opening === '(?!'
    return isLook ? { kind: 'look', item, isNegated: opening === '(?!' } : item
  }

  #setOf(text: string): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const set = this.#sets.push(characterSet(text, this.#flags)) - 1
    this.#known.set(text, set)
    return set
  }
}
