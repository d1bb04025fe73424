import { DEEPER, FOLDERS, GLOBSTAR, SOMETHING, STAR } from '../globs/glob-expression.ts'
import { endsWith, foldText } from './characters.ts'
import { SLASH } from './request-path.ts'

/** Stands in a head for a star that reaches to the end of its segment. No path holds this character. */
export const HEAD_STAR = '\0'

/** Whether the rest of a plain path, from `start` on, matches the end of a glob. */
export type Tail = (path: string, start: number) => boolean

/** The commonest ends of a glob: nothing more; nothing or any deeper path; anything. */
export const End = { HERE: 0, DEEP: 1, ANYHOW: 2 } as const

/** The part of a glob that can be compared with a path without a RegExp. */
export interface Shape {
  /** The beginning of every path that the glob matches. */
  readonly head: string
  /** What follows the head; undefined if it takes the RegExp. */
  readonly tail: Tail | (typeof End)[keyof typeof End] | undefined
}

/** A glob with more alternatives is left to the RegExp. */
const MAX_SPELLINGS = 64

/** So is one with more stars: each is a recursion. */
const MAX_STARS = 256

// Shapes are read off the expression, not the glob: whatever is not made of exactly these pieces stays a RegExp.
const literal = String.raw`(?:\\[/.~-]|[\w/~-])`
const spelling = String.raw`(?:${literal}|\((?:${literal}|\|)+\))`
const globstar = String.raw`(?!\.)${GLOBSTAR}`

/** The beginning of what `!(…)` leaves out. Everything after it is left to the RegExp. */
const EXCLUSION = '(?!(?:'

const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const optional = (text: string) => `(${quote(text)})?`

const spelled = /* @__PURE__ */ new RegExp(`^(?:${spelling}(?![*+?{]))*`)
const segment = /* @__PURE__ */ new RegExp(
  String.raw`^${optional(SOMETHING)}${quote(STAR)}(?=\\/|\(\?:\\/|$)`,
)
const lastSegment = /* @__PURE__ */ new RegExp(
  `^${optional(FOLDERS)}${optional(SOMETHING)}${quote(STAR)}(${spelling}*)$`,
)

/** All texts that an expression of literals and alternatives matches. */
function spellings(source: string): string[] {
  let texts = ['']
  for (const piece of source.replace(/\\/g, '').split(/[()]/)) {
    // No literal is `|`, so a piece with one was in parentheses.
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
  const [, inFolders, atStart, text = ''] = lastSegment.exec(source) ?? []
  const beginsSegment = inFolders !== undefined || head.endsWith('/')
  if (inFolders === undefined && text === '') return undefined
  if (text.includes('/') || (atStart !== undefined) !== beginsSegment) return undefined
  const suffixes = spellings(text).map(each => foldText(each, fold))
  // At the start of a segment a star takes at least one character, which may belong to the suffix.
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
      return shapesBehind(longer + HEAD_STAR, rest.slice(found[0].length), fold)
    const tail = tailOf(rest, longer, fold)
    // A head with `//` or an odd dot segment: no judged path has one, or only the RegExp can decide.
    const end = longer.search(/\/(?:\/|\.(?![\w~-]))/)
    return end < 0 ? { head: longer, tail } : { head: longer.slice(0, end + 1), tail: undefined }
  })
}

/** The shapes of a glob, read off its expression. `fold`: see {@link foldText}. */
export function shapesOf(source: string, fold: Uint8Array): Shape[] {
  const body = /^\^\(\?:(.*)\)\$$/s.exec(source)?.[1]
  if (body === undefined || countSpellings(body.split(EXCLUSION, 1)[0] as string) > MAX_SPELLINGS)
    return [anything]
  if (body.split(STAR).length > MAX_STARS) return [anything]
  return shapesBehind('', body, fold).map(shape => (shape.head.startsWith('/') ? shape : anything))
}
