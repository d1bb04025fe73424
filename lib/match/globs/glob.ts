import { Automaton } from '../expressions/automaton.ts'
import type { RequiredTexts } from '../expressions/required-texts.ts'
import type { Work } from '../expressions/work.ts'
import type { Alphabet } from './alphabet.ts'
import { expressionOf, GLOBSTAR, NO_DOT } from './glob-expression.ts'
import { expand, type GlobNodes, withoutEmptyStarts } from './glob-tree.ts'
import { parseGlob } from './parse-glob.ts'
import { decodeBeyond } from './percent-encoding.ts'

/** How paths are compared; the same options as those of Express's routers. */
export interface PathOptions {
  readonly caseSensitive: boolean
  readonly strict: boolean
}

/** The state and options that the globs of one list share. */
export interface GlobList extends PathOptions {
  readonly work: Work
  readonly texts: RequiredTexts
  /** Whether a wildcard matches the dot of a dotfile too. */
  readonly dots?: boolean
}

/** A compiled glob. Do not call `match` for a path longer than `longest`: it could take too long. */
export interface Glob {
  /** Undefined if it would be too much work. */
  match(path: string): boolean | undefined
  /** Whether a path that it matches no longer matches if the character at any one of these places is replaced. */
  spells(path: string, places: readonly number[]): boolean
  /** Registers a text that every matching path contains, and returns its number in {@link RequiredTexts}; -1 if there is none. */
  sift(): number
  readonly longest: number
  /** The source of its expression. */
  readonly source: string
}

/** Separates the leading `!`s of a pattern. An odd number negates; so does the `!` of `!(`, as in micromatch's lists. */
export function splitNegation(pattern: string): { glob: string; negated: boolean } {
  const glob = pattern.replace(/^!+/, '')
  return { glob, negated: (pattern.length - glob.length) % 2 === 1 }
}

/** Whether an entry of a list of patterns takes paths away. */
export const isNegated = (pattern: unknown): pattern is string =>
  typeof pattern === 'string' && splitNegation(pattern).negated

/** Removes one trailing slash: `/users/` and `/users` are one path unless `strict`. */
const trim = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

/**
 * The form in which a path that can be judged is compared: characters beyond ASCII decoded, other escapes in upper case, and no
 * trailing slash unless `strict`.
 */
export const formOf = (path: string, strict: boolean) => decodeBeyond(strict ? path : trim(path))

/** Reads a glob and expands its choices. The results have no trailing slash unless `strict`. */
export const readGlob = (glob: string, strict: boolean): GlobNodes[] =>
  expand(parseGlob(glob))
    .map(nodes =>
      !strict && nodes.length > 1 && nodes.at(-1)?.kind === 'slash' ? nodes.slice(0, -1) : nodes,
    )
    .flatMap(withoutEmptyStarts)

/** `*text` in an expression, if another star follows directly. */
const starText = /\[\^\/\]\*\?((?:\\[^\w]|[\w%~!@#&=:,<>"'`;-])+)(?=\[\^\/\]\*\?)/g

/** Any repetition except `**`. */
const repetition = /\[\^\/\]\*\?|[\])][+*]/

/** The longest path that is tested, by the number of wildcards that compete for the same text. */
const longestBy = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 512, 128, 64]
/** The longest path that is tested by the RegExp engine. */
const LONGEST_OF_ENGINE = 256

/** Changes an expression so that its wildcards match the dot of a dotfile too. */
const withDots = (source: string) => source.replaceAll(GLOBSTAR, '(?:.*?)').replaceAll(NO_DOT, '')

/** A private-use character, which no path holds. */
export const STRANGER = '\ue000'

/**
 * Compiles one glob to an expression for the paths of an alphabet. An {@link Automaton} tests it in one pass over the path. The
 * few expressions that it can't read are tested by the RegExp engine, on short paths only.
 */
export function compileGlob(
  nodes: GlobNodes,
  alphabet: Alphabet,
  { caseSensitive, work, texts, dots }: GlobList,
): Glob {
  const source = expressionOf(nodes, alphabet)
  const expression = new RegExp(dots ? withDots(source) : source, caseSensitive ? 's' : 'is')
  const counted = source.replaceAll(GLOBSTAR, '').replace(starText, '$1').split('\\/')
  const stars = counted.map(segment => segment.split(repetition).length - 1)
  const globstars = source.split(GLOBSTAR).length - 1
  const sharing = globstars > 1 ? globstars + Math.max(...stars) : Math.max(globstars, ...stars)
  const asked = askOnce(expression)
  return {
    match: path => asked().test(path, work),
    spells: (path, places) => asked().spells(path, places, STRANGER, work) === true,
    sift: () => texts.add(expression),
    longest: longestBy[sharing] ?? 32,
    source,
  }
}

/** Makes the automaton on first use: for most globs the trie alone decides about a plain path. */
function askOnce(expression: RegExp): () => Asked {
  let asked: Asked | undefined
  return () => {
    asked ??= Automaton.of(expression) ?? askedByEngine(expression)
    return asked
  }
}

type Asked = Pick<Automaton, 'test' | 'spells'>

/** Tests with the RegExp engine an expression that no automaton can read. */
const askedByEngine = (expression: RegExp): Asked => ({
  test: path => (path.length > LONGEST_OF_ENGINE ? undefined : expression.test(path)),
  spells: (path, places, other) =>
    !places.some(place => expression.test(path.slice(0, place) + other + path.slice(place + 1))),
})
