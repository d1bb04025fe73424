import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as NetServer } from 'node:net'
import type { Asked } from '../express/handlers-on-the-way.ts'
import type { Rule } from '../judgement.ts'
import { framework, isHttp2, type Request } from '../request/http-types.ts'
import { stateOf } from '../request/request-state.ts'
import { shared } from '../runtime/copies.ts'
import { answerAsNodeUnless } from '../wire/as-node.ts'
import { hostRuleOf, type MountedHostRule, rulesOnTheWay } from './host-rules.ts'

/*
 * Node answers an HTTP/1.1 request without Host (RFC 9112 3.2) with 400 before any handler runs, unless the server's
 * `requireHostHeader` is false. A middleware does not know its server. But a diagnostics channel publishes each request just
 * before that check: there we look whether the server's app has one of our rules on the way of the request, and if so let the
 * app judge. A rule at the root judges every request, so the setting of its server is changed for good. For a rule
 * elsewhere it is changed for that request alone, and what the rule does not meet is answered as Node does.
 */

const REQUEST_START = 'http.server.request.start'

type HostServer = Server & { requireHostHeader?: boolean }

interface RequestStart {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: HostServer
}

/** Whether a copy of this package watches, and for all copies: */
const watch = /* @__PURE__ */ shared('missing-host', () => ({
  isOn: false,
  /** servers whose app can't be looked into, but has such a rule; */
  learned: new WeakSet<object>(),
  /** requests that Node has passed on for a rule's sake, until one has met them. */
  waiting: new WeakSet<object>(),
}))

/** Makes requests without Host reach the rules of this kind on their way. */
export function watchMissingHost(): void {
  if (watch.isOn) return
  watch.isOn = true
  subscribe(REQUEST_START, message => onRequestStart(message as RequestStart))
}

/** The server whose check is off for the request that is being parsed. */
let unchecked: HostServer | undefined

function restoreCheck(): void {
  if (unchecked) unchecked.requireHostHeader = true
  unchecked = undefined
}

function onRequestStart({ request, response, server }: RequestStart): void {
  restoreCheck()
  if (!isRefused({ request, response, server })) return
  const rules = rulesOf(server, request)
  const enforced = rules.filter(({ dryRun }) => !dryRun)
  if (enforced.some(({ isAtRoot }) => isAtRoot)) server.requireHostHeader = false
  else if (enforced.length > 0 || watch.learned.has(server)) letIn(server, request, response)
  // In a dry run: judge and log; the answer stays Node's.
  else for (const { rule } of rules) rule(request, response, () => {})
}

/**
 * Has requests without Host judged that Node refuses with 400, for a server in a dry run.
 *
 * @returns what ends that
 */
export function watchRefusedHosts(
  server: HostServer | NetServer,
  judge: (request: IncomingMessage, response: ServerResponse, goOn: () => void) => void,
): () => void {
  // Subscribed first, so that requests that Node will not refuse are let in before this looks.
  watchMissingHost()
  const onStart = (message: unknown) => {
    const start = message as RequestStart
    if (start.server === server && isRefused(start)) judge(start.request, start.response, () => {})
  }
  subscribe(REQUEST_START, onStart)
  return () => void unsubscribe(REQUEST_START, onStart)
}

const isRefused = ({ request, server }: RequestStart) =>
  request.headers.host === undefined && server.requireHostHeader === true && request.httpVersion === '1.1'

function letIn(server: HostServer, request: IncomingMessage, response: ServerResponse): void {
  // Node would say `100 Continue` first.
  if (request.headers.expect !== undefined) return
  server.requireHostHeader = false
  unchecked = server
  // Requests of other connections come in later turns, those behind it in the packet are announced first.
  process.nextTick(restoreCheck)
  watch.waiting.add(request)
  answerAsNodeUnless(response, () => !watch.waiting.has(request) || stateOf(request).dropped)
}

function rulesOf(server: NetServer, asked?: Asked): MountedHostRule[] {
  return server.listeners('request').flatMap(app => rulesOnTheWay(app, asked))
}

/** Whether one of these rules, or of those at the root of the server's app, judges requests without Host, and not in a dry run. */
export function judgesMissingHost(server: NetServer, rules: readonly Rule[]): boolean {
  return (
    rules.some(rule => hostRuleOf(rule)?.dryRun === false) || rulesOf(server).some(({ dryRun }) => !dryRun)
  )
}

/**
 * To be called with each request that a rule of this kind meets. A server whose app can't be looked into is learned from the
 * first request that was met at the root.
 */
export function meetHost(req: Request, dryRun: boolean): void {
  if (isHttp2(req) || req.httpVersion !== '1.1') return
  if (req.headers.host === undefined) watch.waiting.delete(req)
  if (dryRun) return
  const { server } = req.socket as typeof req.socket & { server?: HostServer }
  if (!server?.requireHostHeader || watch.learned.has(server)) return
  const { originalUrl = req.url, baseUrl = '', route } = framework(req)
  if (baseUrl === '' && originalUrl === req.url && route === undefined) watch.learned.add(server)
}
