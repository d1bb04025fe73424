import { Automaton } from '../expressions/automaton.ts'
import type { RequiredTexts } from '../expressions/required-texts.ts'
import type { Work } from '../expressions/work.ts'
import type { Alphabet } from './alphabet.ts'
import { expressionOf, GLOBSTAR, NO_DOT } from './glob-expression.ts'
import { expand, type GlobNodes, withoutEmptyStarts } from './glob-tree.ts'
import { parseGlob } from './parse-glob.ts'
import { decodeBeyond } from './percent-encoding.ts'

/** How paths are compared, as Express's routers have it. */
export interface PathOptions {
  readonly caseSensitive: boolean
  readonly strict: boolean
}

/** What the globs of one list share. */
export interface GlobList extends PathOptions {
  readonly work: Work
  readonly texts: RequiredTexts
  /** Whether a wildcard takes the dot of a dotfile too. */
  readonly dots?: boolean
}

/** A compiled glob. A path that is longer than `longest` is not asked about: judging it could take too long. */
export interface Glob {
  /** Undefined where it would be too much work. */
  match(path: string): boolean | undefined
  /** Whether a path that it matches would not be matched with the character at any of these places replaced. */
  spells(path: string, places: readonly number[]): boolean
  /** The number of the text that stands in each path that it matches: to be asked for where nothing else tells it from others. */
  sift(): number
  readonly longest: number
  /** Its expression. */
  readonly source: string
}

/** `!` subtracts and `!!` is none; `!(` too subtracts, as micromatch's lists have it. */
export function splitNegation(pattern: string): { glob: string; negated: boolean } {
  const glob = pattern.replace(/^!+/, '')
  return { glob, negated: (pattern.length - glob.length) % 2 === 1 }
}

/** Whether an entry of a list of patterns takes paths away. */
export const isNegated = (pattern: unknown): pattern is string =>
  typeof pattern === 'string' && splitNegation(pattern).negated

/** Without one trailing slash: `/users/` and `/users` are one path unless `strict`. */
const trim = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

/**
 * A path that can be judged as paths are compared: as sent, with what is beyond ASCII decoded, other escapes in upper case, without
 * a trailing slash unless `strict`.
 */
export const formOf = (path: string, strict: boolean) => decodeBeyond(strict ? path : trim(path))

/** The patterns that a glob stands for, one without choices for each; without a trailing slash unless `strict`. */
export const readGlob = (glob: string, strict: boolean): GlobNodes[] =>
  expand(parseGlob(glob))
    .map(nodes =>
      !strict && nodes.length > 1 && nodes.at(-1)?.kind === 'slash' ? nodes.slice(0, -1) : nodes,
    )
    .flatMap(withoutEmptyStarts)

/** `*text*` of an expression: text, where another star follows at once. */
const starText = /\[\^\/\]\*\?((?:\\[^\w]|[\w%~!@#&=:,<>"'`;-])+)(?=\[\^\/\]\*\?)/g

/** Any repetition but `**`. */
const repetition = /\[\^\/\]\*\?|[\])][+*]/

/** By how many wildcards share out a path among them: the longest path that is asked about. */
const longestBy = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 512, 128, 64]
/** About a longer path the engine of RegExps is not asked. */
const LONGEST_OF_ENGINE = 256

/** An expression whose wildcards take the dot of a dotfile too. */
const withDots = (source: string) => source.replaceAll(GLOBSTAR, '(?:.*?)').replaceAll(NO_DOT, '')

/** What stands in no path: private use. */
export const STRANGER = '\ue000'

/**
 * Compiles one glob to an expression for the paths of an alphabet, which an {@link Automaton} asks in one pass over the path.
 * The few that it can't read are asked by the engine, and about short paths only.
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

/** Made when it is asked for: what stands plainly in a path the trie tells, and the most globs are like that. */
function askOnce(expression: RegExp): () => Asked {
  let asked: Asked | undefined
  return () => {
    asked ??= Automaton.of(expression) ?? askedByEngine(expression)
    return asked
  }
}

type Asked = Pick<Automaton, 'test' | 'spells'>

/** What no automaton can read. */
const askedByEngine = (expression: RegExp): Asked => ({
  test: path => (path.length > LONGEST_OF_ENGINE ? undefined : expression.test(path)),
  spells: (path, places, other) =>
    !places.some(place => expression.test(path.slice(0, place) + other + path.slice(place + 1))),
})
