/** A UTF-8 sequence as RFC 3629 4 has it, or a byte that is part of none. A character is a byte. */
const sequences = new RegExp(
  [
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
    '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}',
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
    '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
    '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}',
    '[\\x80-\\xff]',
  ].join('|'),
  'g',
)

/** What is no UTF-8 Django encodes again (`repercent_broken_unicode`). */
const decodeSequence = (bytes: string) =>
  bytes.length > 1
    ? Buffer.from(bytes, 'latin1').toString()
    : `%${bytes.charCodeAt(0).toString(16).toUpperCase()}`

/**
 * Django's `path_info` of a path as it was sent: percent-decoded once, read as UTF-8. A `%` without two hex digits stands
 * for itself.
 */
export function pathInfoOf(path: string): string {
  const bytes = path.includes('%')
    ? path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : path
  return /[\x80-\xff]/.test(bytes) ? bytes.replace(sequences, decodeSequence) : bytes
}
