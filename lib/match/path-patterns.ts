import { isRegExp } from 'node:util/types'
import { formOf, type PathOptions, splitNegation } from './glob.ts'
import { decodeAscii } from './path-bytes.ts'
import { foldTable } from './path-fold.ts'
import { compileExpression, compileNegated, compilePositive } from './path-leaves.ts'
import { PathTrie, UNSURE } from './path-trie.ts'
import type { Leaf } from './path-trie-pack.ts'
import { decodePath, judgeablePath, SLASH } from './request-path.ts'
import { RequiredTexts } from './required-texts.ts'
import { Work } from './work.ts'

/** Whether a path can be judged, and is on the list. */
export type PathMatcher = (path: string) => boolean

/** Neighbours of one kind are one level: patterns that let pass have even ones, those with `!` odd ones. */
const takesAway = (level: number) => level % 2 !== 0

/** What micromatch takes out of a glob. The glob's own text it matches all the same: `/wiki/Mercury_(planet)`. */
const takenOut = /["({]/

/** Of any path that can be judged: the level that decides. */
function levelOf(trie: PathTrie, path: string, strict: boolean, isAnyTakenAway: boolean): number {
  const form = formOf(path, strict)
  // Only what takes away is asked about the other spellings.
  const isOneForm = !isAnyTakenAway || !form.includes('%')
  const spellings = isOneForm ? [form] : new Set([form, decodeAscii(form), decodePath(form) ?? form])
  let best = -1
  for (const text of spellings) {
    for (const { level, match } of trie.candidates(text)) {
      if (level > best && (text === form || takesAway(level)) && match?.(text, path)) best = level
    }
  }
  return best
}

/**
 * Compiles micromatch globs and RegExps into one matcher. As in `micromatch(list, patterns)` a `!` pattern takes away what
 * came before it. It takes away the percent-encoded spellings too: what the app decodes must not come back by `/%61dmin`.
 *
 * @throws what `refuse` makes of a pattern that micromatch can't read
 */
export function compilePaths(
  patterns: readonly (string | RegExp)[],
  options: PathOptions,
  refuse = (_pattern: string | RegExp, error: unknown): never => {
    throw error
  },
): PathMatcher {
  const { caseSensitive, strict } = options
  const fold = foldTable(caseSensitive)
  const work = new Work()
  const texts = new RequiredTexts()
  const list = { caseSensitive, strict, work, texts }
  let last = -1
  const compile = (pattern: string | RegExp): Leaf[] => {
    const { glob, negated } = isRegExp(pattern) ? { glob: pattern, negated: false } : splitNegation(pattern)
    if (takesAway(last) !== negated) last++
    if (typeof glob !== 'string') return compileExpression(glob, last, work)
    return (negated ? compileNegated : compilePositive)(glob, last, list, fold)
  }
  const leaves = patterns.flatMap(pattern => {
    try {
      return compile(pattern)
    } catch (error) {
      return refuse(pattern, error)
    }
  })
  const trie = new PathTrie(leaves, fold, (text, path) => texts.has(text, path, work))
  const hasRegExp = patterns.some(isRegExp)
  const hasOwnText = patterns.some(pattern => !isRegExp(pattern) && takenOut.test(pattern))

  return path => {
    if (path.charCodeAt(0) !== SLASH) return false
    const isTrimmed = !strict && path.length > 1 && path.charCodeAt(path.length - 1) === SLASH
    if (isTrimmed && path.charCodeAt(path.length - 2) === SLASH) return false
    work.begin(path)
    // A RegExp is asked about the path as it was sent.
    let level = isTrimmed && hasRegExp ? UNSURE : trie.levelOf(isTrimmed ? path.slice(0, -1) : path)
    if (level === -1 && hasOwnText && takenOut.test(path)) level = UNSURE
    if (level === UNSURE) {
      const judgeable = judgeablePath(path)
      if (judgeable === undefined) return false
      level = levelOf(trie, judgeable, strict, last > 0)
    }
    return !takesAway(level)
  }
}
