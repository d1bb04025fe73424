const letters = 'abcdefghijklmnopqrstuvwxyz'

/** By character code: a number for each character that a path holds unencoded, 0 for all others. Unless `caseSensitive` both cases have one number. */
export function foldTable(caseSensitive: boolean): Uint8Array {
  const table = new Uint8Array(128)
  const characters = `/.-_~0123456789${letters}${letters.toUpperCase()}`
  for (const [i, character] of [...characters].entries()) {
    const isFolded = !caseSensitive && i >= characters.length - letters.length
    table[character.charCodeAt(0)] = isFolded ? i + 1 - letters.length : i + 1
  }
  return table
}

/** The numbers of a text's characters. */
export const foldText = (text: string, fold: Uint8Array) =>
  Uint8Array.from(text, character => fold[character.charCodeAt(0)] ?? 0)

/** Whether a path ends with one of the texts, given as numbers. The text must not begin before `start`. */
export function endsWith(
  path: string,
  start: number,
  texts: readonly Uint8Array[],
  fold: Uint8Array,
): boolean {
  for (const codes of texts) {
    const from = path.length - codes.length
    let i = 0
    while (from >= start && i < codes.length && fold[path.charCodeAt(from + i)] === codes[i]) i++
    if (from >= start && i === codes.length) return true
  }
  return false
}
