import { encodeBytes } from '../globs/percent-encoding.ts'
import { isAmbiguous } from './ambiguous-path.ts'

/** The code of `/`. */
export const SLASH = 47

/**
 * The path of a request target: without the query, and of an absolute-form target (RFC 9112 3.2.2) without scheme and
 * authority.
 */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (path.charCodeAt(0) === SLASH) return path
  // An authority of other characters ends elsewhere for `url.parse`, by which Express reads it.
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[\w.~:@[\]-]+(\/.*)?$/is.exec(path)
  return absolute ? (absolute[1] ?? '/') : path
}

const [DOT, PLAIN] = [46, 1]

/** What can mean one thing only, by character code; dots and slashes where none stands beside a slash. */
const kinds = Uint8Array.from({ length: 128 }, (_, code) => Number(/[\w~-]/.test(String.fromCharCode(code))))

/** Whether from `start`, where a character stands before, there is nothing hidden, encoded or ambiguous. */
export function isPlain(path: string, start: number): boolean {
  let before = path.charCodeAt(start - 1)
  for (let i = start; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (kinds[code] !== PLAIN && ((code !== DOT && code !== SLASH) || before === SLASH)) return false
    before = code
  }
  return true
}

/** A path that can be judged, as sent (bytes beyond ASCII encoded), or undefined where it could mean two things. */
export function judgeablePath(path: string): string | undefined {
  // A rule asks again for the reason of its drop.
  if (path !== last.path) last = { path, judgeable: read(path) }
  return last.judgeable
}

let last: { readonly path: string; readonly judgeable: string | undefined } = {
  path: '',
  judgeable: undefined,
}

function read(path: string): string | undefined {
  if (path.charCodeAt(0) !== SLASH) return undefined
  if (isPlain(path, 1)) return path
  if (isAmbiguous(path)) return undefined
  const encoded = encodeBytes(path)
  const decoded = decodePath(encoded)
  const isClear = decoded !== undefined && !/%[0-9a-f]{2}/i.test(decoded) && !/[^\x00-\x7f]/.test(encoded)
  return isClear ? encoded : undefined
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
