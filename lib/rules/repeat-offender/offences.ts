import type { Verdict } from '../../events/drop-event.ts'
import { NOTHING_SENT, Reason, reasonSet } from '../../reasons.ts'
import type { Request } from '../../request/http-types.ts'
import type { RequestFacts } from '../../request/request-facts.ts'
import { isCall, isSafe, type Maker, makerOf } from './request-maker.ts'

/** An offence that counts once for each target within some time. */
export type Once =
  /** Once in 10 seconds, because a browser repeats a request that got no answer. */
  | 'once-a-click'
  /** Once in a window, because visitors follow the same dead link again. */
  | 'once-a-window'

/** How a request or connection counts. */
export type Weight = 'none' | 'each' | Once

/** The options that decide what counts as an offence. */
export interface Counted {
  readonly statuses: ReadonlySet<number>
  /** Whether requests that our own limits refuse count. */
  readonly limited: boolean
  /** Whether requests that pages and browsers make count as the client's own. */
  readonly pageRequests: boolean
}

/** Not offences. Counting a banned client's drops would extend its ban for ever; the others are the server's fault, and hit every client. */
const innocent = /* @__PURE__ */ reasonSet(() => [
  Reason.BANNED,
  Reason.OVERLOADED,
  Reason.STORE_DOWN,
  Reason.RULE_ERROR,
])

/** Refusals by our own limits. A page with many images reaches a limit, and so do many visitors behind one address. */
const limits = /* @__PURE__ */ reasonSet(() => [Reason.RATE_LIMITED, Reason.TOO_MANY_CONNECTIONS])

/** Faults that no browser makes, so they count even if the headers look like a browser's. */
const machines = /* @__PURE__ */ reasonSet(() => [
  Reason.NO_HOST,
  Reason.EMPTY_HOST,
  Reason.DUPLICATE_HOST,
  Reason.BAD_AGENT,
  Reason.EMPTY_AGENT,
  Reason.INVALID_METHOD,
  Reason.INVALID_TARGET,
  Reason.INVALID_VERSION,
  Reason.INVALID_HEADER,
  Reason.INVALID_CONTENT_LENGTH,
  Reason.INVALID_TRANSFER_ENCODING,
  Reason.INVALID_CHUNK,
  Reason.MALFORMED_REQUEST,
  Reason.ASTERISK_TARGET,
  Reason.CONNECT_METHOD,
  Reason.UNKNOWN_EXPECTATION,
])

/** Faults that any page can make a browser commit, with an image at `https://ours:80/` or at another name for our address. */
const pageConnections = /* @__PURE__ */ reasonSet(() => [
  Reason.TLS_ON_PLAIN_PORT,
  Reason.NO_SERVER_NAME,
  Reason.UNKNOWN_SERVER_NAME,
  Reason.UNKNOWN_PROTOCOL,
  Reason.TLS_VERSION,
  Reason.TLS_ERROR,
  // A long URL is enough. Over HTTP/2 it is a protocol error from Node 22 on.
  Reason.HEADER_TOO_LARGE,
  Reason.HTTP2_ERROR,
])

/** How a verdict on a connection without a request counts. */
export function weighConnection(
  { action, reason, detail }: Verdict,
  { method }: RequestFacts,
  counted: Counted,
): Weight {
  if (action === 'dry-run' || innocent.has(reason) || detail === NOTHING_SENT) return 'none'
  if (limits.has(reason)) return counted.limited ? 'each' : 'none'
  // NOT_TLS with a method is a plain HTTP request, which a page can cause; without one it is rubbish.
  const isPages = pageConnections.has(reason) || (reason === Reason.NOT_TLS && method !== '')
  return isPages && !counted.pageRequests ? 'none' : 'each'
}

/** How a verdict on a request counts. */
export function weighVerdict(verdict: Verdict, req: Request, counted: Counted): Weight {
  const { action, reason, sentStatus } = verdict
  if (action === 'dry-run' || innocent.has(reason)) return 'none'
  const isLimit = limits.has(reason)
  if (isLimit && !counted.limited) return 'none'
  const isAnswer = action === 'respond'
  if (isAnswer && !isLimit && (sentStatus === undefined || !counted.statuses.has(sentStatus))) return 'none'
  if (machines.has(reason)) return 'each'
  const maker = counted.pageRequests ? 'client' : makerOf(req)
  return weigh(maker, req, isAnswer ? sentStatus : undefined)
}

/** How an answer of the app counts. */
export function weighAnswer(status: number, req: Request, counted: Counted): Weight {
  if (!counted.statuses.has(status)) return 'none'
  return weigh(counted.pageRequests ? 'client' : makerOf(req), req, status)
}

/** @param status the status of the answer; undefined if the request was dropped */
function weigh(maker: Maker, req: Request, status: number | undefined): Weight {
  switch (maker) {
    case 'foreign-page':
      return 'none'
    case 'page':
      // A script on our page may submit the login form, so a failed login counts like any other.
      return !isSafe(req) && (status === 401 || status === 403) ? 'each' : 'none'
    case 'visit':
      return status === 401 && !isCall(req) ? 'each' : 'once-a-window'
    default:
      return status === undefined && req.method === 'GET' ? 'once-a-click' : 'each'
  }
}
