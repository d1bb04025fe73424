import { isRegExp } from 'node:util/types'
import { compileGlob, formOf, type PathOptions, splitNegation } from './glob.ts'
import { decodePath } from './request-path.ts'
import { stateless } from './stateless.ts'

/** Whether a judgeable path is on the list. */
export type PathMatcher = (path: string) => boolean

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
function spells(path: string, others: readonly string[], match: PathMatcher): boolean {
  let parts = 0
  for (const { 0: part, index } of path.matchAll(hidden)) {
    if (++parts > MAX_HIDDEN) return false
    for (let i = index; i < index + part.length; i++) {
      if (others.some(other => match(path.slice(0, i) + other + path.slice(i + 1)))) return false
    }
  }
  return true
}

function compilePositive(text: string, options: PathOptions): PathMatcher {
  const glob = compileGlob(formOf(text, options.strict), options)
  return path => {
    const form = formOf(path, options.strict)
    return form.length <= glob.longest && glob.match(form) && spells(form, STRANGER, glob.match)
  }
}

const asciiEncoded = /%[2-7][0-9A-F]/g

/** The glob for paths whose ASCII is decoded: what it spells encoded stays a plain character. */
const decodeGlob = (glob: string) =>
  glob.replace(asciiEncoded, found => decodeURIComponent(found).replace(/[^\w~/-]/, '\\$&'))

/** `!` takes away a path in each spelling that the app could read: as sent, with its ASCII decoded, and decoded. */
function compileNegated(text: string, options: PathOptions): PathMatcher {
  const form = formOf(text, options.strict)
  // The last one for decoded paths: the case of a character beyond ASCII is lost in its encoding.
  const plain = options.strict || !text.endsWith('/') ? text : text.slice(0, -1)
  const globs = [...new Set([form, decodeGlob(form), plain])].map(each => compileGlob(each, options))
  // What takes too long to judge is taken away.
  const matches = (path: string) => globs.some(glob => path.length > glob.longest || glob.match(path))
  return path => {
    const sent = formOf(path, options.strict)
    if (matches(sent)) return true
    if (!sent.includes('%')) return false
    return matches(sent.replace(asciiEncoded, decodeURIComponent)) || matches(decodePath(sent) ?? sent)
  }
}

/** A RegExp decides for itself, but for what hides in a path: that it has to spell. */
function compileExpression(pattern: RegExp): PathMatcher {
  const expression = stateless(pattern)
  const match: PathMatcher = path => expression.test(path)
  return path => match(path) && spells(path, SAMPLES, match)
}

/**
 * Compiles micromatch globs and RegExps into one matcher. As in `micromatch(list, patterns)` a `!` pattern takes away what
 * came before it. It takes away the percent-encoded spellings too: what the app decodes must not come back by `/%61dmin`.
 */
export function compilePaths(patterns: readonly (string | RegExp)[], options: PathOptions): PathMatcher {
  const steps = patterns.map(pattern => {
    if (isRegExp(pattern)) return { match: compileExpression(pattern), negated: false }
    const { glob, negated } = splitNegation(pattern)
    return { match: (negated ? compileNegated : compilePositive)(glob, options), negated }
  })
  return path => {
    let allowed = false
    for (const { match, negated } of steps) {
      if (negated === allowed && match(path)) allowed = !negated
    }
    return allowed
  }
}
