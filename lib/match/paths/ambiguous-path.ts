import { escapeAt } from '../globs/percent-encoding.ts'

const [SLASH, DOT, PERCENT, SEMICOLON, BACKSLASH] = [0x2f, 0x2e, 0x25, 0x3b, 0x5c]

/** For each ASCII code: 1 if a path with this character is never judged: blanks, control bytes, `\`, `#`. */
const isNever = /* @__PURE__ */ Uint8Array.from({ length: 128 }, (_, code) =>
  Number(/[\x00-\x20\x7f\\#]/.test(String.fromCharCode(code))),
)

/** The character at a place, encoded or not; NaN at the end. */
function meantAt(path: string, at: number): number {
  const code = path.charCodeAt(at)
  const byte = code === PERCENT ? escapeAt(path, at) : -1
  return byte < 0 ? code : byte
}

/** Whether some program ends a segment of dots at a place: at the end of the path, `/`, `;`, `%2f`, `%5c` or `%3b`. */
function endsSegment(path: string, at: number): boolean {
  if (at === path.length) return true
  const meant = meantAt(path, at)
  return meant === SLASH || meant === SEMICOLON || (meant === BACKSLASH && path.charCodeAt(at) === PERCENT)
}

function isDotSegment(path: string, slash: number): boolean {
  if (path.charCodeAt(slash + 1) !== DOT) return false
  return endsSegment(path, slash + 2) || (path.charCodeAt(slash + 2) === DOT && endsSegment(path, slash + 3))
}

/** Whether the escape at a place is an encoded dot, a `/` or `\` before a dot, or a control byte. */
function isHazard(path: string, at: number): boolean {
  const byte = escapeAt(path, at)
  if (byte === SLASH || byte === BACKSLASH) return path.charCodeAt(at + 3) === DOT
  return byte === DOT || byte === 0x7f || (byte >= 0 && byte < 0x20)
}

/**
 * Whether two programs may read a path in different ways: it has dot segments, encoded dots, `\`, `//`, `#`, control bytes (raw
 * or encoded) or `..;` (Tomcat). `%25` before two hex digits is not found here, but after decoding.
 */
export function isAmbiguous(path: string): boolean {
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    if (code > 0x7f) continue
    if (isNever[code] === 1) return true
    if (code === PERCENT && isHazard(path, at)) return true
    if (code === SLASH && (path.charCodeAt(at + 1) === SLASH || isDotSegment(path, at))) return true
    if (code === DOT && path.charCodeAt(at + 1) === DOT && meantAt(path, at + 2) === SEMICOLON) return true
  }
  return false
}
