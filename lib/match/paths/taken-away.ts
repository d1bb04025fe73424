import { RequiredTexts } from '../expressions/required-texts.ts'
import { Work } from '../expressions/work.ts'
import type { PathOptions } from '../globs/glob.ts'
import { foldTable } from './characters.ts'
import { compileNegated } from './compile-pattern.ts'
import { readingsOf } from './path-readings.ts'
import { isPlain, SLASH } from './request-path.ts'
import { PathTrie } from './trie.ts'

/**
 * Compiles the `!` globs that take paths away from an app's own routes. They take away the paths that they match in every
 * spelling, and no others. Routes accept dotfiles, so a wildcard here matches dotfiles too.
 *
 * @param globs without their `!`
 * @returns whether a path, or a target of another form, is taken away
 */
export function compileTaken(globs: readonly string[], options: PathOptions): (path: string) => boolean {
  const { caseSensitive, strict } = options
  const fold = foldTable(caseSensitive)
  const work = new Work()
  const texts = new RequiredTexts()
  const list = { caseSensitive, strict, work, texts, dots: true }
  const leaves = globs.flatMap(glob => compileNegated(glob, 0, list, fold))
  const trie = new PathTrie(leaves, fold, (text, path) => texts.has(text, path, work))
  const trim = (path: string) =>
    !strict && path.length > 1 && path.charCodeAt(path.length - 1) === SLASH ? path.slice(0, -1) : path
  const isNamed = (reading: string) => {
    const text = trim(reading)
    return trie.candidates(text).some(({ match }) => match?.(text, text))
  }

  return path => {
    work.begin(path)
    if (path.charCodeAt(0) === SLASH && isPlain(path, 1)) return trie.levelOf(trim(path)) >= 0
    const readings = readingsOf(path, caseSensitive)
    return readings === undefined || [...readings].some(isNamed)
  }
}
