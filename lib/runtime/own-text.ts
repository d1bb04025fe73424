/** V8 copies what is shorter, and keeps of what is longer only where in the whole it stands: all of a head for one word of it. */
const COPIED = 13

/**
 * A text that holds on to no other, for what is kept longer than the request that it came with.
 *
 * @param most letters of it that are kept
 */
export function ownText(text: string, most = Number.POSITIVE_INFINITY): string {
  if (text.length < COPIED) return text
  const part = text.length > most ? text.slice(0, most) : text
  const encoding = /^[\0-\xff]*$/.test(part) ? 'latin1' : 'utf16le'
  return Buffer.from(part, encoding).toString(encoding)
}
