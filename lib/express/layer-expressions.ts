import { innerRouter } from './app.ts'
import type { Above, Layer, Router } from './layer.ts'

/** A RegExp that requests are matched by, and how its route was written where that is known. */
interface LayerExpression {
  readonly expression: RegExp
  readonly shown?: string | undefined
}

/** The RegExps by which a layer matches: Express 4's own, made of the path; in Express 5 those that it was given. */
function expressionsOf({ regexp, rawPath, route }: Layer): LayerExpression[] {
  const given = [route?.path ?? rawPath].flat()
  if (regexp) {
    // A mount path is not kept.
    const shown = given.includes(undefined) ? undefined : given.join(', ')
    return [{ expression: regexp, shown }]
  }
  return given.filter(each => each instanceof RegExp).map(expression => ({ expression }))
}

/** The RegExps of all layers of a router, and of those in routers within it. */
export function layerExpressions(router: Router, above: Above = []): LayerExpression[] {
  if (above.includes(router)) return []
  return router.stack.flatMap(layer => {
    const inner = innerRouter(layer)
    return [...expressionsOf(layer), ...(inner ? layerExpressions(inner, [...above, router]) : [])]
  })
}
