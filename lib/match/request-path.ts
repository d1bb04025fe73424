/**
 * The path of a request target: without the query, and of an absolute-form target (RFC 9112 3.2.2) without scheme and
 * authority.
 */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (path.charCodeAt(0) === 47) return path
  // An authority of other characters ends elsewhere for `url.parse`, by which Express reads it.
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[\w.~:@[\]-]+(\/.*)?$/is.exec(path)
  return absolute ? (absolute[1] ?? '/') : path
}

/**
 * What one component reads one way and the next another: dot segments, encoded dots, `\`, `//`, `#`, control bytes raw or
 * encoded, `..;` (Tomcat), and `%25` before two hex digits (decoded twice, it is another path).
 */
const ambiguous =
  /\/\.{1,2}(?:\/|;|%3b|%2f|%5c|$)|%(?:2f|5c)\.|%2e|\\|\/\/|#|[\x00-\x20\x7f]|%[01][0-9a-f]|%7f|\.\.(?:;|%3b)/i

/** Anything beyond what a URL spells plainly: then the slow checks are worth their time. */
const unusual = /[^\w/.~-]/

/** Bytes beyond ASCII, which clients should have encoded. Node reads them as Latin-1. */
const raw = /[\x80-\xff]/g

const encodeByte = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`

/** A path that can be judged, as sent (bytes beyond ASCII encoded), or undefined where it could mean two things. */
export function judgeablePath(path: string): string | undefined {
  if (path.charCodeAt(0) !== 47 || ambiguous.test(path)) return undefined
  if (!unusual.test(path)) return path
  const encoded = path.replace(raw, encodeByte)
  const decoded = decodePath(encoded)
  const isPlain = decoded !== undefined && !/%[0-9a-f]{2}/i.test(decoded) && !/[^\x00-\x7f]/.test(encoded)
  return isPlain ? encoded : undefined
}

/** Percent-decoded, or undefined if that is no UTF-8 (overlong forms are none, RFC 3629 3). */
export function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
