import { createHash } from 'node:crypto'

const PLAIN = /^[\w.:@/-]{1,64}$/

/**
 * Makes a name safe for a key of Redis. A name that is long or has unusual characters is hashed, behind a `#` that no plain name has, so
 * that a client can neither choose slots nor fill memory.
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

/** The hash tag of a key, between its first braces: all keys that share it are in one slot of a Cluster. */
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
