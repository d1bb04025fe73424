import { innerRouter } from './app.ts'
import { type Above, mountOf, type Router } from './layer.ts'

/** A path without its wildcards. Parameters and optional parts stay as text, so that a mount path in front of it still matches. */
const plain = (path: string) => path.replace(/[{}()?*+\\]/g, '')

/** The paths of a router's routes, and of those in routers within it, as far as they are text. */
export function routePaths(router: Router, base = '', above: Above = []): string[] {
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

/** Whether a router, or one within it, has a route. */
export function hasAnyRoute(router: Router, above: Above = []): boolean {
  if (above.includes(router)) return false
  return router.stack.some(layer => {
    const inner = layer.route ? undefined : innerRouter(layer)
    return layer.route !== undefined || (inner && hasAnyRoute(inner, [...above, router]))
  })
}
