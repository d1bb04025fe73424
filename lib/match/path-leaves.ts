import { compileGlob, formOf, type Glob, type PathOptions } from './glob.ts'
import { shapesOf } from './path-shape.ts'
import type { Leaf } from './path-trie-pack.ts'
import { stateless } from './stateless.ts'

type Match = (text: string) => boolean

/** `%2f`, `%5c` and `;`, a separator to one program and a plain character to the next; and the dot of a dotfile. */
const hidden = /%2f|%5c|;|(?<=\/)\./gi

/** More of them no honest path has; each costs a few matches. */
const MAX_HIDDEN = 16

/** What stands in no path: private use. */
const STRANGER = ['\ue000']
/** What a class of a RegExp may hold, and a stranger. */
const SAMPLES = ['\ue000', 'a', '0', '-']

/**
 * Whether the pattern spells each hidden part of a path that it matches: then the match fails with any other character in
 * its place. A wildcard takes the other one too.
 */
function spells(path: string, others: readonly string[], match: Match): boolean {
  let parts = 0
  for (const { 0: part, index } of path.matchAll(hidden)) {
    if (++parts > MAX_HIDDEN) return false
    for (let i = index; i < index + part.length; i++) {
      if (others.some(other => match(path.slice(0, i) + other + path.slice(i + 1)))) return false
    }
  }
  return true
}

function commonStart(one: string, other: string): string {
  let end = 0
  while (end < one.length && one[end] === other[end]) end++
  return one.slice(0, end)
}

export const asciiEncoded = /%[2-7][0-9A-F]/g

/** The glob for paths whose ASCII is decoded: what it spells encoded stays a plain character. */
const decodeGlob = (glob: string) =>
  glob.replace(asciiEncoded, found => decodeURIComponent(found).replace(/[^\w~/-]/, '\\$&'))

/** Where a path stands that the glob matches, by the glob's shapes; its own text it matches whatever they are. */
function leavesOf(text: string, glob: Glob, level: number, match: Match, fold: Uint8Array): Leaf[] {
  const isBounded = glob.longest < Number.POSITIVE_INFINITY
  const shapes = isBounded ? [{ head: '', tail: undefined }] : shapesOf(glob.source, fold)
  const tails = shapes.map(({ head, tail }): Leaf => {
    // Of what hides in the head the RegExp says nothing.
    const whole = isBounded || head.includes('/.') ? match : glob.match
    return { head, level, tail: tail === undefined ? whole : tail }
  })
  return [...tails, { head: shapes.map(({ head }) => head).reduce(commonStart, text), level, match }]
}

export function compilePositive(text: string, level: number, options: PathOptions, fold: Uint8Array): Leaf[] {
  const form = formOf(text, options.strict)
  const glob = compileGlob(form, options)
  const match: Match = path =>
    path.length <= glob.longest && glob.match(path) && spells(path, STRANGER, glob.match)
  return leavesOf(form, glob, level, match, fold)
}

/** `!` takes away a path in each spelling that the app could read: as sent, with its ASCII decoded, and decoded. */
export function compileNegated(text: string, level: number, options: PathOptions, fold: Uint8Array): Leaf[] {
  const form = formOf(text, options.strict)
  // The last one for decoded paths: the case of a character beyond ASCII is lost in its encoding.
  const plain = options.strict || !text.endsWith('/') ? text : text.slice(0, -1)
  return [...new Set([form, decodeGlob(form), plain])].flatMap(each => {
    const glob = compileGlob(each, options)
    // What takes too long to judge is taken away.
    const match: Match = path => path.length > glob.longest || glob.match(path)
    return leavesOf(each, glob, level, match, fold)
  })
}

/** A RegExp decides for itself, but for what hides in a path: that it has to spell. */
export function compileExpression(pattern: RegExp, level: number): Leaf[] {
  const expression = stateless(pattern)
  const match: Match = path => expression.test(path)
  const matchSent = (_form: string, path: string) => match(path) && spells(path, SAMPLES, match)
  return [{ head: '', level, tail: match, match: matchSent }]
}
