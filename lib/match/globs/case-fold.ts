/** Marks on one letter of which no more is put in order: else a path of nothing but marks would take the square of its length. */
const MOST_MARKS = 30
/** Combining grapheme joiner: marks are not moved past it (UAX 15, stream-safe text). */
const JOINER = '\u034f'

const marks = new RegExp(`\\p{M}{${MOST_MARKS}}`, 'gu')

/**
 * A text as one that stands for all that an app may read alike: canonically equivalent ones (NFC, NFD), and unless
 * `caseSensitive` each case. That is more than lower case: U+212A is k, U+017F s, U+0131 and U+0130 i, `ß` ss (JavaScript's
 * `toUpperCase` and `/iu`, Python's `re.IGNORECASE`).
 */
export function foldCase(text: string, caseSensitive: boolean): string {
  if (!/[^\x00-\x7f]/.test(text)) return caseSensitive ? text : text.toLowerCase()
  const bounded = text.replace(marks, `$&${JOINER}`)
  if (caseSensitive) return bounded.normalize('NFC')
  return bounded
    .normalize('NFD')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replaceAll('i\u0307', 'i')
    .normalize('NFC')
}

/** What folds to a letter of ASCII, one for one. */
const alsoAscii: Readonly<Record<string, readonly string[]>> = {
  i: ['\u0131', '\u0130', 'i\u0307'],
  k: ['\u212a'],
  s: ['\u017f'],
}

/** The spellings of a character that an app may fold to it. */
export function caseVariants(character: string): readonly string[] {
  const lower = character.toLowerCase()
  return [...new Set([character, lower, character.toUpperCase(), ...(alsoAscii[lower] ?? [])])]
}
