import { isUtf8 } from 'node:buffer'
import { expandGlob, globMatches } from './globs.ts'

export interface ReferencePathOptions {
  readonly caseSensitive: boolean
  readonly strict: boolean
}

/**
 * The path of a target: what stands before the query, without scheme and authority. An authority of unusual characters ends
 * elsewhere for the next parser, and makes the target no path at all.
 */
export function targetPath(target: string): string {
  const [path = ''] = target.split('?')
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(path)?.[0]
  if (scheme === undefined) return path
  const [authority = '', ...segments] = path.slice(scheme.length).split('/')
  return /^[\w.~:@[\]-]+$/.test(authority) ? `/${segments.join('/')}` : path
}

/** The bytes that a path stands for, or undefined where a `%` is not followed by two hex digits. */
function decodeBytes(path: string): Buffer | undefined {
  const bytes: number[] = []
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code > 0xff) return undefined
    if (code !== 0x25) {
      bytes.push(code)
      continue
    }
    const hex = path.slice(i + 1, i + 3)
    if (!/^[0-9a-f]{2}$/i.test(hex)) return undefined
    bytes.push(Number.parseInt(hex, 16))
    i += 2
  }
  return Buffer.from(bytes)
}

/** Whether two programs could read two paths from it: no pattern lets such a one pass. Rule by rule, as the docs have them. */
export function isAmbiguous(path: string): boolean {
  if (!path.startsWith('/')) return true
  for (const character of path) {
    const code = character.charCodeAt(0)
    if (code <= 0x20 || code === 0x7f || character === '\\' || character === '#') return true
  }
  const bytes = decodeBytes(path)
  if (!bytes || !isUtf8(bytes) || bytes.some(byte => byte < 0x20 || byte === 0x7f)) return true
  const decoded = bytes.toString()
  if (/%2e/i.test(path) || decoded.includes('..;') || /%[0-9a-f]{2}/i.test(decoded)) return true
  if (path.includes('//')) return true
  const dotted = path.split(/%2f|%5c/i).slice(1)
  if (dotted.some(part => part.startsWith('.'))) return true
  return decoded.split(/[/\\]/).some(part => /^\.{1,2}(;|$)/.test(part))
}

const hidden = /%2f|%5c|;|(?<=\/)\./gi
const upperHex = (text: string) => text.replace(/%[0-9a-f]{2}/gi, found => found.toUpperCase())
const trim = (text: string) => (text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text)

/**
 * Whether every character of a separator in disguise, and the dot of every dotfile, is needed as it is: with one that no
 * pattern spells in its place the pattern would not match.
 */
function spells(path: string, matches: (path: string) => boolean): boolean {
  return [...path.matchAll(hidden)].every(({ 0: found, index }) =>
    [...found].every((_, i) => !matches(`${path.slice(0, index + i)}\uf8ff${path.slice(index + i + 1)}`)),
  )
}

/** With what is beyond ASCII decoded. */
const decodeBeyond = (text: string) =>
  text.replace(/(?:%[89A-F][0-9A-F])+/g, escapes => decodeURIComponent(escapes))

const quote = (character: string) => (/[\w~/-]|[^\x00-\x7f]/.test(character) ? character : `\\${character}`)

/** What stands for a text in each case and form of Unicode; the joiner that real paths have at most is none of its business. */
const fold = (text: string, caseSensitive: boolean) =>
  caseSensitive
    ? text.normalize('NFC')
    : Array.from(text.normalize('NFD'), each => each.toLowerCase().toUpperCase().toLowerCase())
        .join('')
        .replace(/i\u0307/g, 'i')
        .replace(/ς/g, 'σ')
        .normalize('NFC')

/** The ways in which an app may read a path and a glob: as they are, decoded, folded. */
function readings(
  path: string,
  glob: string,
  caseSensitive: boolean,
): [path: string, glob: string, isEncoded: boolean][] {
  const decoded = decodeURIComponent(path)
  const decodedGlob = glob.replace(/(?:%[0-9a-f]{2})+/gi, found =>
    [...decodeURIComponent(found)].map(quote).join(''),
  )
  return [
    [path, glob, true],
    [decoded, decodedGlob, false],
    [fold(decoded, caseSensitive), fold(decodedGlob, caseSensitive), false],
  ]
}

/**
 * A list of globs step by step. A pattern matches separators in disguise and dotfiles only where it spells them, and `!`
 * takes away every spelling of a path.
 */
export function referenceAllows(
  target: string,
  globs: readonly string[],
  options: ReferencePathOptions,
): boolean {
  const sent = targetPath(target)
  if (isAmbiguous(sent)) return false
  const { caseSensitive, strict } = options
  const form = (text: string) => decodeBeyond(upperHex(strict ? text : trim(text)))
  const path = form(sent.replace(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16)}`))
  let allowed = false
  for (const pattern of globs) {
    const bangs = (/^!+/.exec(pattern)?.[0] ?? '').length
    const matches = (each: string, glob: string) =>
      globMatches(glob, each, { caseSensitive, isEncoded: true })
    for (const glob of expandGlob(pattern.slice(bangs)).map(form)) {
      const isTaken = readings(path, glob, caseSensitive).some(([path, glob, isEncoded]) =>
        globMatches(glob, path, { caseSensitive, isEncoded }),
      )
      const isNamed = bangs % 2 === 0 && matches(path, glob) && spells(path, each => matches(each, glob))
      if (bangs % 2 === 1 ? isTaken : isNamed) allowed = bangs % 2 === 0
    }
  }
  return allowed
}
