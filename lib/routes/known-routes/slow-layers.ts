import { innerRouter, type Layer, type Router } from '../../express/internals.ts'
import type { UserPattern } from '../../options/slow-patterns.ts'

/** The RegExps by which a layer matches: of Express 4 the one that it made, of Express 5 those that were given to it. */
function expressionsOf({ regexp, rawPath, route }: Layer): UserPattern[] {
  const given = [route?.path ?? rawPath].flat()
  if (regexp) {
    // A mount path is not kept.
    const shown = given.includes(undefined) ? undefined : given.join(', ')
    return [{ expression: regexp, shown }]
  }
  return given.filter(each => each instanceof RegExp).map(expression => ({ expression }))
}

/** The RegExps of all layers of a router and of those in it. */
export function layerExpressions(router: Router, above: readonly Router[] = []): UserPattern[] {
  if (above.includes(router)) return []
  return router.stack.flatMap(layer => {
    const inner = innerRouter(layer)
    return [...expressionsOf(layer), ...(inner ? layerExpressions(inner, [...above, router]) : [])]
  })
}
