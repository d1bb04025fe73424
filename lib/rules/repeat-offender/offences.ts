import type { Verdict } from '../../events/drop-event.ts'
import { NOTHING_SENT, Reason, reasonSet } from '../../reasons.ts'
import type { Request } from '../../request/http-types.ts'
import type { RequestFacts } from '../../request/request-facts.ts'
import { isCall, isSafe, type Maker, makerOf } from './request-maker.ts'

/** What counts once for a target, and then not for a while. */
export type Once =
  /** A browser repeats by itself what got no answer: once in 10 seconds. */
  | 'once-a-click'
  /** Visitors follow the same dead links: once in a window. */
  | 'once-a-window'

/** How much something counts. */
export type Weight = 'none' | 'each' | Once

/** What is to count beyond the defaults. */
export interface Counted {
  readonly statuses: ReadonlySet<number>
  /** What our own limits refuse. */
  readonly limited: boolean
  /** What pages and browsers ask for, as if the client had. */
  readonly pageRequests: boolean
}

/** Not offences. Counting a banned client's drops would extend its ban for ever; the others are the server's fault, and hit every client. */
const innocent = /* @__PURE__ */ reasonSet(() => [
  Reason.BANNED,
  Reason.OVERLOADED,
  Reason.STORE_DOWN,
  Reason.RULE_ERROR,
])

/** Our own limits: a page with many images reaches them, or many visitors behind one address. */
const limits = /* @__PURE__ */ reasonSet(() => [Reason.RATE_LIMITED, Reason.TOO_MANY_CONNECTIONS])

/** What no browser does, whatever else the request says of itself. */
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

/** Connections that any page can have a browser open: an image of `https://ours:80/`, of another name with our address. */
const pageConnections = /* @__PURE__ */ reasonSet(() => [
  Reason.TLS_ON_PLAIN_PORT,
  Reason.NO_SERVER_NAME,
  Reason.UNKNOWN_SERVER_NAME,
  Reason.UNKNOWN_PROTOCOL,
  Reason.TLS_VERSION,
  Reason.TLS_ERROR,
  // A long address is enough, and over HTTP/2 it is a protocol error from Node 22 on.
  Reason.HEADER_TOO_LARGE,
  Reason.HTTP2_ERROR,
])

/** What a connection counts on which there was no request. */
export function weighConnection(
  { action, reason, detail }: Verdict,
  { method }: RequestFacts,
  counted: Counted,
): Weight {
  if (action === 'dry-run' || innocent.has(reason) || detail === NOTHING_SENT) return 'none'
  if (limits.has(reason)) return counted.limited ? 'each' : 'none'
  // Of rubbish no method can be read.
  const isPages = pageConnections.has(reason) || (reason === Reason.NOT_TLS && method !== '')
  return isPages && !counted.pageRequests ? 'none' : 'each'
}

/** What a verdict on a request counts. */
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

/** What an answer of the app counts. */
export function weighAnswer(status: number, req: Request, counted: Counted): Weight {
  if (!counted.statuses.has(status)) return 'none'
  return weigh(counted.pageRequests ? 'client' : makerOf(req), req, status)
}

/** @param status what was answered; undefined: it was dropped */
function weigh(maker: Maker, req: Request, status: number | undefined): Weight {
  switch (maker) {
    case 'foreign-page':
      return 'none'
    case 'page':
      // A form that is sent by a script tries passwords like any other.
      return !isSafe(req) && (status === 401 || status === 403) ? 'each' : 'none'
    case 'visit':
      return status === 401 && !isCall(req) ? 'each' : 'once-a-window'
    default:
      return status === undefined && req.method === 'GET' ? 'once-a-click' : 'each'
  }
}
