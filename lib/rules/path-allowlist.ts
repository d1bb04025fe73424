import { isRegExp } from 'node:util/types'
import { type CommonOptions, commonChecks, commonOf } from '../common-options.ts'
import { refuse, refuseEntry } from '../errors.ts'
import { framework } from '../http-types.ts'
import { globProblem, splitNegation } from '../match/glob.ts'
import { compilePaths } from '../match/path-patterns.ts'
import { judgeablePath, pathOf } from '../match/request-path.ts'
import { boolean, type Check, listArgument, readOptions, refuseRequest } from '../options.ts'
import { Reason } from '../reasons.ts'
import { makeRule, type Rule } from '../rule.ts'

/** Options of {@link pathAllowlist}. */
export interface PathAllowlistOptions extends CommonOptions {
  /** Whether `/Users` and `/users` are two paths. Default false, as in Express. */
  caseSensitive?: boolean | undefined
  /** Whether `/users/` and `/users` are two paths. Default false, as in Express. */
  strict?: boolean | undefined
}

const checks = {
  ...commonChecks,
  caseSensitive: boolean,
  strict: boolean,
} satisfies Record<keyof PathAllowlistOptions, Check<unknown>>

/**
 * Drops every path that no pattern lists.
 *
 * The path is that of the request target, without query, relative to where the rule is mounted, as sent (percent-encoded).
 * What could mean one path here and another in the app never passes: dot segments, encoded dots, `\`, `//`, `#`, control
 * bytes, invalid UTF-8, `..;`, `%25` before two hex digits. `%2f`, `%5c`, `;` and dotfiles pass only where the pattern
 * spells them.
 *
 * @param patterns micromatch globs with a leading slash (`!` takes away from what stands before) and RegExps
 *
 * @example
 * app.use(pathAllowlist([...browserPaths, '/', '/users/**', '/orders/**', '!/users/internal']))
 *
 * @throws OptionsError that names the bad pattern, also one that can match nothing
 */
export function pathAllowlist(
  patterns: Iterable<string | RegExp> & object,
  options?: PathAllowlistOptions,
): Rule {
  refuseRequest('pathAllowlist', patterns)
  const checked = readOptions('pathAllowlist', options, checks)
  const { caseSensitive = false, strict = false } = checked
  // micromatch throws for a glob that it can't read (too long, a lone surrogate).
  const matches = compilePaths(readPatterns(patterns), { caseSensitive, strict }, (pattern, error) =>
    refusePattern(pattern, (error as Error).message),
  )
  return makeRule(commonOf(checked, { name: 'pathAllowlist' }), req => {
    const { url = '' } = req
    const { originalUrl = url } = framework(req)
    const path = pathOf(url)
    // Where the rule is mounted under a path, a router has cut, and perhaps tidied, what the app may read as it was sent.
    const isClear = originalUrl === url || judgeablePath(pathOf(originalUrl)) !== undefined
    if (isClear && matches(path)) return undefined
    if (!isClear || judgeablePath(path) === undefined)
      return { reason: Reason.AMBIGUOUS_PATH, detail: pathOf(originalUrl) }
    return { reason: Reason.UNLISTED_PATH, detail: path }
  })
}

const refusePattern = (pattern: unknown, problem: string) =>
  refuseEntry('pathAllowlist', 'patterns', pattern, problem)

function readPatterns(patterns: unknown): (string | RegExp)[] {
  const given = listArgument('pathAllowlist', 'patterns', patterns)
  for (const pattern of given) {
    if (isRegExp(pattern)) continue
    const problem = typeof pattern === 'string' ? globProblem(pattern) : 'it is no string or RegExp'
    if (problem) refusePattern(pattern, problem)
  }
  const negates = (pattern: unknown) => typeof pattern === 'string' && splitNegation(pattern).negated
  if (given.every(negates)) {
    refuse('pathAllowlist', 'patterns', given, 'a list with a pattern that lets something pass')
  }
  return given as (string | RegExp)[]
}
