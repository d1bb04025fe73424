import { askOnce } from './ask-layer.ts'
import { isAtRoot, type Layer } from './layer.ts'
import { mountedApp } from './mounted-app.ts'
import { pathnameOf } from './target.ts'
import { unwrap } from './unwrap.ts'

/** What a request asks for. */
export interface Asked {
  readonly method?: string | undefined
  readonly url?: string | undefined
}

/** An entry of a Connect app's stack: `route` is the path that it is mounted at. */
interface ConnectLayer {
  readonly route: string
  readonly handle: unknown
}

type AnyLayer = Layer | ConnectLayer

const isConnect = (layer: AnyLayer): layer is ConnectLayer => typeof layer.route === 'string'

const meetsAll = (layer: AnyLayer) => (isConnect(layer) ? layer.route === '' : isAtRoot(layer))

/** A router of Express or an app of Connect (`stack`), an app of Express 4 (`_router`) or of Express 5 (`router`). */
interface Routing {
  readonly stack?: AnyLayer[]
  readonly _router?: { readonly stack: AnyLayer[] }
  readonly router?: { readonly stack: AnyLayer[] }
}

function stackOf(handler: object): readonly AnyLayer[] {
  const app = handler as Routing
  try {
    // In this order: the getter `router` of Express 4 throws.
    const stack = app.stack ?? app._router?.stack ?? app.router?.stack
    return Array.isArray(stack) ? stack : []
  } catch {
    return []
  }
}

/** Routers within routers are followed to this depth. */
const DEEPEST = 10

/** A handler that was found. At the root it meets every request. */
export type OnHandler = (handler: object, isAtRoot: boolean) => 'enter' | 'pass'

/**
 * Visits the handlers of an Express or Connect app that a request would meet if each of them went on to the next; without
 * `asked` those at the root alone. `visit` says whether to enter the handler, where it is an app or a router.
 */
export function visitHandlers(app: unknown, asked: Asked | undefined, visit: OnHandler): void {
  const method = asked?.method?.toLowerCase() ?? ''

  function look(handle: unknown, path: string | undefined, isRoot: boolean, depth: number): void {
    if (typeof handle !== 'function') return
    const inner = unwrap(handle)
    if (visit(inner, isRoot) === 'pass' || depth === 0) return
    for (const layer of stackOf(mountedApp(inner as never) ?? inner)) enter(layer, path, isRoot, depth - 1)
  }

  function enter(layer: AnyLayer, path: string | undefined, isRoot: boolean, depth: number): void {
    const { route, handle } = layer
    if (meetsAll(layer)) return look(handle, path, isRoot, depth)
    const rest = path === undefined ? undefined : restOf(layer, path)
    if (rest === undefined) return
    if (typeof route !== 'object') return look(handle, rest, false, depth)
    for (const each of route.stack ?? []) {
      const isAsked =
        each.method === undefined || each.method === method || (method === 'head' && each.method === 'get')
      if (isAsked) look(each.handle, rest, false, depth)
    }
  }

  look(app, asked && pathnameOf(asked.url ?? ''), true, DEEPEST)
}

/** The part of a path behind that of a layer; undefined where the layer does not match. */
function restOf(layer: AnyLayer, path: string): string | undefined {
  const cut = cutOf(layer, path)
  if (cut === undefined) return undefined
  const rest = path.slice(cut.length)
  if (rest !== '' && !/^[/.]/.test(rest) && !cut.endsWith('/')) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** The part of a path that a layer matches. */
function cutOf(layer: AnyLayer, path: string): string | undefined {
  if (isConnect(layer)) {
    const { route } = layer
    const start = path.slice(0, route.length)
    return start.toLowerCase() === route.toLowerCase() ? start : undefined
  }
  if (typeof layer.match !== 'function') return undefined
  const matched = askOnce(layer, path)
  if (matched === 'failed' || !matched) return undefined
  return matched === true ? (layer.path ?? '') : matched.path
}
