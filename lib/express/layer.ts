/** A route of Express: what stands under one path, by method. `_all` is `.all()`. */
export interface ExpressRoute {
  readonly path: unknown
  readonly methods: Readonly<Record<string, boolean | undefined>>
  /** Its handlers, each with the method that it is for; none for `.all()`. */
  readonly stack?: readonly { readonly handle?: unknown; readonly method?: string }[]
}

/** An entry of a router's stack. Express 4 and the first versions of 5 leave on it what matched last. */
export interface Layer {
  match(path: string): boolean | { readonly path: string }
  readonly path?: string | undefined
  readonly route?: ExpressRoute | undefined
  readonly handle: (...args: unknown[]) => unknown
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

/** The routers that a search is already in: one that holds itself would have no end. */
export type Above = readonly Router[]

/** Whether a middleware is mounted at the root: it meets every request. */
export const isAtRoot = ({ slash, regexp }: Layer) => slash === true || regexp?.fast_slash === true

/** The path that a layer is mounted at, as the source has it; undefined where that can't be told. */
export function mountOf(layer: Layer): string | undefined {
  if (isAtRoot(layer)) return ''
  if (typeof layer.rawPath === 'string') return layer.rawPath.replace(/\/+$/, '')
  // Express 4 keeps only the expression that it made.
  const text = /^\^((?:\\[^\w]|[\w/~%!-])+?)\\?\/\?\(\?=\\?\/\|\$\)$/.exec(layer.regexp?.source ?? '')?.[1]
  return text?.replace(/\\(.)/g, '$1')
}

export const layersOf = ({ stack }: Router): readonly Layer[] => stack

/** A router of the layers that stand behind one of them. */
export const routerBehind = ({ stack }: Router, layer: Layer): Router => ({
  stack: stack.slice(stack.indexOf(layer) + 1),
})
