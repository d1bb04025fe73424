import { innerRouter } from './app.ts'
import { ask, type Matched, restorePositions, type Search } from './ask-layer.ts'
import type { ExpressRoute, Layer, Router } from './layer.ts'
import { originOf, pathnameOf } from './target.ts'

/** One search. `url` loses mount paths and gets them back on the way, as Express does with `req.url`. */
interface Target extends Search {
  url: string
  readonly method: string
  /** The route that was found. */
  route?: ExpressRoute | undefined
}

type Outcome = 'found' | 'none' | 'failed'

/** Routers within routers are followed to this depth; at about the same Express itself overflows the stack. */
const DEEPEST = 1_000

/**
 * Looks for the route that Express would find, with the layers' own `match`, in the order and with the checks of
 * `Router.prototype.handle`. No handler is run: each is taken to go on to the next.
 *
 * It costs as much as Express's own search: a `match` for each layer up to the route, an object for each router and a
 * string for each mount path on the way. `match` may leave its result on the layer; that does no harm, since Express reads the
 * result in the turn in which it asked, never later.
 *
 * @param isAsIf true for a search that is no request's: RegExps with `g` or `y` stay where they were. Otherwise, if there is
 * no route, they stay where Express would have left them, for the request never gets there.
 *
 * @returns the route, or for OPTIONS one that has the path
 */
export function findRoute(
  router: Router,
  method: string,
  url: string,
  isAsIf = false,
): ExpressRoute | undefined {
  const target: Target = { url, method }
  const isFound = new Walk(target, 0).through(router) === 'found'
  if (isFound || isAsIf) restorePositions(target)
  return isFound ? target.route : undefined
}

/** The way through one router. */
class Walk {
  readonly #target: Target
  readonly #depth: number
  readonly #origin: string
  #path: string | undefined
  /** After a failure Express still asks the layers, though for error handlers only. */
  #isFailed: boolean
  /** Express answers OPTIONS at the end of a router, if a route has the path at all. */
  #hasPath = false

  constructor(target: Target, depth: number) {
    this.#target = target
    this.#depth = depth
    this.#origin = originOf(target.url)
    this.#path = pathnameOf(target.url)
    this.#isFailed = depth > DEEPEST
  }

  through(router: Router): Outcome {
    for (const layer of router.stack) {
      if (this.#path === undefined) break
      const matched = ask(layer, this.#path, this.#target)
      if (matched === 'failed') this.#isFailed = true
      else if (matched && this.#finds(layer, matched, this.#path)) return 'found'
    }
    if (this.#isFailed) return 'failed'
    return this.#hasPath ? 'found' : 'none'
  }

  #finds(layer: Layer, matched: Exclude<Matched, false>, path: string): boolean {
    const { route } = layer
    if (!route) return this.#passes(layer, matched, path)
    if (this.#isFailed) return false
    const isHandled = handles(route, this.#target)
    this.#hasPath ||= this.#target.route === route
    return isHandled
  }

  /** Goes past a middleware, or through it if it is a router. */
  #passes(layer: Layer, matched: Exclude<Matched, false>, path: string): boolean {
    const cut = matched === true ? (layer.path as string) : matched.path
    if (!isPrefix(cut, path, layer)) return false
    const target = this.#target
    const { url } = target
    const isSlashAdded = cutMountPath(target, this.#origin, cut)
    const inner = this.#isFailed ? undefined : innerRouter(layer)
    const outcome = inner ? new Walk(target, this.#depth + 1).through(inner) : 'none'
    if (outcome === 'found') return true
    this.#isFailed ||= outcome === 'failed'
    const isSlashOurs = isSlashAdded && (matched === true || !isRewritten(target.url, cut))
    restoreMountPath(target, this.#origin, cut, isSlashOurs)
    if (target.url !== url) this.#path = pathnameOf(target.url)
    return false
  }
}

/** Whether a route takes the method. For OPTIONS a route with any method is noted: Express answers that by itself. */
function handles(route: ExpressRoute, target: Target): boolean {
  const { methods } = route
  const name = target.method.toLowerCase()
  // `=== true`: in Express 4 the object has a prototype, and HTTP/2 any method.
  const isHandled =
    methods._all === true || methods[name] === true || (name === 'head' && methods.get === true)
  if (isHandled || (target.method === 'OPTIONS' && hasMethods(methods))) target.route = route
  return isHandled
}

function hasMethods(methods: ExpressRoute['methods']): boolean {
  for (const _name in methods) return true
  return false
}

/** Whether a mount path ends where a segment does. In Express 4 that is also before a dot. */
function isPrefix(cut: string, path: string, layer: Layer): boolean {
  if (cut === '') return true
  if (!path.startsWith(cut)) return false
  const next = path[cut.length]
  return next === undefined || next === '/' || (next === '.' && layer.regexp !== undefined)
}

/** Takes a mount path off the target. Returns whether a slash had to be put in its place. */
function cutMountPath(target: Target, origin: string, cut: string): boolean {
  if (cut === '') return false
  target.url = origin + target.url.slice(origin.length + cut.length)
  if (origin !== '' || target.url.startsWith('/')) return false
  target.url = `/${target.url}`
  return true
}

/**
 * Express 5.3 and later leave a URL alone that a middleware seems to have rewritten. This is their test; it also hits `/#x`,
 * where Express itself added the slash.
 */
const isRewritten = (url: string, cut: string) =>
  url !== '/' && !url.startsWith('/?') && !(cut.endsWith('/') && url.startsWith('/'))

/** Puts a mount path back, and takes off the slash that stood in its place. */
function restoreMountPath(target: Target, origin: string, cut: string, isSlashAdded: boolean): void {
  if (cut === '') return
  if (isSlashAdded) target.url = target.url.slice(1)
  target.url = origin + cut + target.url.slice(origin.length)
}
