/** V8 copies a shorter slice. A longer one refers to the whole text, so one word keeps a whole request head in memory. */
const COPIED = 13

/**
 * Copies a text, so that it refers to no longer one. For texts that are kept longer than their request.
 *
 * @param most the most characters that are kept
 */
export function ownText(text: string, most = Number.POSITIVE_INFINITY): string {
  if (text.length < COPIED) return text
  const part = text.length > most ? text.slice(0, most) : text
  const encoding = /^[\0-\xff]*$/.test(part) ? 'latin1' : 'utf16le'
  return Buffer.from(part, encoding).toString(encoding)
}
