import { isRegExp } from 'node:util/types'
import { findRoute } from '../../express/find-route.ts'
import { innerApp, innerRouter, type Layer, type Router } from '../../express/internals.ts'
import { ask, restorePositions, type Search } from '../../express/layer.ts'
import { unwrap } from '../../express/unwrap.ts'
import type { Rule } from '../../judgement.ts'
import { infoOf, rulesOf } from '../../judging/rule-info.ts'
import { splitNegation } from '../../match/globs/glob.ts'

type Patterns = readonly (string | RegExp)[]

const isAtRoot = ({ slash, regexp }: Layer) => slash === true || regexp?.fast_slash === true

/** Where a layer is mounted, as the source has it, or undefined where that can't be told. */
function mountOf(layer: Layer): string | undefined {
  if (isAtRoot(layer)) return ''
  if (typeof layer.rawPath === 'string') return layer.rawPath.replace(/\/+$/, '')
  // Express 4 keeps only the expression that it made.
  const text = /^\^((?:\\[^\w]|[\w/~%!-])+?)\\?\/\?\(\?=\\?\/\|\$\)$/.exec(layer.regexp?.source ?? '')?.[1]
  return text?.replace(/\\(.)/g, '$1')
}

/** Parameters as they are, optional parts there: text that a mount path in front of the route matches. */
const plain = (path: string) => path.replace(/[{}()?*+\\]/g, '')

/** The paths of all routes, as far as they are text. */
function routePaths(router: Router, base = '', above: readonly Router[] = []): string[] {
  if (above.includes(router)) return []
  return router.stack.flatMap(layer => {
    if (layer.route) {
      const paths = [layer.route.path].flat().filter(path => typeof path === 'string')
      return paths.map(path => base + plain(path))
    }
    const [mount, inner] = [mountOf(layer), innerRouter(layer)]
    return inner && mount !== undefined ? routePaths(inner, base + plain(mount), [...above, router]) : []
  })
}

/** Whether a router has a route, or one within it has. */
export function hasAnyRoute(router: Router, above: readonly Router[] = []): boolean {
  if (above.includes(router)) return false
  return router.stack.some(layer => {
    const inner = layer.route ? undefined : innerRouter(layer)
    return layer.route !== undefined || (inner && hasAnyRoute(inner, [...above, router]))
  })
}

function matches(layer: Layer, path: string): boolean {
  const search: Search = {}
  const matched = ask(layer, path, search)
  restorePositions(search)
  return matched !== false
}

/**
 * Whether routes stand behind a middleware: then it is probably their guard, and answers nothing itself. Routes before it
 * have answered by the time it is asked.
 */
function isGuard(layer: Layer, router: Router): boolean {
  const behind = { stack: router.stack.slice(router.stack.indexOf(layer) + 1) }
  if (routePaths(behind).some(path => matches(layer, path))) return true
  // A route that is no text can be asked. (Not by OPTIONS: `app.options('*', cors())` has every path.)
  const mount = mountOf(layer)
  const asked = mount === undefined ? [] : [mount, `${mount}/`, `${mount}/x`]
  return asked.some(url => ['GET', 'POST'].some(method => findRoute(behind, method, url, true)))
}

