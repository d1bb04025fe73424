/**
 * What Python's `re.IGNORECASE` takes for the same letter: equal in lower case, or lower-case letters of one upper case
 * (`i` and the dotless one). Both have a dot or none as Python has it: its simple mappings know `İ`, JavaScript's don't.
 */
const keyOf = (letter: string) => (letter === 'İ' ? 'i' : letter.toLowerCase()).toUpperCase()

/** No script with two cases lies above. */
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

/** Both ends included. */
export type CodeRange = readonly [from: number, to: number]

const isIn = (ranges: readonly CodeRange[], code: number) =>
  ranges.some(([from, to]) => code >= from && code <= to)

/** The ranges, and all that they match where case doesn't matter: of all scripts, or of ASCII only. */
export function anyCase(ranges: readonly CodeRange[], asciiOnly: boolean): CodeRange[] {
  const last = asciiOnly ? 0x7f : LAST_CASED
  const added = letters()
    .map(group => group.filter(code => code <= last))
    .filter(group => group.some(code => isIn(ranges, code)))
    .flat()
  return [...ranges, ...added.map((code): CodeRange => [code, code])]
}
