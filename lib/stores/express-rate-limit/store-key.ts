/** Keys that every engine takes. Memcached has the narrowest rules: at most 250 bytes, no space and no control character. */
const PLAIN = /^(?!sha256-)[!-~]{1,150}$/

/** Makes a key that any engine takes: the key itself, or its SHA-256. Two keys never become one. */
export function storeKey(key: string): string {
  if (PLAIN.test(key)) return key
  // Loaded at the first need, which is rare.
  return `sha256-${process.getBuiltinModule('node:crypto').createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url')}`
}
