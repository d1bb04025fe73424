import { Automaton } from '../expressions/automaton.ts'
import { stateless } from '../expressions/stateless.ts'
import type { Work } from '../expressions/work.ts'
import { alphabets, sentAlphabet } from '../globs/alphabet.ts'
import { compileGlob, type Glob, type GlobList, readGlob } from '../globs/glob.ts'
import { STAR, shapesOf } from './glob-shape.ts'
import type { Leaf } from './trie-pack.ts'

type Match = (text: string) => boolean

/** `%2f`, `%5c` and `;`, a separator to one program and a plain character to the next; and the dot of a dotfile. */
const hidden = /%2f|%5c|;|(?<=\/)\./gi

/** More of them no honest path has. */
const MAX_HIDDEN = 16

/** What a class of a RegExp may hold, and what stands in no path. */
const SAMPLES = '\ue000a0-'
/** A RegExp that no automaton can read is asked anew for each hidden character; about longer paths it is not. */
const LONGEST_ASKED_ANEW = 256

/** The places of the hidden characters of a path, the last first; undefined where there are too many. */
function hiddenPlaces(path: string): readonly number[] | undefined {
  if (path !== last.path) last.places = findHidden(path)
  // To compare two strings of one text takes long: the next one is to be this very string.
  last.path = path
  return last.places
}

/** A path is asked about by one glob after the other. */
const last: { path: string; places: readonly number[] | undefined } = { path: '', places: [] }

function findHidden(path: string): number[] | undefined {
  const places: number[] = []
  let parts = 0
  for (const { 0: part, index } of path.matchAll(hidden)) {
    if (++parts > MAX_HIDDEN) return undefined
    for (let i = index; i < index + part.length; i++) places.unshift(i)
  }
  return places
}

/**
 * Whether the pattern spells each hidden part of a path that it matches: then the match fails with any other character in
 * its place. A wildcard takes the other one too.
 */
function spells(path: string, isSpelled: (places: readonly number[]) => boolean): boolean {
  const places = hiddenPlaces(path)
  return places !== undefined && (places.length === 0 || isSpelled(places))
}

function commonStart(one: string, other: string): string {
  let end = 0
  while (end < one.length && one[end] === other[end]) end++
  return one.slice(0, end)
}

/** Where a path stands that the glob matches, by the glob's shapes. */
function leavesOf(glob: Glob, level: number, match: Match, fold: Uint8Array, matchPlain = match): Leaf[] {
  const isBounded = glob.longest < Number.POSITIVE_INFINITY
  const shapes = isBounded ? [{ head: '', tail: undefined }] : shapesOf(glob.source, fold)
  // Nothing else tells it from other globs.
  const number = shapes.some(({ head }) => head.length < 2) ? glob.sift() : -1
  const tails = shapes.map(({ head, tail }): Leaf => {
    // Of what hides in the head the RegExp says nothing.
    const whole = isBounded || head.includes('/.') ? match : matchPlain
    return { head, level, tail: tail === undefined ? whole : tail, text: number }
  })
  const heads = shapes.map(({ head }) => head.split(STAR, 1)[0] as string)
  return [...tails, { head: heads.reduce(commonStart), level, match, text: number }]
}

export function compilePositive(text: string, level: number, list: GlobList, fold: Uint8Array): Leaf[] {
  const alphabet = sentAlphabet(list.caseSensitive)
  return readGlob(text, list.strict).flatMap(nodes => {
    const glob = compileGlob(nodes, alphabet, list)
    const match: Match = path =>
      path.length <= glob.longest &&
      hiddenPlaces(path) !== undefined &&
      glob.match(path) === true &&
      spells(path, places => glob.spells(path, places))
    // Nothing hides in a plain path.
    return leavesOf(glob, level, match, fold, path => glob.match(path) === true)
  })
}

/** `!` takes away a path in each spelling that the app could read. */
export function compileNegated(text: string, level: number, list: GlobList, fold: Uint8Array): Leaf[] {
  return readGlob(text, list.strict).flatMap(nodes => {
    const globs = alphabets(list.caseSensitive).map(alphabet => compileGlob(nodes, alphabet, list))
    const different = new Map(globs.map(glob => [glob.source, glob]))
    return [...different.values()].flatMap(glob => {
      // What takes too long to judge is taken away.
      const match: Match = path => path.length > glob.longest || glob.match(path) !== false
      return leavesOf(glob, level, match, fold)
    })
  })
}

/** A RegExp decides for itself, but for what hides in a path: that it has to spell. */
export function compileExpression(pattern: RegExp, level: number, work: Work): Leaf[] {
  const expression = stateless(pattern)
  const automaton = Automaton.of(expression)
  const match: Match = path => expression.test(path)
  const matchesWithout = (path: string, place: number) =>
    [...SAMPLES].some(other => match(path.slice(0, place) + other + path.slice(place + 1)))
  const isSpelled = (path: string, places: readonly number[]) =>
    automaton
      ? automaton.spells(path, places, SAMPLES, work) === true
      : path.length <= LONGEST_ASKED_ANEW && !places.some(place => matchesWithout(path, place))
  const matchSent = (_form: string, path: string) =>
    match(path) && spells(path, places => isSpelled(path, places))
  return [{ head: '', level, tail: match, match: matchSent }]
}
