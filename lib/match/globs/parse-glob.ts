import { readClass } from './character-class.ts'
import { addNode, excludable, groupItems, repeat, repeatable } from './glob-group.ts'
import { GlobProblem } from './glob-problem.ts'
import type { GlobNode, GlobNodes } from './glob-tree.ts'
import { sequence } from './number-sequence.ts'

/** The deepest nesting of groups. */
const DEEPEST = 20

const forms = { '@': 'choice', '?': 'optional', '+': 'repeat', '*': 'repeat', '!': 'not' } as const

/**
 * Reads a glob as a shell does (bash with `globstar` and `extglob`), and `(a|b)` as zsh and micromatch do.
 *
 * @throws GlobProblem if it is no glob, or if its author probably means something else
 */
export function parseGlob(glob: string): GlobNodes {
  return new Parser(glob).parse()
}

class Parser {
  readonly #characters: readonly string[]
  #at = 0
  #depth = 0
  /** Whether in some expansion of the braces `@`, `?`, `+`, `*` or `!` comes directly before this place. */
  #isBehindSign = false

  constructor(glob: string) {
    this.#characters = [...glob]
  }

  parse(): GlobNodes {
    const nodes = this.#sequence('')
    const left = this.#characters[this.#at]
    if (left !== undefined)
      throw new GlobProblem(`"${left}" has no beginning: write \\${left} for the character`)
    return nodes
  }

