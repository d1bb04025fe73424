import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as NetServer } from 'node:net'
import { framework, isHttp2, type Request } from '../http-types.ts'
import { unwrap } from '../routes/unwrap.ts'
import type { Rule } from '../rule.ts'

/*
 * Node answers an HTTP/1.1 request without Host (RFC 9112 3.2) with 400 before any handler runs, unless the server's
 * `requireHostHeader` is false. A middleware does not know its server. But a diagnostics channel tells of each request
 * just before that check: time to see whether the server's app holds one of our rules, and if so to let the app judge.
 * Servers whose app has no such rule are not touched.
 */

interface HostRule {
  readonly rule: Rule
  readonly dryRun: boolean
}

/** By the middleware that is mounted: the rule itself, or a chain that holds it. */
const hostRules = new WeakMap<object, HostRule>()
let watching = false

/** Has requests without Host reach this rule, in the servers whose app mounts it (or `mounted`) at the root. */
export function watchMissingHost(rule: Rule, dryRun: boolean, mounted: Rule = rule): void {
  hostRules.set(mounted, { rule, dryRun })
  if (watching) return
  watching = true
  subscribe('http.server.request.start', message => onRequestStart(message as RequestStart))
}

interface RequestStart {
  request: IncomingMessage
  response: ServerResponse
  server: Server & { requireHostHeader?: boolean }
}

function onRequestStart({ request, response, server }: RequestStart): void {
  if (request.headers.host !== undefined || !server.requireHostHeader || request.httpVersion !== '1.1') return
  const found = findHostRule(server)
  // In a dry run: judge and log; the answer stays Node's.
  if (found?.dryRun) found.rule(request, response, () => {})
  else if (found) server.requireHostHeader = false
}

function findHostRule(server: NetServer): HostRule | undefined {
  for (const app of server.listeners('request')) {
    const found = findRule(app, 5)
    if (found) return found
  }
  return undefined
}

/** Whether one of these rules, or of those that the server's app mounts, has its say on requests without Host. */
export function judgesMissingHost(server: NetServer, rules: readonly Rule[]): boolean {
  return rules.some(rule => hostRules.get(rule)?.dryRun === false) || findHostRule(server)?.dryRun === false
}

/** The first rule of ours that is mounted at the root of an Express or Connect app, or of a router there. */
function findRule(handle: unknown, depth: number): HostRule | undefined {
  if (typeof handle !== 'function') return undefined
  const inner = unwrap(handle)
  const known = hostRules.get(inner)
  if (known || depth === 0) return known
  for (const layer of stackOf(inner)) {
    const found = isRoot(layer) ? findRule(layer.handle, depth - 1) : undefined
    if (found) return found
  }
  return undefined
}

/** A layer of Express 4 (`regexp`), Express 5 (`slash`) or Connect (`route`). */
interface Layer {
  handle?: unknown
  regexp?: { fast_slash?: boolean }
  slash?: boolean
  route?: unknown
}

function isRoot(layer: Layer): boolean {
  return layer.regexp?.fast_slash === true || layer.slash === true || layer.route === ''
}

interface Routing {
  stack?: Layer[]
  _router?: { stack: Layer[] }
  router?: { stack: Layer[] }
}

function stackOf(handler: object): readonly Layer[] {
  const app = handler as Routing
  try {
    // In this order: the getter `router` of Express 4 throws.
    const stack = app.stack ?? app._router?.stack ?? app.router?.stack
    return Array.isArray(stack) ? stack : []
  } catch {
    return []
  }
}

/** For apps that can't be looked into: from the first request that a rule at the root judges, its server is known. */
export function learnServer(req: Request): void {
  if (isHttp2(req)) return
  const { server } = req.socket as typeof req.socket & { server?: { requireHostHeader?: boolean } }
  if (!server?.requireHostHeader) return
  const { originalUrl = req.url, baseUrl = '' } = framework(req)
  if (baseUrl === '' && originalUrl === req.url) server.requireHostHeader = false
}
