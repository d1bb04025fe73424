import { asError, isThenable } from './callback.ts'
import { type Trust, trustOf } from './client-address.ts'
import type { Common } from './common-options.ts'
import { dropUnseen, isBehindProxy } from './drop.ts'
import { isHttp2, isResponse, type Next, type Request, type Response } from './http-types.ts'
import { preparePublish } from './publish.ts'
import { stateOf } from './request-state.ts'
import type { Finding } from './rule.ts'
import { forbidStoring, sealCaching } from './wire/caching.ts'
import { clearContent, ignoreBody } from './wire/content.ts'
import { handOffSocket } from './wire/hand-off.ts'
import { plainBody, respond } from './wire/respond.ts'

/** Does what the rule says. True where the request goes on all the same. */
export function act(common: Common, req: Request, res: Response, next: Next, finding: Finding): boolean {
  const answers = common.status !== 444 && !res.headersSent
  const isDryRun = common.dryRun || stateOf(req).isDryRun
  if (!isDryRun && !answers) {
    const { http2, reset, handOff, trustProxy, name } = common
    const { reason, detail } = finding
    dropUnseen(req, { http2, reset, handOff, trustProxy, rule: name, reason, detail, res })
    return false
  }
  const state = stateOf(req)
  if (state.dropped) return false
  const trust = trustOf(req, common.trustProxy)
  const publish = preparePublish(req, trust)
  const verdict = { status: common.status, rule: common.name, reason: finding.reason, detail: finding.detail }
  if (isDryRun) {
    publish({ ...verdict, action: 'dry-run', sentStatus: undefined, bodyBytesSent: 0 })
    return true
  }
  state.told = true
  if (!isResponse(res)) {
    const isSent = !isHttp2(req) && handOffSocket(req, undefined, common.status)
    if (!isSent) req.socket?.destroy()
    const action = isSent ? 'respond' : 'close'
    publish({ ...verdict, action, sentStatus: isSent ? common.status : undefined, bodyBytesSent: 0 })
    return false
  }
  const bodyBytesSent = answer(common, req, res, next, finding, trust)
  publish({ ...verdict, action: 'respond', sentStatus: res.statusCode, bodyBytesSent })
  return false
}

/** Sends the rule's status: by the user's handler, or plain. Returns the length of a plain body in bytes. */
function answer(
  common: Common,
  req: Request,
  res: Response,
  next: Next,
  finding: Finding,
  trust: Trust,
): number {
  if (finding.retryAfter !== undefined) {
    res.setHeader('Retry-After', Math.max(1, Math.ceil(finding.retryAfter / 1000)))
  }
  try {
    if (!common.handler) return respond(res, common.status, plainBody(common.status))
    res.statusCode = common.status
    clearContent(res)
    // A cache of a proxy of ours would give it to everybody; elsewhere the handler may know better.
    if (isBehindProxy(req, trust)) sealCaching(res)
    else forbidStoring(res)
    if (req.method === 'HEAD') ignoreBody(res)
    const result = common.handler(req, res)
    if (isThenable(result))
      Promise.resolve(result).then(undefined, error => next(asError(common.name, error)))
  } catch (error) {
    next(asError(common.name, error))
  }
  return 0
}
