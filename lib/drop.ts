import { reportError } from './diagnostics/report-error.ts'
import { type DropAction, makeVerdict } from './events/drop-event.ts'
import { preparePublish } from './events/publish.ts'
import { Reason } from './reasons.ts'
import { keepPeers } from './request/accepted.ts'
import { isTrustedPeer, trustOf } from './request/client-address.ts'
import {
  framework,
  isGone,
  isHttp2,
  isHttp2Response,
  isResponse,
  type Request,
  type Response,
} from './request/http-types.ts'
import { stateOf } from './request/request-state.ts'
import { compileTrust, type Trust } from './request/trust.ts'
import { responseOf } from './runtime/raw-socket.ts'
import type { DropHow } from './wire/drop-how.ts'
import { handOff, handOffSocket, handOffStream } from './wire/hand-off.ts'
import { closeHttp1, isPending } from './wire/http1.ts'
import { closeHttp2, DEFAULT_DROPS } from './wire/http2.ts'

keepPeers()

/** Options of {@link drop}. */
export interface DropInfo extends DropHow {
  /** The response. Found by itself in Express, behind any rule of this package, and on HTTP/1 when it is its turn. */
  res?: Response | undefined
  /** The name in log and event; default `drop`. */
  rule?: string | undefined
  /** Why, for log and event. Default `drop`. */
  reason?: string | undefined
  /** What matched, for log and event. Default: nothing. */
  detail?: string | undefined
}

/**
 * Closes the connection of a request with no byte sent back, as nginx's `return 444`, and publishes one event.
 *
 * - HTTP/1: responses to earlier pipelined requests arrive whole; later requests never run.
 * - HTTP/2: see {@link DropHow.http2}.
 * - A trusted proxy in front is told instead (hand-off): closing its connection would hurt every visitor.
 *
 * Idempotent, and never throws for what the client did. Without `res` a bare handler's pipelined request can't wait for
 * earlier responses, and on HTTP/2 loggers of responses print no 444.
 *
 * @example
 * app.get('/.env', req => drop(req, { rule: 'honeypot', reason: 'asked for .env' }))
 *
 * @throws TypeError if `req` is no request, or `trustProxy` is malformed
 */
export function drop(req: Request, options?: DropInfo): void {
  const info = options ?? {}
  if (!isRequest(req)) {
    throw new TypeError('drop: the first argument must be a request')
  }
  end(req, info, 'given')
}

function isRequest(req: unknown): boolean {
  try {
    return typeof req === 'object' && req !== null && 'headers' in req
  } catch {
    return false
  }
}

/** As {@link drop}, for a request that no app has seen: nobody else writes to its response. */
export function dropUnseen(req: Request, info: DropInfo): void {
  end(req, info, 'unseen')
}

/**
 * As {@link drop}, for a request that the app is at work on: its response is the app's, which may still set a header on it,
 * and would fail if we had written a head.
 */
export function dropRunning(req: Request, info: DropInfo): void {
  end(req, info, 'running')
}

/** Whose the request is: nobody's but the rules', whoever called `drop`, or an app's that is at work on it. */
type Holder = 'unseen' | 'given' | 'running'

function end(req: Request, info: DropInfo, holder: Holder): void {
  const state = stateOf(req)
  if (state.dropped) return
  // A getter that throws does so before anything is done.
  const { http2, reset, handOff, rule = 'drop', reason = Reason.DROP, detail } = info
  const trust = trustOf(req, info.trustProxy === undefined ? undefined : compileTrust(info.trustProxy))
  const given = info.res ?? framework(req).res ?? state.res ?? (isHttp2(req) ? undefined : responseOf(req))
  state.dropped = true
  const res = isResponse(given) ? given : undefined
  const publish = preparePublish(req, trust)
  const isRunning = holder === 'running'
  const isUnseen = holder === 'unseen'
  const how = { http2, reset, handOff, isBehindProxy: isBehindProxy(req, trust), isRunning, isUnseen }
  const { action, sentStatus } = close(req, res, how)
  if (state.eventPublished) return
  state.eventPublished = true
  publish(makeVerdict(rule, { reason, detail }, action, sentStatus))
}

/** Where the trust function throws we can't know, and close: a proxy of ours would then suffer, an attacker gains nothing. */
export function isBehindProxy(req: Request, trust: Trust): boolean {
  try {
    return isTrustedPeer(req, trust)
  } catch (error) {
    reportError('the trust function', error)
    return false
  }
}

/** Whether a response of HTTP/1 has to wait for those of earlier requests: nothing of it was sent then. */
const isWaiting = (res: Response) => !isHttp2Response(res) && isPending(res)

interface Ending {
  readonly action: DropAction
  readonly sentStatus: number | undefined
}

interface How extends DropHow {
  readonly isBehindProxy: boolean
  readonly isRunning: boolean
  readonly isUnseen: boolean
}

/** Answers a trusted proxy; undefined where it can't be answered. */
function answerTrusted(
  req: Request,
  res: Response | undefined,
  how: How,
  started: number | undefined,
): Ending | undefined {
  if (started === undefined && !isGone(req)) {
    const code = (how.handOff ?? 444) as number
    if (answerProxy(req, res, code, how.isRunning)) return { action: 'hand-off', sentStatus: code }
  }
  // The answer is with the proxy, and the connection somebody else's by now.
  const isOver = res?.writableEnded === true && !how.isRunning
  return isOver ? { action: 'respond', sentStatus: started } : undefined
}

/** The one place that decides how a connection ends. */
function close(req: Request, res: Response | undefined, how: How): Ending {
  const started = res?.headersSent && !isWaiting(res) ? res.statusCode : undefined
  const answersProxy = how.isBehindProxy && how.handOff !== 'close'
  const answered = answersProxy ? answerTrusted(req, res, how, started) : undefined
  if (answered) return answered
  // What is not given can't be marked, nor waited for: a request that runs has its turn.
  const given = how.isRunning ? undefined : res
  const reset = how.reset === true
  if (!isHttp2(req)) {
    const http1 = given && !isHttp2Response(given) ? given : undefined
    return { action: closeHttp1(req, http1, reset), sentStatus: started }
  }
  // Over one connection of a proxy come the requests of many people: only this one's stream may end.
  const mode = answersProxy ? 'stream' : (how.http2 ?? (reset ? 'destroy' : DEFAULT_DROPS))
  const http2 = given && isHttp2Response(given) ? given : undefined
  const { isUnseen } = how
  return { action: closeHttp2(req, http2, { mode, reset, isUnseen }), sentStatus: started }
}

/** False where the proxy can't be answered: then its connection ends, as the request must not hang. */
function answerProxy(req: Request, res: Response | undefined, code: number, isRunning: boolean): boolean {
  const answerWithoutResponse = (isUnsent = false) =>
    isHttp2(req) ? handOffStream(req, res, code) : handOffSocket(req, res, code, isUnsent)
  if (!res || isRunning) return answerWithoutResponse()
  if (res.writableEnded || res.destroyed) return false
  handOff(req, res, code, (error, isUnsent) => {
    reportError('a hook on the response', error)
    if (!answerWithoutResponse(isUnsent)) req.socket?.destroy()
  })
  return true
}
