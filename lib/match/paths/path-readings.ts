import { foldCase } from '../globs/case-fold.ts'
import { encodeBytes, upperHex } from '../globs/percent-encoding.ts'

/** The most decodings of one path; no program decodes more often. */
const MOST_DECODINGS = 4
/** The most characters of all readings together. A path with more is not read. */
const MOST_CHARACTERS = 28_000

/** Decodes bytes that are no UTF-8: overlong ASCII (RFC 3629 3) as ASCII, the rest as Latin-1. */
const brokenBytes = (escapes: string) =>
  escapes
    .replace(/%c([01])%([89ab][0-9a-f])|%e0%80%([89ab][0-9a-f])/gi, (_, high, low, last) =>
      String.fromCharCode(
        high === '1' ? (Number.parseInt(low, 16) & 63) + 64 : Number.parseInt(low ?? last, 16) & 63,
      ),
    )
    .replace(/%[0-9a-f]{2}/gi, each => String.fromCharCode(Number.parseInt(each.slice(1), 16)))

/** Decodes a text once, valid UTF-8 or not; `%uXXXX` is Microsoft's. */
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

/** Resolves `.` and `..` as a file server does. */
function resolveDots(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  return `/${segments.join('/')}`
}

/** Characters that some programs read as separators, or leave out, and others do not. */
const untidy = /[\\;#?\x00-\x1f\x7f]|\/[/.]/

const withoutParameters = (text: string) => text.replace(/;[^/]*/g, '')

/** The ways in which programs tidy a path, in the order in which they do so. Each program leaves some of them out. */
const steps: readonly ((text: string) => string)[] = [
  text => text.replace(/[\0#?].*$/s, ''),
  withoutParameters,
  text => text.replace(/[\x00-\x1f\x7f]/g, ''),
  text => text.replaceAll('\\', '/'),
  withoutParameters,
  text => text.replace(/\/{2,}/g, '/'),
  resolveDots,
]

/** Yields a text tidied by every selection of the steps. */
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

/** The path of a target, with a leading slash. In an absolute-form target programs differ on where the authority ends: both readings. */
function rooted(path: string): readonly string[] {
  if (path.startsWith('/')) return [path]
  const [, rest] = /^[a-z][a-z0-9+.-]*:\/\/(.*)$/is.exec(path) ?? []
  if (rest === undefined) return path === '*' ? [] : [`/${path}`]
  const ends = [rest.search(/[/\\]/), rest.search(/[^\w.~:@[\]-]/)]
  return ends.filter(end => end >= 0).map(end => rest.slice(end).replace(/^(?!\/)/, '/'))
}

/** A path as sent, decoded once, and more often; undefined if it is encoded too often. */
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
 * All readings of a path that an app may make: as it was sent, decoded once or more often, tidied in one way or another, and each
 * in one case and form of Unicode. Undefined if there are too many.
 */
export function readingsOf(path: string, caseSensitive: boolean): ReadonlySet<string> | undefined {
  // Some programs tidy the path as it was sent, and decode it afterwards.
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
