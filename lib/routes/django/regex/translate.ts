import { category, escapedCode, hex, octal, readClass, writeClass } from './classes.ts'
import { Groups } from './groups.ts'
import {
  type Flags,
  leadingFlags,
  PythonSyntaxError,
  Reader,
  readQuantifier,
  scopedFlags,
  skipVerbose,
} from './reader.ts'

interface Item {
  readonly js: string
  /** Only an atom can be repeated. */
  readonly kind: 'atom' | 'anchor' | 'repetition'
  /** The number of groups before it. */
  readonly groups: number
}

const word = (a: boolean) => (a ? '[0-9A-Za-z_]' : '[\\p{L}\\p{N}_]')

const boundary = (a: boolean) => `(?:(?<=${word(a)})(?!${word(a)})|(?<!${word(a)})(?=${word(a)}))`

/** `\B`, which in Python does not match an empty text. */
const noBoundary = (a: boolean) => `(?:(?!^$)(?:(?<=${word(a)})(?=${word(a)})|(?<!${word(a)})(?!${word(a)})))`

/** Python's regular expression syntax (`sre_parse`), written in JavaScript's with the `u` flag. */
class Translator {
  readonly groups = new Groups()
  readonly #reader: Reader

  constructor(pattern: string) {
    this.#reader = new Reader(pattern)
  }

  pattern(how: How): string {
    const branches = this.#branches(leadingFlags(this.#reader))
    if (this.#reader.peek() !== undefined) throw new PythonSyntaxError('a ")" has no "("')
    // V8 would look for an empty match in the middle of a surrogate pair too.
    const isAnchored = branches.every(branch => branch.startsWith('^'))
    const start = isAnchored || how === 'fullmatch' ? '^' : '^[\\s\\S]*?'
    return `${start}(?:${branches.join('|')})${how === 'fullmatch' ? '$' : ''}`
  }

  #alternation(flags: Flags): string {
    return this.#branches(flags).join('|')
  }

