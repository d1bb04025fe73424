/** What Python's `re` would refuse, or JavaScript has no means for. */
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
export class Scanner {
  readonly #characters: readonly string[]
  #at = 0

  constructor(pattern: string) {
    this.#characters = [...pattern]
  }

  get at(): number {
    return this.#at
  }

  /** Goes back to where it was. */
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
