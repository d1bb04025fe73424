import { isRegExp } from 'node:util/types'
import { RequiredTexts } from '../expressions/required-texts.ts'
import { Work } from '../expressions/work.ts'
import { foldCase } from '../globs/case-fold.ts'
import { formOf, type PathOptions, splitNegation } from '../globs/glob.ts'
import { foldTable } from './characters.ts'
import { compileExpression, compileNegated, compilePositive } from './compile-pattern.ts'
import { decodePath, judgeablePath, SLASH } from './request-path.ts'
import { PathTrie, UNSURE } from './trie.ts'
import type { Leaf } from './trie-pack.ts'

/** Whether a path can be judged, and is on the list. */
export type PathMatcher = (path: string) => boolean

/** Neighbours of one kind are one level: patterns that let pass have even ones, those with `!` odd ones. */
const takesAway = (level: number) => level % 2 !== 0

/** A path as sent, and as an app may read it: decoded, and in another case or form of Unicode. */
function spellingsOf(form: string, caseSensitive: boolean): Iterable<string> {
  const decoded = decodePath(form) ?? form
  const spellings = new Set([form, decoded])
  if (/[^\x00-\x7f]/.test(decoded)) spellings.add(foldCase(decoded, caseSensitive))
  return spellings
}

/** Of any path that can be judged: the level that decides. */
function levelOf(trie: PathTrie, path: string, options: PathOptions, isAnyTakenAway: boolean): number {
  const form = formOf(path, options.strict)
  // Only what takes away is asked about the other spellings.
  const spellings = isAnyTakenAway ? spellingsOf(form, options.caseSensitive) : [form]
  let best = -1
  for (const text of spellings) {
    for (const { level, match } of trie.candidates(text)) {
      if (level > best && (text === form || takesAway(level)) && match?.(text, path)) best = level
    }
  }
  return best
}

/**
 * Compiles globs and RegExps into one matcher. As in `micromatch(list, patterns)` a `!` pattern takes away what came before
 * it. It takes away each spelling: what the app decodes, or folds, must not come back by `/%61dmin`.
 *
 * @throws GlobProblem for a glob that `globProblem` finds one with
 */
export function compilePaths(patterns: readonly (string | RegExp)[], options: PathOptions): PathMatcher {
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
  const leaves = patterns.flatMap(compile)
  const trie = new PathTrie(leaves, fold, (text, path) => texts.has(text, path, work))
  const hasRegExp = patterns.some(isRegExp)

  return path => {
    if (path.charCodeAt(0) !== SLASH) return false
    const isTrimmed = !strict && path.length > 1 && path.charCodeAt(path.length - 1) === SLASH
    if (isTrimmed && path.charCodeAt(path.length - 2) === SLASH) return false
    work.begin(path)
    // A RegExp is asked about the path as it was sent.
    let level = isTrimmed && hasRegExp ? UNSURE : trie.levelOf(isTrimmed ? path.slice(0, -1) : path)
    if (level === UNSURE) {
      const judgeable = judgeablePath(path)
      if (judgeable === undefined) return false
      level = levelOf(trie, judgeable, options, last > 0)
    }
    return !takesAway(level)
  }
}