  #rest(): string {
    return this.#characters.slice(this.#at, this.#at + 64).join('')
  }

  /** Reads nodes up to one of the characters that end them. */
  #sequence(ends: string): GlobNode[] {
    const nodes: GlobNode[] = []
    let wasGroup = false
    for (let next = this.#characters[this.#at]; next !== undefined; next = this.#characters[this.#at]) {
      if (next === ')' || next === '}' || (next !== '' && ends.includes(next))) break
      if (next === '(' && this.#isBehindSign)
        throw new GlobProblem(
          'its braces, written out, join "@", "?", "+", "*" or "!" to a "(": list several patterns, or write \\( for the character',
        )
      const node = this.#node(next)
      // `#items` has set it for braces.
      if (next !== '{') this.#isBehindSign = next in forms && !('items' in node)
      const isGroup = 'items' in node && next !== '{'
      addNode(nodes, node, isGroup, wasGroup)
      wasGroup = isGroup
    }
    return nodes
  }

  #node(next: string): GlobNode {
    if (next in forms && this.#characters[this.#at + 1] === '(')
      return this.#extended(next as keyof typeof forms)
    switch (next) {
      case '*':
        return { kind: 'stars', count: this.#stars() }
      case '?':
        this.#at++
        return { kind: 'any' }
      case '/':
        this.#at++
        return { kind: 'slash' }
      case '[': {
        const [found, end] = readClass(this.#characters, this.#at)
        this.#at = end
        this.#refuseQuantifier('a class')
        return found
      }
      case '{':
        return this.#braces()
      case '(':
        return this.#parentheses()
      case '|':
        throw new GlobProblem('a "|" outside parentheses: list two patterns, or write \\| for the character')
      case '\\':
        return this.#escape()
      default:
        this.#at++
        return { kind: 'text', text: next }
    }
  }

  #stars(): number {
    const start = this.#at
    // The last star may be the sign of `*(`.
    while (
      this.#characters[this.#at] === '*' &&
      (this.#at === start || this.#characters[this.#at + 1] !== '(')
    )
      this.#at++
    return this.#at - start
  }

  #escape(): GlobNode {
    const next = this.#characters[this.#at + 1]
    if (next === undefined) throw new GlobProblem('it ends with a "\\"')
    if (/[\w\\]/.test(next))
      throw new GlobProblem(
        `"\\${next}" is of RegExps: write [0-9] for digits, / for a slash, or give a RegExp`,
      )
    if (next === '?') throw new GlobProblem('the query is no part of a path: leave it out')
    this.#at += 2
    return next === '/' ? { kind: 'slash' } : { kind: 'text', text: next }
  }

  /** Refuses a quantifier, which repeats in a RegExp, but means something else in a glob. */
  #refuseQuantifier(what: string): void {
    const found = /^(?:\+(?!\()|\{\d*,?\d*\})/.exec(this.#rest())?.[0]
    if (found !== undefined)
      throw new GlobProblem(
        `"${found}" behind ${what} repeats in a RegExp, not in a glob: write +(…), or give a RegExp; "\\" before it makes it plain`,
      )
  }

  /** Reads the items of a group, up to its end. */
  #items(separator: string, end: string): GlobNode[][] {
    if (++this.#depth > DEEPEST) throw new GlobProblem('its groups are too deep: list several patterns')
    const isBehindSign = end === '}' && this.#isBehindSign
    const items: GlobNode[][] = []
    let isSignLast = false
    do {
      this.#isBehindSign = isBehindSign
      items.push(this.#sequence(separator))
      isSignLast ||= this.#isBehindSign
    } while (this.#characters[this.#at] === separator && this.#at++ > 0)
    this.#isBehindSign = isSignLast
    const opening = end === ')' ? '(' : '{'
    if (this.#characters[this.#at++] !== end)
      throw new GlobProblem(`a "${opening}" has no "${end}": write \\${opening} for the character itself`)
    this.#depth--
    return items
  }

  #extended(sign: keyof typeof forms): GlobNode {
    this.#at += 2
    const items = groupItems(this.#items('|', ')'))
    const kind = forms[sign]
    this.#refuseQuantifier('a group')
    if (kind === 'choice') return { kind, items }
    if (kind === 'optional') return { kind: 'choice', items: [...items, []] }
    if (kind === 'repeat') return repeat(repeatable(items), sign === '+' ? 1 : 0)
    return { kind, items: excludable(items) }
  }

  #parentheses(): GlobNode {
    this.#at++
    if (this.#characters[this.#at] === '?') throw new GlobProblem('"(?" is of RegExps: give a RegExp')
    const items = this.#items('|', ')')
    const [only = []] = items
    if (items.length === 1) {
      if (only.some(({ kind }) => kind !== 'text'))
        throw new GlobProblem(
          'parentheses around a wildcard: write \\( and \\) for the characters, @(…) for a group',
        )
      this.#refuseQuantifier('parentheses')
      return { kind: 'text', text: `(${only.map(node => (node as { text: string }).text).join('')})` }
    }
    this.#refuseQuantifier('a group')
    if (this.#characters[this.#at] === '?')
      throw new GlobProblem('a "?" behind a group is of RegExps: write ?(…) for what may be missing')
    return { kind: 'choice', items: groupItems(items) }
  }

  #braces(): GlobNode {
    const [whole, from, to, step] =
      /^\{(-?\d+|[a-z])\.\.(-?\d+|[a-z])(?:\.\.(-?\d+))?\}/i.exec(this.#rest()) ?? []
    if (whole !== undefined) {
      this.#at += whole.length
      this.#isBehindSign = false
      this.#refuseQuantifier('braces')
      return { kind: 'choice', items: sequence(from as string, to as string, step).map(asText) }
    }
    const start = this.#at++
    const items = this.#items(',', '}')
    const text = this.#characters.slice(start, this.#at).join('')
    if (items.length === 1) throw new GlobProblem(loneBraces(text))
    if (items.some(isRange)) throw new GlobProblem(`a range in a list needs braces of its own: ${text}`)
    this.#refuseQuantifier('braces')
    return { kind: 'choice', items }
  }
}

/** Whether an item of a list in braces is a range as `1..3`. */
const isRange = ([node, second]: GlobNodes) =>
  node?.kind === 'text' && second === undefined && /^-?\w+\.\.-?\w+$/.test(node.text)

const asText = (text: string): GlobNodes => [{ kind: 'text', text }]

const loneBraces = (text: string) =>
  /^\{[:*.]*[a-z]/i.test(text)
    ? `"${text}" is no parameter in a glob: write * for one segment`
    : `"${text}" has no comma: braces hold several, as {a,b} or {1..9}; write %7B for the character`
