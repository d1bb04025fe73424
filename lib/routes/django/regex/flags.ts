import { type Flags, noFlags, PythonSyntaxError, type Scanner } from './scanner.ts'

function withFlags(flags: Flags, letters: string, to: boolean): Flags {
  const unknown = [...letters].find(letter => !'imsxau'.includes(letter))
  if (unknown) throw new PythonSyntaxError(`Python has no flag "${unknown}" for text`)
  // `u`, the default, takes back an `a` from around.
  const known = [...letters].map(letter => (letter === 'u' ? ['a', false] : [letter, to]))
  return { ...flags, ...Object.fromEntries(known) }
}

/** `(?i)`, which counts for the whole pattern. */
function leadingFlag(scanner: Scanner, flags: Flags): Flags | undefined {
  const { at } = scanner
  if (scanner.eat('(?')) {
    const letters = scanner.take(8, /[aiLmsux]/)
    if (letters !== '' && scanner.eat(')')) return withFlags(flags, letters, true)
  }
  scanner.reset(at)
  return undefined
}

/** The flags that a pattern begins with. */
export function leadingFlags(scanner: Scanner): Flags {
  let flags = noFlags
  for (let more = leadingFlag(scanner, flags); more; more = leadingFlag(scanner, flags)) flags = more
  return flags
}

/** `(?:`, `(?i:`, `(?-i:`. */
export function scopedFlags(scanner: Scanner, flags: Flags): Flags {
  const set = scanner.take(8, /[a-zA-Z]/)
  const unset = scanner.eat('-') ? scanner.take(8, /[imsx]/) : ''
  if (scanner.eat(':')) return withFlags(withFlags(flags, set, true), unset, false)
  const where = scanner.peek() === ')' && set !== ''
  throw new PythonSyntaxError(
    where ? `flags ("(?${set})") stand at the start of a pattern only` : `Python has no group "(?${set}…"`,
  )
}
