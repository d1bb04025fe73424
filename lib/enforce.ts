import { onRejection } from './diagnostics/thenable.ts'
import { dropUnseen, isBehindProxy } from './drop.ts'
import { makeVerdict } from './events/drop-event.ts'
import { preparePublish } from './events/publish.ts'
import type { Common } from './options/common-options.ts'
import type { Finding } from './reasons.ts'
import { trustOf } from './request/client-address.ts'
import { isGone, isHttp2, isResponse, type Request, type Response } from './request/http-types.ts'
import { stateOf } from './request/request-state.ts'
import type { Trust } from './request/trust.ts'
import { forbidStoring, sealCaching } from './wire/caching.ts'
import { clearContent, ignoreBody } from './wire/content.ts'
import { handOffSocket } from './wire/hand-off.ts'
import { plainBody, respond } from './wire/respond.ts'

type Fail = (error: unknown) => void

/**
 * Drops the request, answers it, or only publishes the finding, as the rule says. True where the request goes on.
 *
 * @param fail gives what the user's handler throws to the app
 */
export function enforce(common: Common, req: Request, res: Response, fail: Fail, finding: Finding): boolean {
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
  const { name, status } = common
  if (isDryRun) {
    publish(makeVerdict(name, finding, 'dry-run', undefined, status))
    return true
  }
  state.eventPublished = true
  if (!isResponse(res)) {
    const isSent = !isHttp2(req) && handOffSocket(req, undefined, status)
    if (!isSent) req.socket?.destroy()
    publish(makeVerdict(name, finding, isSent ? 'respond' : 'close', isSent ? status : undefined, status))
    return false
  }
  const wasGone = isGone(req)
  let bodyBytesSent = 0
  try {
    // A handler may have more to do than to answer.
    if (!wasGone || common.handler) bodyBytesSent = answer(common, req, res, fail, finding, trust)
  } finally {
    publish(
      wasGone
        ? makeVerdict(name, finding, isHttp2(req) ? 'reset' : 'close', undefined, status)
        : makeVerdict(name, finding, 'respond', res.statusCode, status, bodyBytesSent),
    )
  }
  return false
}

/** Sends the rule's status: by the user's handler, or plain. Returns the length of a plain body in bytes. */
function answer(
  common: Common,
  req: Request,
  res: Response,
  fail: Fail,
  finding: Finding,
  trust: Trust,
): number {
  if (finding.retryAfter !== undefined) {
    res.setHeader('Retry-After', Math.max(1, Math.ceil(finding.retryAfter / 1000)))
  }
  let result: unknown
  try {
    if (!common.handler) return respond(res, common.status, plainBody(common.status))
    res.statusCode = common.status
    clearContent(res)
    // A cache of a proxy of ours would give it to everybody; elsewhere the handler may know better.
    if (isBehindProxy(req, trust)) sealCaching(res)
    else forbidStoring(res)
    if (req.method === 'HEAD') ignoreBody(res)
    result = common.handler(req, res)
  } catch (error) {
    fail(error)
    return 0
  }
  onRejection(result, fail)
  return 0
}
