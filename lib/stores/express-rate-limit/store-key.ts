/** What every engine takes: Memcached has the narrowest rules, at most 250 bytes, no space and no control character. */
const PLAIN = /^(?!sha256-)[!-~]{1,150}$/

/** A key that any engine takes: as it is, or its SHA-256. No two keys have the same one. */
export function storeKey(key: string): string {
  if (PLAIN.test(key)) return key
  // Not imported: hardly anybody needs it.
  return `sha256-${process.getBuiltinModule('node:crypto').createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url')}`
}
