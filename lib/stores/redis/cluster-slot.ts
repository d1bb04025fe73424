import { createHash } from 'node:crypto'

const PLAIN = /^[\w.:@/-]{1,64}$/

/**
 * A name as it may stand in a key of Redis. What is long, or has other characters, is hashed, behind a `#` that no plain one
 * has: nobody chooses slots by it, or fills memory.
 */
export function safeName(name: string): string {
  return PLAIN.test(name)
    ? name
    : `#${createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('base64url')}`
}

const SLOTS = 16_384
const table = /* @__PURE__ */ Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/** What stands between the first braces: all keys that share it are in one slot of a Cluster. */
export const tagOf = (key: string): string => key.slice(key.indexOf('{') + 1, key.indexOf('}'))

/** The Cluster slot of a key with a hash tag: CRC16 (XMODEM) of what stands between its first braces, of one byte a letter. */
export function slotOf(key: string): number {
  const end = key.indexOf('}')
  let crc = 0
  for (let i = key.indexOf('{') + 1; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ (table[(crc >>> 8) ^ key.charCodeAt(i)] as number)
  }
  return crc % SLOTS
}
