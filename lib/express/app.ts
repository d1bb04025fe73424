import type { Layer, Router } from './layer.ts'
import { mountedApp } from './mounted-app.ts'
import { unwrap } from './unwrap.ts'

interface App {
  /** Of Express 4. */
  readonly lazyrouter?: unknown
  readonly _router?: Router | undefined
  readonly handle?: unknown
  readonly route?: unknown
  readonly set?: unknown
}

const isFunction = (value: unknown) => typeof value === 'function'

/** Whether a handler is a router. Connect's apps have a `stack` too, whose entries have no `match`. */
export function isRouter(value: unknown): value is Router {
  const stack = (value as Partial<Router>).stack
  return Array.isArray(stack) && (stack.length === 0 || isFunction(stack[0].match))
}

/** Whether a value is an app or a router of Express. */
export function isExpress(value: unknown): value is App {
  if (typeof value !== 'function') return false
  const { handle, route, set } = value as App
  return isFunction(handle) && isFunction(route) && (isRouter(value) || isFunction(set))
}

/** Whether an app is asked about whole paths: neither a router, nor mounted in another app. */
export const isWholeApp = (app: object): boolean => !isRouter(app) && !(app as { parent?: unknown }).parent

/** Stands in for an Express 5 app while its router is read: reading it makes it, by the settings of that moment, too early. */
const notYet = {
  enabled() {
    throw new Error('the app has no router yet')
  },
}

/** The router of an app, or undefined as long as it has none. */
export function routerOf(app: object): Router | undefined {
  if (isRouter(app)) return app
  const { lazyrouter, _router } = app as App
  if (lazyrouter) return _router
  try {
    return Reflect.get(app, 'router', notYet) as Router | undefined
  } catch {
    return undefined
  }
}

/** The router or app that a layer leads into, or undefined for any other middleware. */
export function innerApp({ handle }: Layer): object | undefined {
  const inner = unwrap(handle)
  // An app that is mounted in another is wrapped by it; in a plain router it is the handler itself.
  return isRouter(inner) || isExpress(inner) ? inner : mountedApp(inner)
}

/** The router that a layer leads into, or undefined for any other middleware and for an app that has none yet. */
export function innerRouter(layer: Layer): Router | undefined {
  const inner = innerApp(layer)
  return inner && routerOf(inner)
}
