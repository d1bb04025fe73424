import micromatch from 'micromatch'
import { judgeablePath } from './request-path.ts'

/** How paths are compared, as Express's routers have it. */
export interface PathOptions {
  readonly caseSensitive: boolean
  readonly strict: boolean
}

/** A compiled glob. A path that is longer than `longest` is not asked about: judging it could take too long. */
export interface Glob {
  match(path: string): boolean
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

/** Percent-encoding is upper case (RFC 3986 6.2.2.1) in patterns and paths alike. */
const upperHex = (text: string) => text.replace(/%[0-9a-f]{2}/gi, found => found.toUpperCase())

/** Without one trailing slash: `/users/` and `/users` are one path unless `strict`. */
const trim = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

const encodeCharacter = (character: string) => encodeURIComponent(character)

/** A glob or a path as they are compared: ASCII, percent-encoding in upper case, without a trailing slash unless `strict`. */
export const formOf = (text: string, strict: boolean) =>
  upperHex(strict ? text : trim(text)).replace(/[^\x21-\x7e]+/g, encodeCharacter)

/** `*text*` of micromatch's expression: text, where another star follows at once. */
const starText = /\[\^\/\]\*\?((?:\\[^\w]|[\w%~!@#&=:,<>"'`;-])+)(?=\[\^\/\]\*\?)/g

/** A `**` of micromatch's expression, and any other repetition. */
const GLOBSTAR = '(?:(?!(?:^|\\/)\\.).)*?'
const repetition = /\[\^\/\]\*\?|[\])][+*]/

/** By how many wildcards share out a path among them: up to which length that takes at most some 50 ms. */
const longestBy = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 512, 128, 64]

/**
 * Compiles one glob to micromatch's own expression, but for one thing: a star that another one follows stops at the first
 * place where its text stands: a later one only leaves less to the rest. Said so, the expression need not try them all
 * (five stars on a path of 16 kB: minutes). Where that can't be said, long paths are not asked about.
 */
export function compileGlob(glob: string, { caseSensitive }: PathOptions): Glob {
  // A path is no Windows path, whatever machine this is.
  const options = { nocase: !caseSensitive, windows: false } as micromatch.Options
  const { source, flags } = micromatch.makeRe(glob, options) as RegExp
  const quick = source.replace(starText, '(?:(?!$1)[^/])*$1')
  const expression = new RegExp(quick, flags)
  const counted = source.replaceAll(GLOBSTAR, '').replace(starText, '$1').split('\\/')
  const stars = counted.map(segment => segment.split(repetition).length - 1)
  const globstars = glob.split('**').length - 1
  const sharing = globstars > 1 ? globstars + Math.max(...stars) : Math.max(globstars, ...stars)
  return { match: path => path === glob || expression.test(path), longest: longestBy[sharing] ?? 32, source }
}
