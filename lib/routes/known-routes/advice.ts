import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'
import { debugThrown } from '../../diagnostics/debug.ts'
import { type WarningCode, warn } from '../../diagnostics/warnings.ts'
import { isExpress, routerOf } from '../../express/app.ts'
import { findRoute } from '../../express/find-route.ts'
import type { Router } from '../../express/layer.ts'
import { layerExpressions } from '../../express/layer-expressions.ts'
import { hasAnyRoute } from '../../express/routes-within.ts'
import { isNegated } from '../../match/globs/glob.ts'
import { compilePaths } from '../../match/paths/paths.ts'
import { slowSentence } from '../../options/slow-patterns.ts'
import { unseenHandlers } from './unseen-handlers.ts'

type Patterns = readonly (string | RegExp)[]

/** Paths that no app has: one segment, and several. */
const nobodys = ['/d444-3f9c2a7e', '/d444-3f9c2a7e/b81d/x.d444']

/** The route or pattern that lets every path pass, as it stands in the app's source. */
export function findCatchAll(router: Router | undefined, also: Patterns): string | undefined {
  const isAll = (pattern: string | RegExp) =>
    nobodys.every(compilePaths([pattern], { caseSensitive: false, strict: false }))
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

function look(router: Router | undefined, also: Patterns, isComplete: boolean, say: Say): void {
  if (isComplete && also.length === 0 && !(router && hasAnyRoute(router))) {
    say(
      'DROP444_NO_ROUTE',
      'knownRoutes: the app has no route, so no path passes by it and its pages are dropped. If it answers in middlewares (app.use), list its paths by hand in pathAllowlist',
    )
  }
  const catchAll = findCatchAll(router, also)
  if (catchAll !== undefined) {
    say(
      'DROP444_CATCH_ALL',
      `knownRoutes: ${catchAll} takes every path, so the list keeps nothing out. Answer unknown paths in a middleware (app.use), which is no route`,
    )
  }
  const slow = router && slowSentence('knownRoutes', layerExpressions(router))
  if (slow !== undefined) say('DROP444_SLOW_PATTERN', slow)
  const unseen = router ? unseenHandlers(router, also) : []
  if (unseen.length > 0) {
    const more = unseen.length > 5 ? ` and ${unseen.length - 5} more` : ''
    say(
      'DROP444_UNSEEN_HANDLER',
      `knownRoutes can't see which paths these serve, and drops what the list does not name: ${unseen.slice(0, 5).join(', ')}${more}. Name their paths in "also"`,
    )
  }
}

/** Routes of an app are looked at again and again until a request has come. */
interface Watched {
  /** `isComplete`: the app is as it will serve, so that a list without any route is a mistake. */
  look(isComplete: boolean): void
  /** Whether this listener of a server's requests is the app. */
  is(listener: unknown): boolean
}

/** By weak references: an app that is given up must not stay in memory. */
const watched = new Set<WeakRef<Watched>>()

/** Whether a server that has begun to listen may be one that serves the app, whatever stands between the two. */
const mayServe = (one: Watched, listeners: readonly unknown[]) =>
  listeners.some(one.is) || listeners.some(listener => !isExpress(listener))

function onListen(message: unknown): void {
  const { server } = message as { server: Server }
  // Later, as routes that are added behind `listen()` in the same turn still count.
  setImmediate(() => {
    const listeners = server.listeners('request')
    for (const each of watched) {
      const one = each.deref()
      if (one) one.look(mayServe(one, listeners))
      else watched.delete(each)
    }
  }).unref()
}

function watch(one: Watched): void {
  if (watched.size === 0) subscribe('tracing:net.server.listen:asyncEnd', onListen)
  watched.add(new WeakRef(one))
}

/**
 * Looks at the routes soon after this turn, when the app's file has been read; when a server listens; and at the first request,
 * when routes that had to wait for something (a database) are there too. Returns a function to be called at each request.
 */
export function adviseOnRoutes(app: object, also: Patterns): () => void {
  const said = new Set<string>()
  const say: Say = (code, message) => {
    if (said.has(message)) return
    said.add(message)
    warn(code, message)
  }
  let isDone = false
  const one: Watched = {
    is: listener => listener === app,
    look(isComplete) {
      if (isDone) return
      // Advice is no reason to fail: routers a thousand deep overflow the stack.
      try {
        look(routerOf(app), also, isComplete, say)
      } catch (error) {
        debugThrown('knownRoutes', error)
      }
    },
  }
  watch(one)
  setImmediate(() => one.look(false)).unref()
  return () => {
    if (isDone) return
    one.look(true)
    isDone = true
  }
}
