import micromatch from 'micromatch'
import { decodePath } from './request-path.ts'
import { stateless } from './stateless.ts'

/** How paths are compared, as Express's routers have it. */
export interface PathOptions {
  readonly caseSensitive: boolean
  readonly strict: boolean
}

/** Whether a judgeable path is on the list. */
export type PathMatcher = (path: string) => boolean

/** `%2f`, `%5c` and `;`: a separator to one program, a plain character to the next. */
const special = /%2f|%5c|;/gi

/**
 * Puts `/.` before each of them, in patterns and paths alike. No wildcard crosses a `/` into a dotfile, so only a pattern
 * that spells the character at this very place can match it.
 */
const guard = (text: string) => text.replace(special, found => `/.${found.toLowerCase()}`)

/** Without one trailing slash: `/users/` and `/users` are one path unless `strict`. */
const trim = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

const encodeCharacter = (character: string) => encodeURIComponent(character)

/** `!` subtracts and `!!` is none; `!(` too subtracts, as micromatch's lists have it. */
export function splitNegation(pattern: string): { glob: string; negated: boolean } {
  const glob = pattern.replace(/^!+/, '')
  return { glob, negated: (pattern.length - glob.length) % 2 === 1 }
}

/** Why a glob can match no path at all, or undefined. */
export function globProblem(pattern: string): string | undefined {
  const { glob } = splitNegation(pattern)
  if (glob === '') return 'it is empty'
  if (glob.startsWith('/') || glob.startsWith('**')) return undefined
  return /^(?:[@+*?]?\(|\{)[^)}]*\//.test(glob)
    ? undefined
    : 'it has no leading slash, so no path can match it'
}

function compileGlob(glob: string, { caseSensitive, strict }: PathOptions): PathMatcher {
  const text = guard((strict ? glob : trim(glob)).replace(/[^\x00-\x7f]+/g, encodeCharacter))
  // A path is no Windows path, whatever machine this is.
  const match = micromatch.matcher(text, { nocase: !caseSensitive, windows: false } as micromatch.Options)
  return path => match(guard(strict ? path : trim(path)))
}

/** A RegExp decides for itself, but for what hides in a path: that it has to spell. */
function compileExpression(pattern: RegExp): PathMatcher {
  const expression = stateless(pattern)
  const source = pattern.source.toLowerCase()
  const spellsDotfile = /\/(?:\(\?:)?(?:\\\.|\[\.\])/.test(source)
  return path => {
    for (const [found] of path.matchAll(special)) if (!source.includes(found.toLowerCase())) return false
    return (spellsDotfile || !path.includes('/.')) && expression.test(path)
  }
}

/**
 * Compiles micromatch globs and RegExps into one matcher. As in `micromatch(list, patterns)` a `!` pattern takes away what
 * came before it. It takes away the percent-encoded spellings too: what the app decodes must not come back by `/%61dmin`.
 */
export function compilePaths(patterns: readonly (string | RegExp)[], options: PathOptions): PathMatcher {
  const steps = patterns.map(pattern => {
    if (pattern instanceof RegExp) return { match: compileExpression(pattern), negated: false }
    const { glob, negated } = splitNegation(pattern)
    return { match: compileGlob(glob, options), negated }
  })
  return path => {
    let allowed = false
    for (const { match, negated } of steps) {
      if (negated === allowed && (match(path) || (negated && match(decodePath(path) ?? path))))
        allowed = !negated
    }
    return allowed
  }
}
