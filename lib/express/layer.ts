import type { Layer } from './internals.ts'

/** Where the RegExps stood that a search has asked. */
export interface Search {
  positions?: Map<RegExp, number> | undefined
}

export type Matched = ReturnType<Layer['match']>

/** Asks a layer about a path. A parameter that can't be decoded ends a search: Express answers 400. */
export function ask(layer: Layer, path: string, search: Search): Matched | 'failed' {
  const { rawPath = layer.regexp ?? layer.route?.path } = layer
  if (typeof rawPath === 'object') keepPositions(rawPath, search)
  try {
    return layer.match(path)
  } catch {
    return 'failed'
  }
}

/** Express hands on a RegExp as it is, and with `g` or `y` that remembers where it was. */
function keepPositions(path: unknown, search: Search): void {
  if (Array.isArray(path)) for (const each of path) keepPositions(each, search)
  else if (path instanceof RegExp && (path.global || path.sticky)) {
    search.positions ??= new Map()
    if (!search.positions.has(path)) search.positions.set(path, path.lastIndex)
  }
}

/** For Express to find them as if nobody had asked. */
export function restorePositions({ positions }: Search): void {
  positions?.forEach((position, expression) => {
    expression.lastIndex = position
  })
}
