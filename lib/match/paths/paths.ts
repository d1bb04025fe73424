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

/** Returns whether a path can be judged, and is on the list. */
export type PathMatcher = (path: string) => boolean

/** Whether patterns of a level have a `!`. Neighbours of one kind share a level: even ones allow, odd ones take away. */
const takesAway = (level: number) => level % 2 !== 0

/** A path as it is compared, decoded, and in one case and form of Unicode: an app may read each of these. */
function spellingsOf(form: string, caseSensitive: boolean): Iterable<string> {
  const decoded = decodePath(form) ?? form
  const spellings = new Set([form, decoded])
  if (/[^\x00-\x7f]/.test(decoded)) spellings.add(foldCase(decoded, caseSensitive))
  return spellings
}

/** The level that decides about a path that can be judged. */
function levelOf(trie: PathTrie, path: string, options: PathOptions, isAnyTakenAway: boolean): number {
  const form = formOf(path, options.strict)
  // Other spellings are only compared with patterns that take away.
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
 * Compiles globs and RegExps into one matcher. As in `micromatch(list, patterns)` a `!` pattern takes away paths of the patterns
 * before it. It takes away each spelling: `/%61dmin`, which the app reads as `/admin`, must not be allowed again.
 *
 * @throws GlobProblem for a glob in which `globProblem` finds a problem
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
    // A RegExp is tested on the path as it was sent, with its trailing slash.
    let level = isTrimmed && hasRegExp ? UNSURE : trie.levelOf(isTrimmed ? path.slice(0, -1) : path)
    if (level === UNSURE) {
      const judgeable = judgeablePath(path)
      if (judgeable === undefined) return false
      level = levelOf(trie, judgeable, options, last > 0)
    }
    return !takesAway(level)
  }
}
