import { show } from '../diagnostics/show.ts'
import { type Address, standsFor } from '../match/addresses/address.ts'
import type { Peer } from '../request/peer-address.ts'
import type { RequestFacts } from '../request/request-facts.ts'

/** The `peerAddress` of a client that left before it could be asked for its address (RFC 7239 6.2). */
export const UNKNOWN_PEER = 'unknown'

/** What was done with a request. */
export type DropAction =
  /** The connection was closed (FIN, or the kernel's RST where a body was left unread). */
  | 'close'
  /** The connection was reset (RST), or on HTTP/2 the stream. */
  | 'reset'
  /** HTTP/2: the stream was reset, and the connection ends. */
  | 'goaway'
  /** A trusted proxy was told, and does the dropping. */
  | 'hand-off'
  /** A status code was sent instead. */
  | 'respond'
  /** Nothing: only judged. */
  | 'dry-run'

/** One dropped request: frozen, and the same for every subscriber. What is not there is `undefined`. */
export interface DropEvent extends RequestFacts {
  /** When: milliseconds since the epoch. */
  readonly time: number
  /** The verdict: 444, or the rule's `status`. */
  readonly status: number
  /** What the client (or the trusted proxy) was sent: nothing, or a code. */
  readonly sentStatus: number | undefined
  readonly action: DropAction
  /** The rule's name, `drop` if none was given. */
  readonly rule: string
  /** One of {@link Reason}, or a reason of the user's own. */
  readonly reason: string
  /** The entry or pattern that matched, or the value that did not. */
  readonly detail: string | undefined
  /** Bytes of the body that was sent (nginx `$body_bytes_sent`): 0, but for an answer with `status`. */
  readonly bodyBytesSent: number
  /** The address of the client. Where a translator shows it as `64:ff9b::a.b.c.d` (RFC 6052), it is `a.b.c.d`. */
  readonly clientAddress: string | undefined
  /** The address that connected, as the kernel has it. A unix-domain socket has none; `'unknown'`: the client left before it was read. */
  readonly peerAddress: string | undefined
}

/** What the request itself can't tell. */
export type Verdict = Pick<
  DropEvent,
  'status' | 'sentStatus' | 'action' | 'rule' | 'reason' | 'detail' | 'bodyBytesSent'
>

/** What an event says of a peer's address: undefined for a unix-domain socket, which has none. */
export function peerText(peer: Peer | undefined): string | undefined {
  return peer?.isUnix ? undefined : (peer?.address?.text ?? UNKNOWN_PEER)
}

/** JavaScript may give `drop` anything: no subscriber should have to fail for it. */
const textOf = (value: unknown) => (typeof value === 'string' ? value : show(value))

/** An event; addresses are read before the connection goes. */
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
