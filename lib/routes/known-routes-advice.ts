import { debugError } from '../debug.ts'
import { splitNegation } from '../match/glob.ts'
import { compilePaths } from '../match/path-patterns.ts'
import { type WarningCode, warn } from '../warnings.ts'
import type { Router } from './express-internals.ts'
import { findRoute } from './express-walk.ts'
import { unseenHandlers } from './unseen-handlers.ts'

type Patterns = readonly (string | RegExp)[]

/** Paths that no app has: one segment, and several. */
const nobodys = ['/d444-3f9c2a7e', '/d444-3f9c2a7e/b81d/x.d444']

/** The route or pattern that lets every path pass, as a reader of the app's source would know it. */
export function findCatchAll(router: Router | undefined, also: Patterns): string | undefined {
  const isAll = (pattern: string | RegExp) =>
    nobodys.every(compilePaths([pattern], { caseSensitive: false, strict: false }))
  const isNegated = (pattern: string | RegExp) =>
    typeof pattern === 'string' && splitNegation(pattern).negated
  const named = also.find(pattern => !isNegated(pattern) && isAll(pattern))
  if (named !== undefined) return `${named} in "also"`
  if (!router) return undefined
  for (const method of ['GET', 'POST']) {
    const routes = nobodys.map(url => findRoute(router, method, url, true))
    if (routes.every(route => route)) return `the route ${method} ${routes.at(-1)?.path}`
  }
  return undefined
}

type Say = (code: WarningCode, message: string) => void

function look(router: Router | undefined, also: Patterns, say: Say): void {
  const catchAll = findCatchAll(router, also)
  if (catchAll !== undefined) {
    say(
      'DROP444_CATCH_ALL',
      `knownRoutes: ${catchAll} takes every path, so the list keeps nothing out. Answer unknown paths in a middleware (app.use), which is no route`,
    )
  }
  const unseen = router ? unseenHandlers(router, also) : []
  if (unseen.length > 0) {
    const more = unseen.length > 5 ? ` and ${unseen.length - 5} more` : ''
    say(
      'DROP444_UNSEEN_HANDLER',
      `knownRoutes can't see which paths these serve, and drops what the list does not name: ${unseen.slice(0, 5).join(', ')}${more}. Name their paths in "also"`,
    )
  }
}

/**
 * Looks at the routes twice: some moments from now, when the app's file has been read, and at the first request, when those
 * that had to wait for something (a database) are there too. Call what it returns at each request.
 */
export function adviseOnRoutes(routerNow: () => Router | undefined, also: Patterns): () => void {
  const said = new Set<string>()
  const say: Say = (code, message) => {
    if (said.has(message)) return
    said.add(message)
    warn(code, message)
  }
  // Advice is no reason to fail: routers a thousand deep overflow the stack.
  const lookSafely = () => {
    try {
      look(routerNow(), also, say)
    } catch (error) {
      debugError('knownRoutes: %O', error)
    }
  }
  setImmediate(lookSafely).unref()
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    lookSafely()
  }
}
