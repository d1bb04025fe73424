const ASCII = 128

/** The characters that a class, an escape or a plain character of an expression matches. */
export interface CharacterSet {
  /** For each ASCII character: 1 if it is in the set. */
  readonly ascii: Uint8Array
  /** Whether a character, ASCII or not, is in the set. */
  has(character: string): boolean
  /** The character, if the set was written as a plain or escaped character. */
  readonly letter: string | undefined
}

/** Many expressions share the same sets. */
const known = new Map<string, CharacterSet>()

/** The set of a part of an expression's source. The RegExp engine itself is asked about each character. */
export function characterSet(source: string, flags: string): CharacterSet {
  const key = `${flags} ${source}`
  const found = known.get(key)
  if (found) return found
  const expression = new RegExp(`^(?:${source})$`, flags)
  const has = (character: string) => expression.test(character)
  const plain = /^\\[^\w]$/.test(source) ? source.slice(1) : source
  const made: CharacterSet = {
    ascii: Uint8Array.from({ length: ASCII }, (_, code) => Number(has(String.fromCharCode(code)))),
    has,
    letter: plain.length === 1 && source !== '.' ? plain : undefined,
  }
  known.set(key, made)
  return made
}
