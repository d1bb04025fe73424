import { show } from '../diagnostics/show.ts'
import { type Address, standsFor } from '../match/addresses/address.ts'
import type { Peer } from '../request/peer-address.ts'
import type { RequestFacts } from '../request/request-facts.ts'

/** The `peerAddress` of a client that left before its address could be read (RFC 7239 6.2). */
export const UNKNOWN_PEER = 'unknown'

/** What was done with a request. */
export type DropAction =
  /** The connection was closed (FIN; the kernel's RST if a body was left unread). */
  | 'close'
  /** The connection was reset (RST); on HTTP/2 the stream was. */
  | 'reset'
  /** HTTP/2: the stream was reset, and the connection ends. */
  | 'goaway'
  /** A trusted proxy got a status code, and does the dropping. */
  | 'hand-off'
  /** A status code was sent instead. */
  | 'respond'
  /** Nothing was done: a dry run. */
  | 'dry-run'

/** One dropped request. The object is frozen, and the same for every subscriber. A missing value is `undefined`. */
export interface DropEvent extends RequestFacts {
  /** The time of the drop, in milliseconds since the epoch. */
  readonly time: number
  /** 444, or the rule's `status`. */
  readonly status: number
  /** The code that the client or the trusted proxy was sent; undefined if nothing was sent. */
  readonly sentStatus: number | undefined
  /** What was done with the connection or the request. */
  readonly action: DropAction
  /** The rule's name, `drop` if none was given. */
  readonly rule: string
  /** One of {@link Reason}, or a reason of the user's own. */
  readonly reason: string
  /** The entry or pattern that matched, or the value that matched none. */
  readonly detail: string | undefined
  /** Bytes of the body that was sent (nginx `$body_bytes_sent`). Above 0 only for an answer with `status`. */
  readonly bodyBytesSent: number
  /** The address of the client. If a NAT64 translator shows it as `64:ff9b::a.b.c.d` (RFC 6052), it is `a.b.c.d`. */
  readonly clientAddress: string | undefined
  /** The address that connected, as the kernel has it. A unix-domain socket has none. `'unknown'`: the client left before it was read. */
  readonly peerAddress: string | undefined
}

/** The fields of an event that do not come from the request. */
export type Verdict = Pick<
  DropEvent,
  'status' | 'sentStatus' | 'action' | 'rule' | 'reason' | 'detail' | 'bodyBytesSent'
>

/**
 * Makes a verdict. Each is made here, so that all objects have one shape.
 *
 * @param sentStatus the code that was sent; undefined for silence
 * @param status 444, or the status that the rule answers with
 */
export function makeVerdict(
  rule: string,
  finding: { readonly reason: string; readonly detail?: string | undefined },
  action: DropAction,
  sentStatus?: number,
  status = 444,
  bodyBytesSent = 0,
): Verdict {
  return { status, sentStatus, action, rule, reason: finding.reason, detail: finding.detail, bodyBytesSent }
}

/** The `peerAddress` of an event. A unix-domain socket has no address, so it is undefined. */
export function peerText(peer: Peer | undefined): string | undefined {
  return peer?.isUnix ? undefined : (peer?.address?.text ?? UNKNOWN_PEER)
}

/** JavaScript may pass `drop` any value. Subscribers get a string. */
const textOf = (value: unknown) => (typeof value === 'string' ? value : show(value))

/** Makes an event. The addresses are arguments, as they can be read only while the connection is open. */
export function makeEvent(
  facts: RequestFacts,
  verdict: Verdict,
  client: Address | undefined,
  peer: string | undefined,
): DropEvent {
  return Object.freeze({
    time: Date.now(),
    status: verdict.status,
    sentStatus: verdict.sentStatus,
    action: verdict.action,
    rule: textOf(verdict.rule),
    reason: textOf(verdict.reason),
    detail: verdict.detail === undefined ? undefined : textOf(verdict.detail),
    bodyBytesSent: verdict.bodyBytesSent,
    clientAddress: client && standsFor(client).text,
    peerAddress: peer,
    remoteUser: facts.remoteUser,
    method: facts.method,
    url: facts.url,
    httpVersion: facts.httpVersion,
    host: facts.host,
    referer: facts.referer,
    userAgent: facts.userAgent,
    requestLine: facts.requestLine,
  })
}
