import { Automaton } from '../expressions/automaton.ts'
import { stateless } from '../expressions/stateless.ts'
import type { Work } from '../expressions/work.ts'
import { alphabets, sentAlphabet } from '../globs/alphabet.ts'
import { compileGlob, type Glob, type GlobList, readGlob } from '../globs/glob.ts'
import { HEAD_STAR, shapesOf } from './glob-shape.ts'
import type { Leaf } from './trie-pack.ts'

type Match = (text: string) => boolean

/** Hidden parts: `%2f`, `%5c` and `;`, which some programs read as separators and others do not; and the dot of a dotfile. */
const hidden = /%2f|%5c|;|(?<=\/)\./gi

/** The most hidden parts; no honest path has more. */
const MAX_HIDDEN = 16

/** Characters to try in the place of a hidden one: one that no path has, and some that a class of a RegExp may match. */
const SAMPLES = '\ue000a0-'
/** A RegExp that no automaton can read is tested anew for each hidden character, so only on paths up to this length. */
const LONGEST_ASKED_ANEW = 256

/** The places of the hidden characters of a path, the last first; undefined if there are too many. */
function hiddenPlaces(path: string): readonly number[] | undefined {
  if (path !== lastFound.path) lastFound.places = findHidden(path)
  // Keeps this very string: comparing it with itself is quick, with another string of the same text slow.
  lastFound.path = path
  return lastFound.places
}

/** The hidden places of the last path: one glob after the other asks for them. */
const lastFound: { path: string; places: readonly number[] | undefined } = { path: '', places: [] }

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
 * Whether a pattern spells out each hidden part of a path that it matches. Then it no longer matches with another character in
 * that place; a wildcard would match the other character too.
 */
function spellsHiddenParts(path: string, isSpelled: (places: readonly number[]) => boolean): boolean {
  const places = hiddenPlaces(path)
  return places !== undefined && (places.length === 0 || isSpelled(places))
}

function commonStart(one: string, other: string): string {
  let end = 0
  while (end < one.length && one[end] === other[end]) end++
  return one.slice(0, end)
}

/** The leaves of a glob in the trie, one for each of its shapes, and one for paths that are not plain. */
function leavesOf(glob: Glob, level: number, match: Match, fold: Uint8Array, matchPlain = match): Leaf[] {
  const isBounded = glob.longest < Number.POSITIVE_INFINITY
  const shapes = isBounded ? [{ head: '', tail: undefined }] : shapesOf(glob.source, fold)
  // With a short head the trie sorts out little, so the glob's required text is used as well.
  const number = shapes.some(({ head }) => head.length < 2) ? glob.sift() : -1
  const tails = shapes.map(({ head, tail }): Leaf => {
    // A dotfile in the head is a hidden part, which `matchPlain` does not check.
    const whole = isBounded || head.includes('/.') ? match : matchPlain
    return { head, level, tail: tail === undefined ? whole : tail, text: number }
  })
  const heads = shapes.map(({ head }) => head.split(HEAD_STAR, 1)[0] as string)
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
      spellsHiddenParts(path, places => glob.spells(path, places))
    // A plain path has no hidden parts.
    return leavesOf(glob, level, match, fold, path => glob.match(path) === true)
  })
}

/** Compiles a `!` pattern. It takes away each spelling of a path that the app could read as the pattern's. */
export function compileNegated(text: string, level: number, list: GlobList, fold: Uint8Array): Leaf[] {
  return readGlob(text, list.strict).flatMap(nodes => {
    const globs = alphabets(list.caseSensitive).map(alphabet => compileGlob(nodes, alphabet, list))
    const different = new Map(globs.map(glob => [glob.source, glob]))
    return [...different.values()].flatMap(glob => {
      // A path that takes too long to judge is taken away.
      const match: Match = path => path.length > glob.longest || glob.match(path) !== false
      return leavesOf(glob, level, match, fold)
    })
  })
}

/** Compiles a RegExp. It decides alone, but has to spell out hidden parts. */
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
    match(path) && spellsHiddenParts(path, places => isSpelled(path, places))
  return [{ head: '', level, tail: match, match: matchSent }]
}
