import { foldCase } from '../globs/case-fold.ts'
import { encodeBytes, upperHex } from '../globs/percent-encoding.ts'

/** Percent-encoding within percent-encoding: more often nobody decodes. */
const MOST_DECODINGS = 4
/** Characters of all readings together: a path that has more of them can't be told. */
const MOST_CHARACTERS = 28_000

/** Bytes that are no UTF-8: as Latin-1, but for ASCII in more bytes than it needs (overlong, RFC 3629 3). */
const brokenBytes = (escapes: string) =>
  escapes
    .replace(/%c([01])%([89ab][0-9a-f])|%e0%80%([89ab][0-9a-f])/gi, (_, high, low, last) =>
      String.fromCharCode(
        high === '1' ? (Number.parseInt(low, 16) & 63) + 64 : Number.parseInt(low ?? last, 16) & 63,
      ),
    )
    .replace(/%[0-9a-f]{2}/gi, each => String.fromCharCode(Number.parseInt(each.slice(1), 16)))

/** Decoded once, whatever it is; `%uXXXX` is Microsoft's. */
function decodeAnything(text: string): string {
  const known = text.replace(/%u([0-9a-f]{4})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return known.replace(/(?:%[0-9a-f]{2})+/gi, escapes => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return brokenBytes(escapes)
    }
  })
}

/** Without `.` and `..`, as a server of files resolves them. */
function resolveDots(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  return `/${segments.join('/')}`
}

/** What one program takes for a separator, or leaves out, and the next does not. */
const untidy = /[\\;#?\x00-\x1f\x7f]|\/[/.]/

const withoutParameters = (text: string) => text.replace(/;[^/]*/g, '')

/** What a program may do to tidy a path, in the order in which it does so; each leaves some of it out. */
const steps: readonly ((text: string) => string)[] = [
  text => text.replace(/[\0#?].*$/s, ''),
  withoutParameters,
  text => text.replace(/[\x00-\x1f\x7f]/g, ''),
  text => text.replaceAll('\\', '/'),
  withoutParameters,
  text => text.replace(/\/{2,}/g, '/'),
  resolveDots,
]

/** A text in each way in which it may be tidied. */
function* tidied(text: string): Generator<string> {
  const found = new Set([text])
  yield text
  if (!untidy.test(text)) return
  for (const step of steps) {
    for (const each of [...found]) {
      const tidy = step(each)
      if (found.has(tidy)) continue
      found.add(tidy)
      yield tidy
    }
  }
}

/** Where the path of a target begins that is none by itself: behind an authority, by either reading of where that ends. */
function rooted(path: string): readonly string[] {
  if (path.startsWith('/')) return [path]
  const [, rest] = /^[a-z][a-z0-9+.-]*:\/\/(.*)$/is.exec(path) ?? []
  if (rest === undefined) return path === '*' ? [] : [`/${path}`]
  const ends = [rest.search(/[/\\]/), rest.search(/[^\w.~:@[\]-]/)]
  return ends.filter(end => end >= 0).map(end => rest.slice(end).replace(/^(?!\/)/, '/'))
}

/** A path as sent, decoded once and more often; undefined where that has no end. */
function decodings(sent: string): ReadonlySet<string> | undefined {
  const texts = new Set([sent])
  let text = sent
  for (let i = 0; i <= MOST_DECODINGS; i++) {
    const decoded = decodeAnything(text)
    if (decoded === text) return texts
    texts.add(decoded)
    text = decoded
  }
  return undefined
}

/**
 * All that a path may be to an app: as it was sent, decoded once and more often, tidied in one way or another, in one case
 * and form of Unicode. Undefined where it is too much.
 */
export function readingsOf(path: string, caseSensitive: boolean): ReadonlySet<string> | undefined {
  // Some tidy what was sent, and decode behind that.
  const begins = rooted(encodeBytes(path)).flatMap(each => [each, resolveDots(each.replace(/\/{2,}/g, '/'))])
  const texts = [...new Set(begins)].map(begin => decodings(upperHex(begin)))
  const readings = new Set<string>()
  let left = MOST_CHARACTERS
  for (const each of texts) {
    if (each === undefined) return undefined
    for (const text of each) {
      for (const tidy of tidied(text)) {
        left -= tidy.length
        if (left < 0) return undefined
        readings.add(tidy)
        if (/[^\x00-\x7f]/.test(tidy)) readings.add(foldCase(tidy, caseSensitive))
      }
    }
  }
  return readings
}
