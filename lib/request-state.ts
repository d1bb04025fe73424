import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Trust } from './client-address.ts'
import { isHttp2, type Request, type Response } from './http-types.ts'
import type { Address } from './match/address.ts'

/** What we know of one request: made when the first rule or `drop` sees it. */
export interface RequestState {
  res: Response | undefined
  /** Its connection is ended, or its proxy was told. */
  dropped: boolean
  /** Its event is made: there is one a request, whoever acts first. */
  told: boolean
  /** The rule instances that judged it: one instance judges a request once. */
  judgedBy: object[]
  /** The client address under `trust`, kept because every address rule asks for it. */
  trust: Trust | undefined
  client: Address | undefined
  /** The trust of the server that guards it: for what runs before, or without, an Express app. */
  serverTrust: Trust | undefined
  /** Whatever the rule itself says: `protect` is in a dry run. */
  isDryRun: boolean
  /** `protect` has passed it on to the app. */
  isRunning: boolean
  /** What its first line called the protocol, where that was not HTTP. */
  protocol: string | undefined
  /** HTTP/1: an earlier response of its connection was pending when it came. */
  waited: boolean
  /** HTTP/2: a stream that is closed has forgotten its session. */
  session: ServerHttp2Session | undefined
}

const kState = Symbol('drop444.request')
const kClosing = Symbol('drop444.closing')

type Marked = { [kState]?: RequestState; [kClosing]?: number }

/** The state of a request, made on first use. A symbol property: a WeakMap costs more on each request. */
export function stateOf(req: Request): RequestState {
  const marked = req as Marked
  marked[kState] ??= {
    res: undefined,
    dropped: false,
    told: false,
    judgedBy: [],
    trust: undefined,
    client: undefined,
    serverTrust: undefined,
    isDryRun: false,
    isRunning: false,
    protocol: undefined,
    waited: false,
    session: isHttp2(req) ? (req.stream.session as ServerHttp2Session | undefined) : undefined,
  }
  return marked[kState]
}

/** Keeps the state of a request for another one that will be made of the same HTTP/2 stream. */
export function leaveState(req: Http2ServerRequest): void {
  ;(req.stream as Marked)[kState] = stateOf(req)
}

/** Takes over the state that was left; false where there is none. */
export function takeState(req: Http2ServerRequest): boolean {
  const left = (req.stream as Marked)[kState]
  if (left) (req as Marked)[kState] = left
  return left !== undefined
}

/** What requests share: the socket, or the HTTP/2 session (undefined once that is gone). */
function connectionOf(req: Request): Marked | undefined {
  return (isHttp2(req) ? sessionOf(req) : req.socket) as Marked | undefined
}

/** The session of a stream, also when the stream is closed. */
export function sessionOf(req: Http2ServerRequest): ServerHttp2Session | undefined {
  return (req.stream.session as ServerHttp2Session | undefined) ?? stateOf(req).session
}

/** Nothing more of this connection may reach the app, but for HTTP/2 streams up to `lastStream`: its end is decided. */
export function markClosing(req: Request, lastStream = 0): void {
  const connection = connectionOf(req)
  if (connection) connection[kClosing] = lastStream
}

/** Whether a request of this socket or session was dropped. */
export function isEnding(connection: object): boolean {
  return (connection as Marked)[kClosing] !== undefined
}

/** Whether a request of this connection was dropped, and (HTTP/2) this one came after it. */
export function isClosing(req: Request): boolean {
  const lastStream = connectionOf(req)?.[kClosing]
  return lastStream !== undefined && (!isHttp2(req) || (req.stream.id ?? 0) > lastStream)
}
