import type { Layer } from './layer.ts'

/** Where the RegExps that a search asks stood before it. */
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

/** Asks a layer about a path, and leaves its RegExps as if nobody had asked. */
export function askOnce(layer: Layer, path: string): Matched | 'failed' {
  const search: Search = {}
  const matched = ask(layer, path, search)
  restorePositions(search)
  return matched
}

/** Express uses a RegExp as it was given, and one with `g` or `y` goes on from where it was. */
function keepPositions(path: unknown, search: Search): void {
  if (Array.isArray(path)) for (const each of path) keepPositions(each, search)
  else if (path instanceof RegExp && (path.global || path.sticky)) {
    search.positions ??= new Map()
    if (!search.positions.has(path)) search.positions.set(path, path.lastIndex)
  }
}

/** Sets the RegExps back to where they stood before the search, for Express's own. */
export function restorePositions({ positions }: Search): void {
  positions?.forEach((position, expression) => {
    expression.lastIndex = position
  })
}
