import micromatch from 'micromatch'
import { Automaton } from './automaton.ts'
import { upperHex } from './path-bytes.ts'
import { judgeablePath } from './request-path.ts'
import type { RequiredTexts } from './required-texts.ts'
import type { Work } from './work.ts'

/** How paths are compared, as Express's routers have it. */
export interface PathOptions {
  readonly caseSensitive: boolean
  readonly strict: boolean
}

/** What the globs of one list share. */
export interface GlobList extends PathOptions {
  readonly work: Work
  readonly texts: RequiredTexts
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
  /** Micromatch's expression. */
  readonly source: string
}

/** `!` subtracts and `!!` is none; `!(` too subtracts, as micromatch's lists have it. */
export function splitNegation(pattern: string): { glob: string; negated: boolean } {
  const glob = pattern.replace(/^!+/, '')
  return { glob, negated: (pattern.length - glob.length) % 2 === 1 }
}

/** A plain path that is ambiguous whatever a list says. */
const isNeverJudged = (glob: string) =>
  /^\/[\w/.~%#\\ -]*$/.test(glob) && judgeablePath(formOf(glob, true)) === undefined

/** Why a glob can't be used, or undefined. */
export function globProblem(pattern: string): string | undefined {
  const { glob } = splitNegation(pattern)
  if (glob === '') return 'it is empty'
  // Each way to share out a path among the repetitions is tried: a request could take minutes.
  if (/[+*]\((?!\[[^\]]*\]\))[^)]*[*?[(+]/.test(glob))
    return 'a wildcard within a repetition can take forever'
  if (/[)}]\+/.test(glob)) return 'a group that is repeated can take forever'
  // What Express, Django or OpenAPI call a parameter are plain characters here: the list would drop what it was meant to let pass.
  const parameter = /(?<=\/)\{?:\w+|<[\w:]+>|\{\w+\}/.exec(glob)?.[0]
  if (parameter) return `"${parameter}" is no parameter in a glob: write * for one segment`
  if (/\/\/|\/\.{1,2}(?:\/|$)|%2e|\.\.;|[\x00-\x1f\x7f]/i.test(glob) || isNeverJudged(glob)) {
    return 'no path that is judged can match it'
  }
  if (glob.startsWith('/') || glob.startsWith('**')) return undefined
  return /^(?:[@+*?]?\(|\{)(?:[^)}]*[,|])?\//.test(glob)
    ? undefined
    : 'it has no leading slash, so no path can match it'
}

/** Without one trailing slash: `/users/` and `/users` are one path unless `strict`. */
const trim = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

const encodeCharacter = (character: string) => encodeURIComponent(character)

/** A glob or a path as they are compared: ASCII, percent-encoding in upper case, without a trailing slash unless `strict`. */
export const formOf = (text: string, strict: boolean) =>
  upperHex((strict ? text : trim(text)).replace(/[^\x21-\x7e]+/g, encodeCharacter))

/** `*text*` of micromatch's expression: text, where another star follows at once. */
const starText = /\[\^\/\]\*\?((?:\\[^\w]|[\w%~!@#&=:,<>"'`;-])+)(?=\[\^\/\]\*\?)/g

/** A `**` of micromatch's expression, and any other repetition. */
const GLOBSTAR = '(?:(?!(?:^|\\/)\\.).)*?'
const repetition = /\[\^\/\]\*\?|[\])][+*]/

/** By how many wildcards share out a path among them: the longest path that is asked about. */
const longestBy = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 512, 128, 64]
/** About a longer path the engine of RegExps is not asked. */
const LONGEST_OF_ENGINE = 256

/** What stands in no path: private use. */
const STRANGER = '\ue000'

/**
 * Compiles one glob to micromatch's own expression, which an {@link Automaton} asks in one pass over the path. The few that it
 * can't read are asked by the engine, and about short paths only.
 */
export function compileGlob(glob: string, { caseSensitive, work, texts }: GlobList): Glob {
  // A path is no Windows path, whatever machine this is.
  const options = { nocase: !caseSensitive, windows: false } as micromatch.Options
  const expression = micromatch.makeRe(glob, options) as RegExp
  const { source } = expression
  const counted = source.replaceAll(GLOBSTAR, '').replace(starText, '$1').split('\\/')
  const stars = counted.map(segment => segment.split(repetition).length - 1)
  const globstars = glob.split('**').length - 1
  const sharing = globstars > 1 ? globstars + Math.max(...stars) : Math.max(globstars, ...stars)
  const asked = askOnce(expression)
  return {
    match: path => path === glob || asked().test(path, work),
    spells: (path, places) => path === glob || asked().spells(path, places, STRANGER, work) === true,
    sift: () => texts.add(expression, glob),
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
