/** A pattern that Python's `re` would refuse, or that JavaScript can't express. */
export class PythonSyntaxError extends Error {
  override readonly name = 'PythonSyntaxError'
}

/** Python's flags: IGNORECASE, MULTILINE, DOTALL, VERBOSE, ASCII. */
export interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
  readonly x: boolean
  readonly a: boolean
}

export const noFlags: Flags = { i: false, m: false, s: false, x: false, a: false }

/** Reads a pattern by code points, as Python does. */
export class Reader {
  readonly #characters: readonly string[]
  #at = 0

  constructor(pattern: string) {
    this.#characters = [...pattern]
  }

  get at(): number {
    return this.#at
  }

  /** Goes back to an earlier place. */
  reset(at: number): void {
    this.#at = at
  }

  peek(ahead = 0): string | undefined {
    return this.#characters[this.#at + ahead]
  }

  next(expected: string): string {
    const found = this.#characters[this.#at++]
    if (found === undefined) throw new PythonSyntaxError(`it ends where ${expected} should be`)
    return found
  }

  eat(text: string): boolean {
    if (this.#characters.slice(this.#at, this.#at + text.length).join('') !== text) return false
    this.#at += text.length
    return true
  }

  /** At most so many characters of a kind. */
  take(most: number, kind: RegExp): string {
    let taken = ''
    for (
      let next = this.peek();
      taken.length < most && next !== undefined && kind.test(next);
      next = this.peek()
    ) {
      taken += next
      this.#at++
    }
    return taken
  }

  /** Up to a character, which is read too. */
  until(end: string, expected: string): string {
    let found = ''
    for (let next = this.next(expected); next !== end; next = this.next(expected)) found += next
    return found
  }
}

function withFlags(flags: Flags, letters: string, to: boolean): Flags {
  const unknown = [...letters].find(letter => !'imsxau'.includes(letter))
  if (unknown) throw new PythonSyntaxError(`Python has no flag "${unknown}" for text`)
  // `u`, the default, takes back the `a` of an enclosing group.
  const known = [...letters].map(letter => (letter === 'u' ? ['a', false] : [letter, to]))
  return { ...flags, ...Object.fromEntries(known) }
}

/** Reads `(?i)`, which applies to the whole pattern. */
function leadingFlag(reader: Reader, flags: Flags): Flags | undefined {
  const { at } = reader
  if (reader.eat('(?')) {
    const letters = reader.take(8, /[aiLmsux]/)
    if (letters !== '' && reader.eat(')')) return withFlags(flags, letters, true)
  }
  reader.reset(at)
  return undefined
}

/** Reads the flags at the start of a pattern. */
export function leadingFlags(reader: Reader): Flags {
  let flags = noFlags
  for (let more = leadingFlag(reader, flags); more; more = leadingFlag(reader, flags)) flags = more
  return flags
}

/** Reads the flags of a group, from after its `(?`: `(?:`, `(?i:`, `(?-i:`. */
export function scopedFlags(reader: Reader, flags: Flags): Flags {
  const set = reader.take(8, /[a-zA-Z]/)
  const unset = reader.eat('-') ? reader.take(8, /[imsx]/) : ''
  if (reader.eat(':')) return withFlags(withFlags(flags, set, true), unset, false)
  const where = reader.peek() === ')' && set !== ''
  throw new PythonSyntaxError(
    where ? `flags ("(?${set})") stand at the start of a pattern only` : `Python has no group "(?${set}…"`,
  )
}

/** Reads `*`, `{2,}` and so on; undefined if there is none. A brace that begins no quantifier stands for itself. */
export function readQuantifier(reader: Reader): string | undefined {
  if (reader.eat('*')) return '*'
  if (reader.eat('+')) return '+'
  if (reader.eat('?')) return '?'
  const { at } = reader
  if (reader.eat('{') && reader.peek() !== '}') {
    const from = reader.take(12, /[0-9]/)
    const to = reader.eat(',') ? reader.take(12, /[0-9]/) : from
    if (reader.eat('}')) {
      const min = Number(from)
      if (to !== '' && Number(to) < min)
        throw new PythonSyntaxError(`"{${from},${to}}" ends before it begins`)
      return `{${min},${to}}`
    }
  }
  reader.reset(at)
  return undefined
}

/** Skips one white-space character or one comment, which the flag `x` allows in a pattern. Returns false if neither is next. */
export function skipVerbose(reader: Reader): boolean {
  if (reader.take(1, /[ \t\n\r\v\f]/) !== '') return true
  if (!reader.eat('#')) return false
  while (reader.peek() !== undefined && reader.next('a comment') !== '\n');
  return true
}
