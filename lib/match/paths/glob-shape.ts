import { STAR as ANY, DEEPER, FOLDERS, GLOBSTAR, SOMETHING } from '../globs/glob-expression.ts'
import { endsWith, foldText } from './characters.ts'
import { SLASH } from './request-path.ts'

/** In a head: a star that ends with its segment. No path holds this character. */
export const STAR = '\0'

/** Whether the rest of a plain path, from `start`, is what a glob ends with. */
export type Tail = (path: string, start: number) => boolean

/** The commonest ways to end: here; here or in any depth; in anything. */
export const End = { HERE: 0, DEEP: 1, ANYHOW: 2 } as const

/** What can be walked along a path without a RegExp. */
export interface Shape {
  /** What each path begins with that the glob matches. */
  readonly head: string
  /** Behind the head: what is simply said, or what takes the RegExp (undefined). */
  readonly tail: Tail | (typeof End)[keyof typeof End] | undefined
}

/** More alternatives than these are left to the RegExp. */
const MAX_SPELLINGS = 64

/** More stars than these too: each takes room on the stack. */
const MAX_STARS = 256

// The expression is read, not the glob: whatever is not made of these very pieces stays a RegExp.
const literal = String.raw`(?:\\[/.~-]|[\w/~-])`
const spelling = String.raw`(?:${literal}|\((?:${literal}|\|)+\))`
const globstar = String.raw`(?!\.)${GLOBSTAR}`

/** How what `!(…)` leaves out begins: nothing behind it is walked. */
const EXCLUSION = '(?!(?:'

const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const optional = (text: string) => `(${quote(text)})?`

const spelled = new RegExp(`^(?:${spelling}(?![*+?{]))*`)
const segment = new RegExp(String.raw`^${optional(SOMETHING)}${quote(ANY)}(?=\\/|\(\?:\\/|$)`)
const last = new RegExp(`^${optional(FOLDERS)}${optional(SOMETHING)}${quote(ANY)}(${spelling}*)$`)

/** Each text that an expression of literals and alternatives spells. */
function spellings(source: string): string[] {
  let texts = ['']
  for (const piece of source.replace(/\\/g, '').split(/[()]/)) {
    // No literal is `|`: what holds one stood in parentheses.
    const choices = piece.split('|')
    texts = texts.flatMap(text => choices.map(choice => text + choice))
  }
  return texts
}

const countSpellings = (source: string) =>
  (source.match(/\([^()]*\)/g) ?? []).reduce((count, found) => count * found.split('|').length, 1)

function tailOf(source: string, head: string, fold: Uint8Array): Shape['tail'] {
  if (source === '') return End.HERE
  if (source === DEEPER) return End.DEEP
  if (source === globstar && head.endsWith('/')) return End.ANYHOW
  const [, inFolders, atStart, text = ''] = last.exec(source) ?? []
  const beginsSegment = inFolders !== undefined || head.endsWith('/')
  if (inFolders === undefined && text === '') return undefined
  if (text.includes('/') || (atStart !== undefined) !== beginsSegment) return undefined
  const suffixes = spellings(text).map(each => foldText(each, fold))
  // At the start of a segment a star takes at least one character, be it of the suffix.
  const least = beginsSegment ? 1 : 0
  const isAny = text === ''
  const ends: Tail = (path, start) =>
    path.length >= start + least &&
    endsWith(path, start, suffixes, fold) &&
    !(isAny && path.charCodeAt(path.length - 1) === SLASH)
  return inFolders === undefined
    ? (path, start) => ends(path, start) && !path.includes('/', start)
    : (path, start) => path.charCodeAt(start) === SLASH && ends(path, start + 1)
}

const anything: Shape = { head: '', tail: undefined }

function shapesBehind(head: string, source: string, fold: Uint8Array): Shape[] {
  const [run = ''] = spelled.exec(source) ?? []
  const rest = source.slice(run.length)
  const found = segment.exec(rest)
  return spellings(run).flatMap(text => {
    const longer = head + text
    if (found && (found[1] !== undefined) === longer.endsWith('/'))
      return shapesBehind(longer + STAR, rest.slice(found[0].length), fold)
    const tail = tailOf(rest, longer, fold)
    // No path that can be judged goes on like this, or only the RegExp can tell.
    const end = longer.search(/\/(?:\/|\.(?![\w~-]))/)
    return end < 0 ? { head: longer, tail } : { head: longer.slice(0, end + 1), tail: undefined }
  })
}

/** The shapes of a glob, by its expression; `fold` has each character as it is compared. */
export function shapesOf(source: string, fold: Uint8Array): Shape[] {
  const body = /^\^\(\?:(.*)\)\$$/s.exec(source)?.[1]
  if (body === undefined || countSpellings(body.split(EXCLUSION, 1)[0] as string) > MAX_SPELLINGS)
    return [anything]
  if (body.split(ANY).length > MAX_STARS) return [anything]
  return shapesBehind('', body, fold).map(shape => (shape.head.startsWith('/') ? shape : anything))
}
