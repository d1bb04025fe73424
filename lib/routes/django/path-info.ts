import { byteAt } from '../../match/globs/percent-encoding.ts'

const PERCENT = 37
const hexDigits = /* @__PURE__ */ Buffer.from('0123456789ABCDEF')

/** The bytes that must follow a first byte (RFC 3629 4): their count, and the range of the next one. */
function tailOf(first: number): readonly [count: number, low: number, high: number] {
  if (first < 0xc2 || first > 0xf4) return [0, 0, 0]
  if (first < 0xe0) return [1, 0x80, 0xbf]
  if (first < 0xf0) return [2, first === 0xe0 ? 0xa0 : 0x80, first === 0xed ? 0x9f : 0xbf]
  return [3, first === 0xf0 ? 0x90 : 0x80, first === 0xf4 ? 0x8f : 0xbf]
}

/** The length of the UTF-8 sequence at a place, or 0 where there is none. */
function sequenceAt(bytes: Buffer, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return 1
  const [count, low, high] = tailOf(first)
  const second = bytes[at + 1] ?? 0
  if (count === 0 || second < low || second > high) return 0
  for (let i = 2; i <= count; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  return count + 1
}

/** Percent-encodes the bytes that are not UTF-8, as Django does (`repercent_broken_unicode`). */
function encodeBroken(bytes: Buffer): Buffer {
  const encoded = Buffer.allocUnsafe(3 * bytes.length)
  let to = 0
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at)
    if (length === 0) {
      const byte = bytes[at++] as number
      encoded[to++] = PERCENT
      encoded[to++] = hexDigits[byte >> 4] as number
      encoded[to++] = hexDigits[byte & 15] as number
    } else for (let i = 0; i < length; i++) encoded[to++] = bytes[at++] as number
  }
  return encoded.subarray(0, to)
}

/**
 * Django's `path_info` of a path as it was sent: percent-decoded once, read as UTF-8. A `%` without two hex digits stands
 * for itself.
 */
export function pathInfoOf(path: string): string {
  if (!/[%\x80-\xff]/.test(path)) return path
  const bytes = Buffer.from(path, 'latin1')
  let to = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] === PERCENT ? byteAt(bytes, at) : -1
    bytes[to++] = byte < 0 ? (bytes[at] as number) : byte
    if (byte >= 0) at += 2
  }
  const decoded = bytes.subarray(0, to)
  const text = decoded.toString()
  // Node puts U+FFFD in the place of bytes that are not UTF-8. A U+FFFD that was sent is UTF-8, and stays.
  return text.includes('\ufffd') ? encodeBroken(decoded).toString() : text
}
