import { isRegExp } from 'node:util/types'
import type { Rule } from '../judgement.ts'
import { isNegated, type PathOptions, splitNegation } from '../match/globs/glob.ts'
import { globProblem } from '../match/globs/glob-problems.ts'
import { compilePaths } from '../match/paths/paths.ts'
import { judgeablePath, pathOf } from '../match/paths/request-path.ts'
import { compileTaken } from '../match/paths/taken-away.ts'
import { type CommonOptions, commonChecks, commonOf } from '../options/common-options.ts'
import { refuse, refuseEntry } from '../options/options-error.ts'
import {
  boolean,
  type Check,
  listArgument,
  reading,
  readOptions,
  refuseRequest,
} from '../options/read-options.ts'
import { warnOfSlow } from '../options/slow-patterns.ts'
import { Reason } from '../reasons.ts'
import { framework, type Request } from '../request/http-types.ts'
import { isRoutes, type Routes } from '../routes/routes.ts'
import { makeRule } from '../rule.ts'
import { adviseOnPaths } from './path-allowlist/path-advice.ts'

/** Options of {@link pathAllowlist}. */
export interface PathAllowlistOptions extends CommonOptions {
  /** Whether `/Users` and `/users` are two paths. Default false, as in Express. */
  caseSensitive?: boolean | undefined
  /** Whether `/users/` and `/users` are two paths. Default false, as in Express. */
  strict?: boolean | undefined
}

const checks = () =>
  ({
    ...commonChecks(),
    caseSensitive: boolean,
    strict: boolean,
  }) satisfies Record<keyof PathAllowlistOptions, Check<unknown>>

/**
 * Drops every path that no pattern lists.
 *
 * The path is the request target's, without query, as sent (percent-encoded), relative to the mount path of the rule.
 * A path that the app could read differently never passes a pattern: dot segments, encoded dots, `\`, `//`, `#`, control
 * bytes, invalid UTF-8, `..;`, `%25` before two hex digits. `%2f`, `%5c`, `;` and dotfiles pass only if the pattern
 * spells them.
 *
 * @param patterns globs with a leading slash, as in bash with `globstar` and `extglob` (`!` excludes paths from the patterns before
 *   it, and from all routes), RegExps, and an app's routes, which match a request as the app itself would
 *
 * @example
 * app.use(pathAllowlist([...browserPaths, '/', '/users/**', '/orders/**', '!/users/internal']))
 * app.use(pathAllowlist(knownRoutes(app)))
 *
 * @throws OptionsError that names the bad pattern, and says what to write instead; also for a pattern that can match nothing, or
 *   does not mean what it seems to
 */
export function pathAllowlist(
  patterns: Iterable<string | RegExp | Routes> & object,
  options?: PathAllowlistOptions,
): Rule {
  refuseRequest('pathAllowlist', patterns)
  const checked = readOptions('pathAllowlist', options, checks())
  const { caseSensitive = false, strict = false } = checked
  const read = () => readPatterns(patterns)
  const { globs, routes } = reading('pathAllowlist', 'patterns', patterns, read)
  const { matches, hasRoute } = reading('pathAllowlist', 'patterns', patterns, () => {
    warnOfSlow(
      'pathAllowlist',
      globs.filter(isRegExp).map(expression => ({ expression })),
    )
    const how = { caseSensitive, strict }
    const hasRoute = routes.length > 0 ? findRoute(routes, globs.filter(isNegated), how) : undefined
    return { matches: compilePaths(globs, how), hasRoute }
  })
  const common = commonOf(checked, { name: 'pathAllowlist' })
  adviseOnPaths(common.name, (req, path) => matches(path) || Boolean(hasRoute?.(req, path)))
  return makeRule(common, req => {
    const { url = '' } = req
    const { originalUrl = url } = framework(req)
    const path = pathOf(url)
    // Under a mount path, the router has shortened `url` and perhaps normalized it, but the app may read `originalUrl` as sent.
    const isClear = originalUrl === url || judgeablePath(pathOf(originalUrl)) !== undefined
    if (isClear && matches(path)) return undefined
    if (hasRoute?.(req, path)) return undefined
    if (!isClear || judgeablePath(path) === undefined)
      return { reason: Reason.AMBIGUOUS_PATH, detail: pathOf(originalUrl) }
    return { reason: Reason.UNLISTED_PATH, detail: path }
  })
}

/** Makes a check for routes, without the paths that a `!` pattern excludes. An ambiguous path is left to the routes to judge. */
function findRoute(
  routes: readonly Routes[],
  negated: readonly string[],
  options: PathOptions,
): (req: Request, path: string) => boolean {
  const isTaken =
    negated.length > 0
      ? compileTaken(
          negated.map(each => splitNegation(each).glob),
          options,
        )
      : undefined
  return (req, path) => routes.some(each => each.has(req)) && !isTaken?.(path)
}

const refusePattern = (pattern: unknown, problem: string) =>
  refuseEntry('pathAllowlist', 'patterns', pattern, problem)

function readPatterns(patterns: unknown): { globs: (string | RegExp)[]; routes: Routes[] } {
  const given = listArgument('pathAllowlist', 'patterns', patterns)
  const routes = given.filter(isRoutes)
  const globs = given.filter(pattern => !isRoutes(pattern)) as (string | RegExp)[]
  for (const pattern of globs) {
    if (isRegExp(pattern)) continue
    const problem = typeof pattern === 'string' ? globProblem(pattern) : 'it is no string, RegExp or routes'
    if (problem) refusePattern(pattern, problem)
  }
  if (routes.length === 0 && globs.every(isNegated)) {
    refuse('pathAllowlist', 'patterns', given, 'a list with a pattern that lets something pass')
  }
  return { globs, routes }
}