  #branches(flags: Flags): string[] {
    const before = this.groups.count
    const branches = [this.#sequence(flags)]
    while (this.#reader.eat('|')) {
      this.groups.forgetSince(before)
      branches.push(this.#sequence(flags))
    }
    if (branches.length > 1) this.groups.forgetSince(before)
    return branches
  }

  #sequence(flags: Flags): string {
    const items: Item[] = []
    for (
      let next = this.#reader.peek();
      next !== undefined && !'|)'.includes(next);
      next = this.#reader.peek()
    ) {
      if (flags.x && skipVerbose(this.#reader)) continue
      const repetition = readQuantifier(this.#reader)
      if (repetition) items.push(this.#repeat(items.pop(), repetition))
      else items.push(...this.#item(flags))
    }
    return items.map(({ js }) => js).join('')
  }

  #repeat(item: Item | undefined, quantifier: string): Item {
    if (!item || item.kind === 'anchor')
      throw new PythonSyntaxError(`there is nothing that "${quantifier}" could repeat`)
    if (item.kind === 'repetition') throw new PythonSyntaxError('a repetition is repeated')
    if (this.#reader.eat('+')) throw new PythonSyntaxError(`JavaScript has no possessive "${quantifier}+"`)
    // The groups in a repetition differ afterwards: an empty round counts in Python only.
    this.groups.forgetSince(item.groups)
    const lazy = this.#reader.eat('?') ? '?' : ''
    return { ...item, js: `(?:${item.js})${quantifier}${lazy}`, kind: 'repetition' }
  }

  /** Reads one item. A comment gives none. */
  #item(flags: Flags): Item[] {
    const groups = this.groups.count
    const character = this.#reader.next('more')
    const atom = (js: string): Item[] => [{ js, kind: 'atom', groups }]
    const anchor = (js: string): Item[] => [{ js, kind: 'anchor', groups }]
    if (character === '^') return anchor(flags.m ? '(?<![^\\n])' : '^')
    // Also before a newline that ends the path.
    if (character === '$') return anchor(flags.m ? '(?![^\\n])' : '(?=\\n?$)')
    if (character === '.') return atom(flags.s ? '[\\s\\S]' : '[^\\n]')
    if (character === '[') return atom(readClass(this.#reader, flags))
    if (character === '(') {
      const js = this.#group(flags)
      return js === undefined ? [] : atom(js)
    }
    if (character !== '\\') return atom(literal(character.codePointAt(0) as number, flags))
    const letter = this.#reader.next('a character after the backslash')
    if (letter === 'A') return anchor('^')
    if (letter === 'Z') return anchor('$')
    if (letter === 'b') return anchor(boundary(flags.a))
    if (letter === 'B') return anchor(noBoundary(flags.a))
    return atom(/[0-9]/.test(letter) ? this.#digits(letter, flags) : this.#escape(letter, flags))
  }

  #escape(letter: string, flags: Flags): string {
    return category(letter, flags) ?? literal(escapedCode(this.#reader, letter), flags)
  }

  /** An octal escape (three digits, or a leading zero) or a reference to a group. */
  #digits(first: string, flags: Flags): string {
    if (first === '0') return literal(octal(first + this.#reader.take(2, /[0-7]/)), flags)
    const digits = first + this.#reader.take(1, /[0-9]/)
    const third = /^[0-7]{2}$/.test(digits) ? this.#reader.take(1, /[0-7]/) : ''
    return third !== ''
      ? literal(octal(digits + third), flags)
      : this.#reference(this.groups.reference(Number(digits)), flags)
  }

  #reference(js: string, { i }: Flags): string {
    if (i) throw new PythonSyntaxError('JavaScript has no reference to a group in which case does not matter')
    return js
  }

  /** From after its `(`; undefined for a comment. */
  #group(flags: Flags): string | undefined {
    if (!this.#reader.eat('?')) return this.#capture(flags)
    if (this.#reader.eat('#')) {
      this.#reader.until(')', '")"')
      return undefined
    }
    if (this.#reader.eat('P<')) return this.#capture(flags, this.#reader.until('>', '">"'))
    if (this.#reader.eat('P='))
      return this.#reference(this.groups.named(this.#reader.until(')', '")"')), flags)
    if (this.#reader.eat('>')) throw new PythonSyntaxError('JavaScript has no atomic group "(?>…)"')
    if (this.#reader.eat('(')) throw new PythonSyntaxError('JavaScript has no condition "(?(…)…)"')
    const around = ['=', '!', '<=', '<!'].find(sign => this.#reader.eat(sign))
    if (around !== undefined) return this.#around(around, flags)
    return `(?:${this.#body(scopedFlags(this.#reader, flags))})`
  }

  #around(sign: string, flags: Flags): string {
    const before = this.groups.count
    const js = `(?${sign}${this.#body(flags)})`
    // In a lookbehind, read from right to left, groups can match another part.
    if (sign !== '=') this.groups.forgetSince(before)
    return js
  }

  #capture(flags: Flags, name?: string): string {
    const group = this.groups.open(name)
    const js = `(${this.#body(flags)})`
    this.groups.close(group)
    return js
  }

  #body(flags: Flags): string {
    const js = this.#alternation(flags)
    this.#reader.next('")"')
    return js
  }
}

const literal = (code: number, flags: Flags) => (flags.i ? writeClass([[code, code]], flags) : hex(code))

/** The method of Python that the result has to agree with. */
export type How = 'search' | 'fullmatch'

/** A pattern of Python's `re` in JavaScript. */
export interface Translated {
  /** For the `u` flag. Its match begins where the path does. */
  readonly source: string
  /** The number of each named group. */
  readonly names: ReadonlyMap<string, number>
}

/**
 * Writes a regular expression of Python (for `str`) in JavaScript's syntax.
 *
 * @throws PythonSyntaxError for what Python would refuse and for what JavaScript doesn't have
 */
export function translate(pattern: string, how: How): Translated {
  const translator = new Translator(pattern)
  return { source: translator.pattern(how), names: translator.groups.names }
}
