const ASCII = 128

/** What matches one character: a class, an escape, a character. */
export interface CharacterSet {
  /** For each character of ASCII whether it is in the set. */
  readonly ascii: Uint8Array
  /** For any character. */
  has(character: string): boolean
  /** The character that alone stands for the set, if it is written plainly. */
  readonly letter: string | undefined
}

/** Many expressions have the same ones. */
const known = new Map<string, CharacterSet>()

/** The set that a part of an expression's source stands for, as the engine of RegExps reads it. */
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