/** What a glob has before its first wildcard. */
const beginOf = (glob: string) => glob.toLowerCase().replace(/\/?(?:[*?{[(+@]|$).*/, '')

/** Whether somebody has thought of these paths. Generous: a glob need only begin alike. */
function isNamed(mount: string, also: Patterns): boolean {
  return also.some(pattern => {
    if (isRegExp(pattern)) return true
    const { glob, negated } = splitNegation(pattern)
    const begin = beginOf(glob)
    const at = mount.toLowerCase()
    return !negated && (`${begin}/`.startsWith(`${at}/`) || `${at}/`.startsWith(`${begin}/`))
  })
}

/** Rules of ours serve nothing, and neither do error handlers. */
function servesNothing({ handle }: Layer): boolean {
  const handler = unwrap(handle)
  return handler.length > 3 || rulesOf(handler as unknown as Rule).every(infoOf)
}

/** Sentry 7 puts a function in front of each handler that leaves no way to what is behind it. */
const isHiddenBySentry = (layer: Layer) =>
  Function.prototype.toString.call(layer.handle).includes('__sentry_transaction')

/**
 * The package that made a handler which leads to another app by the host: vhost names its middleware so, express-subdomain's is
 * anonymous, and marks the request. They stand at the root, and answer what they are for.
 */
function hostPackage({ handle }: Layer): string | undefined {
  const handler = unwrap(handle)
  if (handler.name === 'vhost') return 'vhost'
  const source = Function.prototype.toString.call(handler)
  if (/\._subdomainLevel\b/.test(source)) return 'express-subdomain'
  return /\breq\.vhost\s*=[^=]/.test(source) ? 'vhost' : undefined
}

/** Whether a handler has routes of its own, to go by its name or its methods, and does not let them be read. */
function hidesRoutes({ handle, name }: Layer): boolean {
  const handler = unwrap(handle)
  const { handle: inner, stack } = handler as { handle?: unknown; stack?: unknown }
  if (typeof inner === 'function' || Array.isArray(stack)) return true
  return name === 'router' || name === 'mounted_app'
}

/** Whether a middleware may be one that answers, and nobody has thought of its paths. */
function isUnseen(layer: Layer, at: string | undefined, also: Patterns, isGuarding: () => boolean): boolean {
  // An app that has no router yet.
  if (servesNothing(layer) || innerApp(layer)) return false
  if (at === undefined ? also.length > 0 : isNamed(at, also)) return false
  if (layer.name === 'serveStatic' || hostPackage(layer) !== undefined) return true
  if (hidesRoutes(layer) || isHiddenBySentry(layer)) return true
  return !isAtRoot(layer) && !isGuarding()
}

/** How a warning names a handler. */
function describe(layer: Layer, at: string | undefined): string {
  const named = hostPackage(layer) ?? layer.name
  const name = isHiddenBySentry(layer) ? `${layer.name} (hidden by the tracing of Sentry 7)` : named
  return `${name} at ${at === undefined ? 'a pattern' : at || '/'}`
}

/** Whether a router that is mounted at a path answers in middlewares alone: then nobody can tell what it serves. */
const answersWithoutRoutes = (layer: Layer, inner: Router) =>
  !isAtRoot(layer) &&
  !hasAnyRoute(inner) &&
  inner.stack.some(each => !isExpressOwn(each) && !servesNothing(each))

/** What Express 4 puts into each app. */
const isExpressOwn = ({ name }: Layer) => name === 'query' || name === 'expressInit'

/**
 * Handlers that probably answer, and are no routes: `express.static`, `vhost` and `express-subdomain` anywhere, whatever is mounted at a path where no
 * route is, and what hides routes of its own. At the root a middleware is most often one that goes on (a body parser, a
 * session).
 */
export function unseenHandlers(
  router: Router,
  also: Patterns,
  base = '',
  above: readonly Router[] = [],
): string[] {
  if (above.includes(router)) return []
  // What names a folder that is mounted elsewhere says nothing of one at the root.
  const mounts = router.stack.flatMap(layer => mountOf(layer) || [])
  const isOfMount = (pattern: string | RegExp) =>
    !isRegExp(pattern) && beginOf(pattern) !== '' && mounts.some(mount => isNamed(base + mount, [pattern]))
  const alsoAtRoot = also.filter(pattern => !isOfMount(pattern))
  const found = router.stack.flatMap(layer => {
    if (layer.route) return []
    const mount = mountOf(layer)
    const at = mount === undefined ? undefined : base + mount
    const inner = innerRouter(layer)
    if (!inner) {
      const named = at === '' ? alsoAtRoot : also
      return isUnseen(layer, at, named, () => isGuard(layer, router)) ? [describe(layer, at)] : []
    }
    const within = unseenHandlers(inner, also, at ?? `${base}/…`, [...above, router])
    const isNamedAlready = at === undefined ? also.length > 0 : isNamed(at, also)
    return within.length > 0 || isNamedAlready || !answersWithoutRoutes(layer, inner)
      ? within
      : [describe(layer, at)]
  })
  return [...new Set(found)]
}
