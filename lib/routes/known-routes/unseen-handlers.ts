import { isRegExp } from 'node:util/types'
import { innerApp, innerRouter } from '../../express/app.ts'
import { askOnce } from '../../express/ask-layer.ts'
import { findRoute } from '../../express/find-route.ts'
import {
  hidesRoutes,
  hostPackage,
  isErrorHandler,
  isExpressOwn,
  isHiddenBySentry,
  isServeStatic,
} from '../../express/handler-marks.ts'
import {
  type Above,
  isAtRoot,
  type Layer,
  layersOf,
  mountOf,
  type Router,
  routerBehind,
} from '../../express/layer.ts'
import { hasAnyRoute, routePaths } from '../../express/routes-within.ts'
import { unwrap } from '../../express/unwrap.ts'
import type { Rule } from '../../judgement.ts'
import { infoOf, rulesOf } from '../../judging/rule-info.ts'
import { splitNegation } from '../../match/globs/glob.ts'

type Patterns = readonly (string | RegExp)[]

/**
 * Whether routes stand behind a middleware: then it is probably their guard, and answers nothing itself. Routes before it
 * have answered by the time it is asked.
 */
function isGuard(layer: Layer, router: Router): boolean {
  const behind = routerBehind(router, layer)
  if (routePaths(behind).some(path => askOnce(layer, path) !== false)) return true
  // A route that is no text can be asked. (Not by OPTIONS: `app.options('*', cors())` has every path.)
  const mount = mountOf(layer)
  const asked = mount === undefined ? [] : [mount, `${mount}/`, `${mount}/x`]
  return asked.some(url => ['GET', 'POST'].some(method => findRoute(behind, method, url, true)))
}

/** The text of a glob before its first wildcard. */
const beginOf = (glob: string) => glob.toLowerCase().replace(/\/?(?:[*?{[(+@]|$).*/, '')

/** Whether a pattern of `also` names the paths under a mount. Generous: a glob need only begin alike. */
function isNamed(mount: string, also: Patterns): boolean {
  return also.some(pattern => {
    if (isRegExp(pattern)) return true
    const { glob, negated } = splitNegation(pattern)
    const begin = beginOf(glob)
    const at = mount.toLowerCase()
    return !negated && (`${begin}/`.startsWith(`${at}/`) || `${at}/`.startsWith(`${begin}/`))
  })
}

/** As {@link isNamed}. A mount that is no text may be meant by any pattern. */
const mayBeNamed = (at: string | undefined, also: Patterns) =>
  at === undefined ? also.length > 0 : isNamed(at, also)

/** Rules of ours serve nothing, and neither do error handlers. */
const servesNothing = (layer: Layer) =>
  isErrorHandler(layer) || rulesOf(unwrap(layer.handle) as unknown as Rule).every(infoOf)

/** Whether a middleware may be one that answers, on paths that no pattern of `also` names. */
function isUnseen(layer: Layer, at: string | undefined, also: Patterns, isGuarding: () => boolean): boolean {
  // An app that has no router yet.
  if (servesNothing(layer) || innerApp(layer)) return false
  if (mayBeNamed(at, also)) return false
  if (isServeStatic(layer) || hostPackage(layer) !== undefined) return true
  if (hidesRoutes(layer) || isHiddenBySentry(layer)) return true
  return !isAtRoot(layer) && !isGuarding()
}

/** How a warning names a handler. */
function describe(layer: Layer, at: string | undefined): string {
  const named = hostPackage(layer) ?? layer.name
  const name = isHiddenBySentry(layer) ? `${layer.name} (hidden by the tracing of Sentry 7)` : named
  return `${name} at ${at === undefined ? 'a pattern' : at || '/'}`
}

/** Whether a router that is mounted at a path answers in middlewares alone, so that its paths can't be known. */
const answersWithoutRoutes = (layer: Layer, inner: Router) =>
  !isAtRoot(layer) &&
  !hasAnyRoute(inner) &&
  layersOf(inner).some(each => !isExpressOwn(each) && !servesNothing(each))

/** The patterns that may name what is mounted at the root: a pattern that names a folder mounted elsewhere says nothing of it. */
function namingTheRoot(router: Router, also: Patterns, base: string): Patterns {
  const mounts = layersOf(router).flatMap(layer => mountOf(layer) || [])
  const isOfMount = (pattern: string | RegExp) =>
    !isRegExp(pattern) && beginOf(pattern) !== '' && mounts.some(mount => isNamed(base + mount, [pattern]))
  return also.filter(pattern => !isOfMount(pattern))
}

/**
 * Handlers that probably answer, and are no routes: `express.static`, `vhost` and `express-subdomain` anywhere, whatever is
 * mounted at a path where no route is, and what hides routes of its own. At the root a middleware is most often one that goes
 * on (a body parser, a session).
 */
export function unseenHandlers(router: Router, also: Patterns, base = '', above: Above = []): string[] {
  if (above.includes(router)) return []
  const alsoAtRoot = namingTheRoot(router, also, base)
  const found = layersOf(router).flatMap(layer => {
    if (layer.route) return []
    const mount = mountOf(layer)
    const at = mount === undefined ? undefined : base + mount
    const inner = innerRouter(layer)
    if (!inner) {
      const naming = at === '' ? alsoAtRoot : also
      return isUnseen(layer, at, naming, () => isGuard(layer, router)) ? [describe(layer, at)] : []
    }
    const within = unseenHandlers(inner, also, at ?? `${base}/…`, [...above, router])
    return within.length > 0 || mayBeNamed(at, also) || !answersWithoutRoutes(layer, inner)
      ? within
      : [describe(layer, at)]
  })
  return [...new Set(found)]
}
