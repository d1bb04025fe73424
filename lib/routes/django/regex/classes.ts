import type { CodeRange } from '../../../match/globs/code-ranges.ts'
import { type Flags, PythonSyntaxError, type Reader } from './reader.ts'

export const hex = (code: number) => `\\u{${code.toString(16)}}`

/** The characters of Python's `str.isspace`; JavaScript's `\s` has U+FEFF and lacks U+001C to U+001F and U+0085. */
const spaces = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const categories: Record<string, { any: string; ascii: string }> = {
  d: { any: '\\p{Nd}', ascii: '0-9' },
  s: { any: spaces, ascii: '\\t-\\r\\x20' },
  w: { any: '\\p{L}\\p{N}_', ascii: '0-9A-Za-z_' },
}

/** `\d`, `\W` and so on as a class, or undefined for another letter. */
export function category(letter: string, { a }: Flags): string | undefined {
  const found = categories[letter.toLowerCase()]
  if (!found) return undefined
  return `[${letter === letter.toLowerCase() ? '' : '^'}${a ? found.ascii : found.any}]`
}

const controls: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 }

const widths: Record<string, number> = { x: 2, u: 4, U: 8 }

/** The character that an escape stands for in a class and outside; digits are read elsewhere. */
export function escapedCode(reader: Reader, letter: string): number {
  const control = controls[letter]
  if (control !== undefined) return control
  const width = widths[letter]
  if (width !== undefined) {
    const digits = reader.take(width, /[0-9a-fA-F]/)
    const code = Number.parseInt(digits, 16)
    if (digits.length === width && code <= 0x10ffff) return code
    throw new PythonSyntaxError(`"\\${letter}${digits}" is no character`)
  }
  if (letter === 'N') throw new PythonSyntaxError('JavaScript does not know characters by name ("\\N{…}")')
  if (/[A-Za-z]/.test(letter)) throw new PythonSyntaxError(`Python has no escape "\\${letter}"`)
  return letter.codePointAt(0) as number
}

/** The character of an octal escape. */
export function octal(digits: string): number {
  const code = Number.parseInt(digits, 8)
  if (code > 0o377) throw new PythonSyntaxError(`"\\${digits}" is no character`)
  return code
}

function classEscape(reader: Reader, flags: Flags): string | number {
  const letter = reader.next('a character after the backslash')
  const set = category(letter, flags)
  if (set !== undefined) return set
  if (/[89]/.test(letter)) throw new PythonSyntaxError(`Python has no escape "\\${letter}" in a class`)
  return /[0-7]/.test(letter) ? octal(letter + reader.take(2, /[0-7]/)) : escapedCode(reader, letter)
}

/** A character's code, or a whole category. */
function member(reader: Reader, flags: Flags): string | number {
  const character = reader.next('"]"')
  return character === '\\' ? classEscape(reader, flags) : (character.codePointAt(0) as number)
}

function range(reader: Reader, flags: Flags, from: string | number): CodeRange {
  const to = member(reader, flags)
  if (typeof from === 'number' && typeof to === 'number' && from <= to) return [from, to]
  throw new PythonSyntaxError('a class has a range that is none')
}

/**
 * The same key for letters that Python's `re.IGNORECASE` takes for one: those equal in lower case, and lower-case letters with
 * one upper case (`i` and the dotless `ı`). `İ` is written out, because its lower case is `i` in Python alone.
 */
const keyOf = (letter: string) => (letter === 'İ' ? 'i' : letter.toLowerCase()).toUpperCase()

/** The last code point to look at: no script with two cases lies above. */
const LAST_CASED = 0x1ffff

let known: readonly (readonly number[])[] | undefined

function letters(): readonly (readonly number[])[] {
  if (known) return known
  const groups = new Map<string, number[]>()
  for (let code = 0; code <= LAST_CASED; code++) {
    const letter = String.fromCodePoint(code)
    if (letter.toLowerCase() === letter && letter.toUpperCase() === letter) continue
    const key = keyOf(letter)
    const group = groups.get(key)
    if (group) group.push(code)
    else groups.set(key, [code])
  }
  known = [...groups.values()]
  return known
}

const isIn = (ranges: readonly CodeRange[], code: number) =>
  ranges.some(([from, to]) => code >= from && code <= to)

/** The ranges, and the letters that they match if case doesn't matter: of all scripts, or of ASCII only. */
function anyCase(ranges: readonly CodeRange[], asciiOnly: boolean): CodeRange[] {
  const last = asciiOnly ? 0x7f : LAST_CASED
  const added = letters()
    .map(group => group.filter(code => code <= last))
    .filter(group => group.some(code => isIn(ranges, code)))
    .flat()
  return [...ranges, ...added.map((code): CodeRange => [code, code])]
}

export const writeClass = (ranges: readonly CodeRange[], flags: Flags) => `[${writeRanges(ranges, flags)}]`

function writeRanges(ranges: readonly CodeRange[], flags: Flags): string {
  const all = flags.i && ranges.length > 0 ? anyCase(ranges, flags.a) : ranges
  return all.map(([from, to]) => (from === to ? hex(from) : `${hex(from)}-${hex(to)}`)).join('')
}

/**
 * A class of ranges and of categories. A class in a class only the `v` flag has, with which V8 11.3 (Node 20) misses
 * matches: `/(?:a[b-c]){1,2}/v` finds nothing in `ab`.
 */
function unite(ranges: string, sets: readonly string[], isNegated: boolean): string {
  const plain = sets.filter(set => !set.startsWith('[^')).map(set => set.slice(1, -1))
  const complements = sets.filter(set => set.startsWith('[^'))
  const all = ranges + plain.join('')
  if (complements.length === 0) return `[${isNegated ? '^' : ''}${all}]`
  const either = [...(all === '' ? [] : [`[${all}]`]), ...complements].join('|')
  return isNegated ? `(?:(?!${either})[\\s\\S])` : `(?:${either})`
}

/** A class, from after its `[`. A `]` that comes first stands for itself. */
export function readClass(reader: Reader, flags: Flags): string {
  const isNegated = reader.eat('^')
  const ranges: CodeRange[] = []
  const sets: string[] = []
  for (let isFirst = true; isFirst || !reader.eat(']'); isFirst = false) {
    const from = member(reader, flags)
    if (reader.peek() === '-' && reader.peek(1) !== ']') {
      reader.eat('-')
      ranges.push(range(reader, flags, from))
    } else if (typeof from === 'string') sets.push(from)
    else ranges.push([from, from])
  }
  return unite(writeRanges(ranges, flags), sets, isNegated)
}
