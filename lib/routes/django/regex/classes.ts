import { anyCase, type CodeRange } from './any-case.ts'
import { type Flags, PythonSyntaxError, type Scanner } from './scanner.ts'

export const hex = (code: number) => `\\u{${code.toString(16)}}`

/** What Python's `str.isspace` finds; JavaScript's `\s` has U+FEFF and lacks U+001C to U+001F and U+0085. */
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
export function escapedCode(scanner: Scanner, letter: string): number {
  const control = controls[letter]
  if (control !== undefined) return control
  const width = widths[letter]
  if (width !== undefined) {
    const digits = scanner.take(width, /[0-9a-fA-F]/)
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

function classEscape(scanner: Scanner, flags: Flags): string | number {
  const letter = scanner.next('a character after the backslash')
  const set = category(letter, flags)
  if (set !== undefined) return set
  if (/[89]/.test(letter)) throw new PythonSyntaxError(`Python has no escape "\\${letter}" in a class`)
  return /[0-7]/.test(letter) ? octal(letter + scanner.take(2, /[0-7]/)) : escapedCode(scanner, letter)
}

/** A character's code, or a whole category. */
function member(scanner: Scanner, flags: Flags): string | number {
  const character = scanner.next('"]"')
  return character === '\\' ? classEscape(scanner, flags) : (character.codePointAt(0) as number)
}

function range(scanner: Scanner, flags: Flags, from: string | number): CodeRange {
  const to = member(scanner, flags)
  if (typeof from === 'number' && typeof to === 'number' && from <= to) return [from, to]
  throw new PythonSyntaxError('a class has a range that is none')
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
export function readClass(scanner: Scanner, flags: Flags): string {
  const isNegated = scanner.eat('^')
  const ranges: CodeRange[] = []
  const sets: string[] = []
  for (let isFirst = true; isFirst || !scanner.eat(']'); isFirst = false) {
    const from = member(scanner, flags)
    if (scanner.peek() === '-' && scanner.peek(1) !== ']') {
      scanner.eat('-')
      ranges.push(range(scanner, flags, from))
    } else if (typeof from === 'string') sets.push(from)
    else ranges.push([from, from])
  }
  return unite(writeRanges(ranges, flags), sets, isNegated)
}
