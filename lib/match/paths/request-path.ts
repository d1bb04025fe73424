import { encodeBytes } from '../globs/percent-encoding.ts'
import { isAmbiguous } from './ambiguous-path.ts'

/** The code of `/`. */
export const SLASH = 47

/**
 * The path of a request target, without the query. Scheme and authority of an absolute-form target (RFC 9112 3.2.2) are left
 * out.
 */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (path.charCodeAt(0) === SLASH) return path
  // Other characters in an authority: `url.parse`, which Express uses, would end it at another place.
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[\w.~:@[\]-]+(\/.*)?$/is.exec(path)
  return absolute ? (absolute[1] ?? '/') : path
}

const [DOT, PLAIN] = [46, 1]

/** By character code: 1 for a plain character, which every program reads alike. */
const kinds = /* @__PURE__ */ Uint8Array.from({ length: 128 }, (_, code) =>
  Number(/[\w~-]/.test(String.fromCharCode(code))),
)

/** Whether a path has nothing hidden, encoded or ambiguous from `start` on. A dot or slash is plain unless it follows a slash. */
export function isPlain(path: string, start: number): boolean {
  let before = path.charCodeAt(start - 1)
  for (let i = start; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (kinds[code] !== PLAIN && ((code !== DOT && code !== SLASH) || before === SLASH)) return false
    before = code
  }
  return true
}

/** The path as sent, with bytes beyond ASCII encoded, if it can be judged; undefined if programs could read it differently. */
export function judgeablePath(path: string): string | undefined {
  // A rule asks for it a second time, for the reason of its drop.
  if (path !== lastJudged.path) lastJudged = { path, judgeable: read(path) }
  return lastJudged.judgeable
}

let lastJudged: { readonly path: string; readonly judgeable: string | undefined } = {
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

/** Percent-decodes a path; undefined if the result is no UTF-8 (overlong forms are none, RFC 3629 3). */
export function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
