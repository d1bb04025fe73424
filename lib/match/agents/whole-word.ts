const isWord = (code: number) =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95

/** Whether a word (`\w`) goes on across an index. Beyond the ends charCodeAt gives NaN, which is in no word. */
const isInside = (text: string, at: number) => isWord(text.charCodeAt(at - 1)) && isWord(text.charCodeAt(at))

/** Whether what stands between two indices is glued to no word: "Disco" is not in "Discourse". */
export const isWhole = (text: string, start: number, end: number) =>
  !isInside(text, start) && !isInside(text, end)

/** Finds the text as {@link isWhole} has it. Where the text itself ends in no word character, any neighbour will do. */
export function wordExpression(text: string): RegExp {
  const literal = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const before = isWord(text.charCodeAt(0)) ? '(?<!\\w)' : ''
  const behind = isWord(text.charCodeAt(text.length - 1)) ? '(?!\\w)' : ''
  return new RegExp(before + literal + behind, 'i')
}
