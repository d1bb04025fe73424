import { mountedApp } from './mounted-app.ts'
import { unwrap } from './unwrap.ts'

/** A route of Express's: what stands under one path, by method. `_all` is `.all()`. */
export interface ExpressRoute {
  readonly path: unknown
  readonly methods: Readonly<Record<string, boolean | undefined>>
}

/** What a router's stack is made of. Express 4 and the first versions of 5 leave what matched on the layer. */
export interface Layer {
  match(path: string): boolean | { readonly path: string }
  readonly path?: string | undefined
  readonly route?: ExpressRoute | undefined
  readonly handle: ((...args: unknown[]) => unknown) & { readonly stack?: unknown }
  readonly name: string
  /** Of Express 4. */
  readonly regexp?: (RegExp & { readonly fast_slash?: boolean }) | undefined
  /** Of Express 5: whether it is mounted at the root. */
  readonly slash?: boolean
  /** Of Express 5, since 5.3. */
  readonly rawPath?: unknown
}

export interface Router {
  readonly stack: readonly Layer[]
}

interface App {
  /** Of Express 4. */
  readonly lazyrouter?: unknown
  readonly _router?: Router | undefined
  readonly handle?: unknown
  readonly route?: unknown
  readonly set?: unknown
}

const isFunction = (value: unknown) => typeof value === 'function'

/** Whether a handler is a router. Connect too has a `stack`, of other things. */
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

/** Express 5 makes an app's router when it is first read, by the settings of that moment: too early for those to come. */
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
