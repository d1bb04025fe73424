/** The most marks on one letter that are sorted together: sorting a path made of marks alone would take quadratic time. */
const MOST_MARKS = 30
/** The combining grapheme joiner. Marks are not sorted past it (UAX 15, stream-safe text). */
const JOINER = '\u034f'

const marks = /* @__PURE__ */ new RegExp(`\\p{M}{${MOST_MARKS}}`, 'gu')

/**
 * Folds a text, so that all texts that an app may read alike become the same: canonically equivalent ones (NFC, NFD) and, unless
 * `caseSensitive`, all cases. That is more than lower case: U+212A becomes k, U+017F s, U+0131 and U+0130 i, `ß` ss, as in
 * JavaScript's `toUpperCase` and `/iu`, and Python's `re.IGNORECASE`.
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

/** The texts beyond ASCII that fold to one ASCII letter. */
const alsoAscii: Readonly<Record<string, readonly string[]>> = {
  i: ['\u0131', '\u0130', 'i\u0307'],
  k: ['\u212a'],
  s: ['\u017f'],
}

/** The spellings that an app may fold to the same character. */
export function caseVariants(character: string): readonly string[] {
  const lower = character.toLowerCase()
  return [...new Set([character, lower, character.toUpperCase(), ...(alsoAscii[lower] ?? [])])]
}
