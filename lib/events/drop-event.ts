import { type Address, standsFor } from '../match/addresses/address.ts'
import { show } from '../options/options-error.ts'
import { framework, type Request } from '../request/http-types.ts'

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
export interface DropEvent {
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
  /** The user name of Basic credentials, as nginx's `$remote_user`. */
  readonly remoteUser: string | undefined
  readonly method: string
  /** The request target as it was sent, not as a router cut it. */
  readonly url: string
  readonly httpVersion: string
  /** `Host`, or HTTP/2's `:authority`. */
  readonly host: string | undefined
  readonly referer: string | undefined
  readonly userAgent: string | undefined
  /** The first line as it came, a byte a character, where it could not be read as a request's; `''` where none came. */
  readonly requestLine: string | undefined
}

/** What is known of a request, parsed or not. */
export type RequestFacts = Pick<
  DropEvent,
  'remoteUser' | 'method' | 'url' | 'httpVersion' | 'host' | 'referer' | 'userAgent' | 'requestLine'
>

/** What the request itself can't tell. */
export type Verdict = Pick<
  DropEvent,
  'status' | 'sentStatus' | 'action' | 'rule' | 'reason' | 'detail' | 'bodyBytesSent'
>

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

/** What a parsed request tells. */
export function factsOf(req: Request): RequestFacts {
  const { headers } = req
  return {
    remoteUser: basicUser(headers.authorization),
    method: req.method ?? '',
    // CONNECT of HTTP/2 has no path.
    url: framework(req).originalUrl ?? (req.url || (headers[':authority'] as string | undefined) || ''),
    httpVersion: req.httpVersion,
    host: headers.host ?? (headers[':authority'] as string | undefined),
    referer: headers.referer,
    userAgent: headers['user-agent'],
    requestLine: undefined,
  }
}

/** The user of Basic credentials, byte for byte as nginx reads them (ngx_http_auth_basic_user). */
export function basicUser(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^basic /i.test(authorization)) return undefined
  const encoded = /^[A-Za-z0-9+/]*(?==|$)/.exec(authorization.slice(6).replace(/^ +/, ''))?.[0]
  if (!encoded || encoded.length % 4 === 1) return undefined
  const credentials = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = credentials.indexOf(':')
  return colon > 0 ? credentials.slice(0, colon) : undefined
}
