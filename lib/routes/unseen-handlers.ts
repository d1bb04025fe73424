import { isRegExp } from 'node:util/types'
import { splitNegation } from '../match/glob.ts'
import type { Rule } from '../rule.ts'
import { infoOf, rulesOf } from '../rule-info.ts'
import { innerRouter, type Layer, type Router } from './express-internals.ts'
import { ask, restorePositions, type Search } from './express-layer.ts'
import { findRoute } from './express-walk.ts'

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

function matches(layer: Layer, path: string): boolean {
  const search: Search = {}
  const matched = ask(layer, path, search)
  restorePositions(search)
  return matched !== false
}

/** Whether routes stand behind a middleware: then it is probably their guard, and answers nothing itself. */
function isGuard(layer: Layer, mount: string | undefined, router: Router, paths: readonly string[]): boolean {
  if (paths.some(path => matches(layer, path))) return true
  // A route that is no text can be asked. (Not by OPTIONS: `app.options('*', cors())` has every path.)
  const asked = mount === undefined ? [] : [mount, `${mount}/`, `${mount}/x`]
  return asked.some(url => ['GET', 'POST'].some(method => findRoute(router, method, url, true)))
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

const isOurs = (handler: Rule) => rulesOf(handler).every(infoOf)

/** Whether a middleware may be one that answers, and nobody has thought of its paths. */
function isUnseen(layer: Layer, at: string | undefined, also: Patterns, isGuarding: () => boolean): boolean {
  // An error handler, and a rule of ours, serve nothing.
  if (layer.handle.length > 3 || isOurs(layer.handle as unknown as Rule)) return false
  if (at === undefined ? also.length > 0 : isNamed(at, also)) return false
  return layer.name === 'serveStatic' || (!isAtRoot(layer) && layer.name !== 'mounted_app' && !isGuarding())
}

/**
 * Handlers that probably answer, and are no routes: `express.static` anywhere, and whatever is mounted at a path where no
 * route is. At the root a middleware is most often one that goes on (a body parser, a session).
 */
export function unseenHandlers(
  router: Router,
  also: Patterns,
  base = '',
  above: readonly Router[] = [],
): string[] {
  if (above.includes(router)) return []
  const paths = routePaths(router)
  // What names a folder that is mounted elsewhere says nothing of one at the root.
  const mounts = router.stack.flatMap(layer => mountOf(layer) || [])
  const isOfMount = (pattern: string | RegExp) =>
    !isRegExp(pattern) && beginOf(pattern) !== '' && mounts.some(mount => isNamed(base + mount, [pattern]))
  const alsoAtRoot = also.filter(pattern => !isOfMount(pattern))
  return router.stack.flatMap(layer => {
    if (layer.route) return []
    const mount = mountOf(layer)
    const at = mount === undefined ? undefined : base + mount
    const inner = innerRouter(layer)
    if (inner) return unseenHandlers(inner, also, at ?? `${base}/…`, [...above, router])
    return isUnseen(layer, at, at === '' ? alsoAtRoot : also, () => isGuard(layer, mount, router, paths))
      ? [`${layer.name} at ${at === undefined ? 'a pattern' : at || '/'}`]
      : []
  })
}
