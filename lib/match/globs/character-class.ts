import { type CodeRange, LAST, union, within } from './code-ranges.ts'
import { GlobProblem } from './glob-problem.ts'

/** `[…]`, which matches one character. */
export interface CharacterClass {
  readonly kind: 'class'
  /** Sorted and disjoint, without `/`. */
  readonly ranges: readonly CodeRange[]
  readonly isNegated: boolean
}

const range = (from: string, to = from): CodeRange => [
  from.codePointAt(0) as number,
  to.codePointAt(0) as number,
]

/** The character classes of POSIX in a UTF-8 locale, without `/`. */
const named: Readonly<Record<string, readonly CodeRange[]>> = {
  digit: [range('0', '9')],
  xdigit: [range('0', '9'), range('A', 'F'), range('a', 'f')],
  blank: [range(' ')],
  space: [range(' ')],
  punct: [range('!', '.'), range(':', '@'), range('[', '`'), range('{', '~')],
}

const letters: Readonly<Record<string, RegExp>> = {
  alpha: /\p{Alphabetic}/u,
  alnum: /[\p{Alphabetic}\p{Nd}]/u,
  upper: /\p{Uppercase}/u,
  lower: /\p{Lowercase}/u,
  word: /[\p{Alphabetic}\p{Nd}_]/u,
}

const known = new Map<string, readonly CodeRange[]>()

/** The ranges of a named class; undefined if there is none of this name. Tests all of Unicode, once for each name. */
function rangesOf(name: string): readonly CodeRange[] | undefined {
  const expression = Object.hasOwn(letters, name) ? letters[name] : undefined
  if (!expression) return Object.hasOwn(named, name) ? named[name] : undefined
  let found = known.get(name)
  if (!found) {
    const codes: CodeRange[] = []
    for (let code = 0; code <= LAST; code++)
      if (expression.test(String.fromCodePoint(code))) codes.push([code, code])
    found = union(codes)
    known.set(name, found)
  }
  return found
}

const SLASH = 0x2f

/**
 * Reads the class that begins at a `[`, as a shell does: `!` or `^` negates, and a `]` in the first place belongs to it.
 *
 * @returns the class, and the place after it
 * @throws GlobProblem if it has no end, or if other programs would read it differently
 */
export function readClass(characters: readonly string[], start: number): [CharacterClass, number] {
  let at = start + 1
  const isNegated = characters[at] === '!' || characters[at] === '^'
  if (isNegated) at++
  const first = at
  const ranges: CodeRange[] = []

  function name(): readonly CodeRange[] | undefined {
    const [, kind, word] = /^\[([:.=])(.*?)\1\]/.exec(characters.slice(at, at + 16).join('')) ?? []
    if (kind === undefined) return undefined
    const found = kind === ':' ? rangesOf(word as string) : undefined
    if (!found) throw new GlobProblem(`"[${kind}${word}${kind}]" is no class of characters: list them`)
    at += (word as string).length + 4
    return found
  }

  function character(): string {
    if (characters[at] === '\\' && characters[at + 1] !== undefined) {
      at++
      if (/\w/.test(characters[at] as string))
        throw new GlobProblem(`"\\${characters[at]}" is of RegExps: write [0-9] for digits, or give a RegExp`)
    }
    return characters[at++] as string
  }

  for (;;) {
    const next = characters[at]
    if (next === undefined) throw new GlobProblem('a "[" has no "]": write \\[ for the character itself')
    if (next === ']' && at > first) break
    if (next === '/') throw new GlobProblem('no class of characters can hold a slash')
    const posix = name()
    if (posix) {
      ranges.push(...posix)
      continue
    }
    const from = character()
    const isRange = characters[at] === '-' && characters[at + 1] !== undefined && characters[at + 1] !== ']'
    if (isRange) at++
    const [low, high] = range(from, isRange ? character() : from)
    if (low > high)
      throw new GlobProblem(`the range ${String.fromCodePoint(low, 0x2d, high)} is empty: turn it round`)
    ranges.push([low, high])
  }
  const braces = /\{[^{}]*(?:,|\.\.)[^{}]*\}/.exec(characters.slice(start, at).join('').replace(/\\./gs, ''))
  if (braces)
    throw new GlobProblem(`a shell expands "${braces[0]}" in a class first: write \\{ for the character`)
  const all = union(ranges)
  const withoutSlash = [...within(all, 0, SLASH - 1), ...within(all, SLASH + 1, Number.POSITIVE_INFINITY)]
  return [{ kind: 'class', ranges: withoutSlash, isNegated }, at + 1]
}
