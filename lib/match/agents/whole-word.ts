const isWord = (code: number) =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95

/** Whether an index lies inside a word (`\w`). Outside the text charCodeAt returns NaN, which is no word character. */
const isInside = (text: string, at: number) => isWord(text.charCodeAt(at - 1)) && isWord(text.charCodeAt(at))

/** Whether the text between two indices is whole words: "Disco" is none in "Discourse". */
export const isWhole = (text: string, start: number, end: number) =>
  !isInside(text, start) && !isInside(text, end)

/** An expression that finds the text as whole words. On a side where the text has no word character any neighbour is allowed. */
export function wordExpression(text: string): RegExp {
  const literal = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const before = isWord(text.charCodeAt(0)) ? '(?<!\\w)' : ''
  const behind = isWord(text.charCodeAt(text.length - 1)) ? '(?!\\w)' : ''
  return new RegExp(before + literal + behind, 'i')
}
