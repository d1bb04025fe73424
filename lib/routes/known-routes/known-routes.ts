import { isRegExp } from 'node:util/types'
import { isExpress, isWholeApp, routerOf } from '../../express/app.ts'
import { findRoute } from '../../express/find-route.ts'
import { isNegated } from '../../match/globs/glob.ts'
import { globProblem } from '../../match/globs/glob-problems.ts'
import { compilePaths, type PathMatcher } from '../../match/paths/paths.ts'
import { judgeablePath, pathOf } from '../../match/paths/request-path.ts'
import { refuse, refuseEntry } from '../../options/options-error.ts'
import { type Check, list, reading, readOptions } from '../../options/read-options.ts'
import { warnOfSlow } from '../../options/slow-patterns.ts'
import { framework, type Request } from '../../request/http-types.ts'
import { makeRoutes, type Routes } from '../routes.ts'
import { adviseOnRoutes } from './advice.ts'

/** An app or a `Router` of Express 4 or 5. */
export interface RoutedApp {
  /** Handles a request. */
  handle?: unknown
  /** Adds a route. */
  route(...args: never[]): unknown
  /** Mounts a middleware. */
  use(...args: never[]): unknown
}

/** Options of {@link knownRoutes}. */
export interface KnownRoutesOptions {
  /** Paths of handlers that are no routes (static folders, mounted foreign ones): globs and RegExps, as `pathAllowlist` takes them. */
  also?: Iterable<string | RegExp> | undefined
}

const also: Check<readonly (string | RegExp)[]> = (value, fail) => {
  const given = list(value, fail)
  for (const pattern of given) {
    if (isRegExp(pattern)) continue
    const problem = typeof pattern === 'string' ? globProblem(pattern) : 'it is no string or RegExp'
    if (problem) refuseAlso(pattern, problem)
  }
  if (given.length > 0 && given.every(isNegated)) fail('a list with a pattern that lets something pass')
  return given as readonly (string | RegExp)[]
}

const checks = { also } satisfies Record<keyof KnownRoutesOptions, Check<unknown>>

const refuseAlso = (pattern: unknown, problem: string) => refuseEntry('knownRoutes', 'also', pattern, problem)

/**
 * The routes of an Express app, for `pathAllowlist`: a request passes if Express would find a route for it, method
 * included (HEAD with GET, OPTIONS where any route has the path). The app's own routers are asked at each request, so
 * routes that are added later count.
 *
 * What is no route (`express.static`, a proxy, a GraphQL server) can't be seen: name its paths in `also`. A route that
 * takes every path, handlers that nobody named, and an app without any route are warned of once (`DROP444_CATCH_ALL`,
 * `DROP444_UNSEEN_HANDLER`, `DROP444_NO_ROUTE`).
 *
 * A `Router`, and an app mounted in another, is asked about the path relative to where the rule is mounted.
 *
 * @example
 * app.use(pathAllowlist(knownRoutes(app, { also: ['/static/**'] })))
 *
 * @throws OptionsError if `app` is none of Express's
 */
export function knownRoutes(app: RoutedApp, options?: KnownRoutesOptions): Routes {
  if (!reading('knownRoutes', 'app', app, () => isExpress(app)))
    refuse('knownRoutes', 'app', app, 'an app or a Router of Express 4 or 5')
  const { also = [] } = readOptions('knownRoutes', options, checks)
  const isAlso = reading('knownRoutes', 'also', also, () => {
    warnOfSlow(
      'knownRoutes, "also"',
      also.filter(isRegExp).map(expression => ({ expression })),
    )
    return compilePaths(also, { caseSensitive: false, strict: false })
  })
  const advise = adviseOnRoutes(app, also)
  return makeRoutes(function hasRoute(req) {
    // A check at start asks with a request that has no socket: that is not the first request.
    if (req.socket) advise()
    const url = targetOf(req, app)
    if (also.length > 0 && isNamed(req, url, isAlso)) return true
    const router = routerOf(app)
    return router !== undefined && findRoute(router, req.method ?? '', url) !== undefined
  })
}

/**
 * The target as the app reads it. Under a mount path, `req.url` has lost its beginning. At the root the routers are asked for
 * `req.url` as it is, also if a middleware has rewritten it, or a server that is no Express has cut it.
 */
function targetOf(req: Request, app: object): string {
  const { url = '' } = req
  const { baseUrl, originalUrl = url } = framework(req)
  if (!baseUrl || !isWholeApp(app)) return url
  if (!originalUrl.startsWith('/')) return originalUrl
  const rest = originalUrl.startsWith(baseUrl) ? originalUrl.slice(baseUrl.length) : undefined
  const isAsSent = rest !== undefined && (rest === url || `/${rest}` === url)
  return isAsSent ? originalUrl : baseUrl + url
}

/** As in `pathAllowlist`: a mount path that was cut off must be unambiguous too. */
function isNamed(req: Request, url: string, isAlso: PathMatcher): boolean {
  const { originalUrl = url } = framework(req)
  return isAlso(pathOf(url)) && (originalUrl === url || judgeablePath(pathOf(originalUrl)) !== undefined)
}
