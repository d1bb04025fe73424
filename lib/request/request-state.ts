import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Occasion } from '../counting/occasion.ts'
import type { Address } from '../match/addresses/address.ts'
import { sharedKey } from '../runtime/copies.ts'
import { sessionOfStream } from './accepted.ts'
import { type FrameworkRequest, isHttp2, type Request, type Response } from './http-types.ts'
import type { Trust } from './trust.ts'

/** The state that the requests of one connection share. */
interface ConnectionState {
  /** Set once the connection is to be closed: 0 on HTTP/1; on HTTP/2 the id of the last stream that may still reach the app. */
  closing: number | undefined
  /** Values that rules keep for the connection, each at an index of its own. */
  readonly memory: unknown[]
}

/** The state of one request, made when the first rule or `drop` sees it. */
export interface RequestState extends Occasion {
  res: Response | undefined
  /** The request was dropped: its connection was ended, or its proxy got an answer. */
  dropped: boolean
  /** The request's event was published. Each request has at most one. */
  eventPublished: boolean
  /** The rule instances that judged the request, a bit each; `judgedBy` has the instances without a bit. Each judges a request only once. */
  judged: number
  judgedBy: object[] | undefined
  /** The judgements of a dry run of `protect`, for rules that the app mounts as well: there they are reused. */
  trials: Map<object, () => unknown> | undefined
  /** The trust that `client` was computed with. */
  trust: Trust | undefined
  /** The client address under `trust`, kept because every address rule needs it. */
  client: Address | undefined
  /** The `trustProxy` of the server's `protect`, for rules that run before, or without, an Express app. */
  serverTrust: Trust | undefined
  /** The Express app that handles the server's requests. */
  serverApp: FrameworkRequest['app']
  /** `protect` is in a dry run, which applies to every rule. */
  isDryRun: boolean
  /** `protect` has passed the request on to the app. */
  isRunning: boolean
  /** The rest of the body will not come, or can't be read. */
  isBodyLost: boolean
  /** The protocol that the request line names, if it is not HTTP. */
  protocol: string | undefined
  /** HTTP/1: an earlier response of the connection was pending when the request came. */
  waited: boolean
  /** `repeatOffender` counts the answer, and may ban the client before the next request. */
  isWatched: boolean
  /** HTTP/2: the session, kept because a closed stream has lost it. */
  session: ServerHttp2Session | undefined
  /** The state of the socket or session; undefined if that was gone before the request was seen. */
  connection: ConnectionState | undefined
}

const kState: unique symbol = /* @__PURE__ */ sharedKey('request') as never
const kConnectionState: unique symbol = /* @__PURE__ */ sharedKey('connection-state') as never

type Marked = { [kState]?: RequestState; [kConnectionState]?: ConnectionState }

/** The state of a request, made on first use. It is a symbol property, because a WeakMap is slower. */
export function stateOf(req: Request): RequestState {
  return (req as Marked)[kState] ?? makeState(req)
}

function makeState(req: Request): RequestState {
  const session = isHttp2(req) ? sessionOfStream(req.stream) : undefined
  const carrier = isHttp2(req) ? session : req.socket
  const state: RequestState = {
    res: undefined,
    dropped: false,
    eventPublished: false,
    countedBy: undefined,
    judged: 0,
    judgedBy: undefined,
    trials: undefined,
    trust: undefined,
    client: undefined,
    serverTrust: undefined,
    serverApp: undefined,
    isDryRun: false,
    isRunning: false,
    isBodyLost: false,
    protocol: undefined,
    waited: false,
    isWatched: false,
    session,
    connection: carrier && connectionStateOf(carrier),
  }
  ;(req as Marked)[kState] = state
  return state
}

function connectionStateOf(carrier: object): ConnectionState {
  const marked = carrier as Marked
  marked[kConnectionState] ??= { closing: undefined, memory: [] }
  return marked[kConnectionState]
}

/** Leaves the state of a request on its HTTP/2 stream, for a second request object of the same stream. */
export function keepStateOnStream(req: Http2ServerRequest): void {
  ;(req.stream as Marked)[kState] = stateOf(req)
}

/** Takes over the state that {@link keepStateOnStream} left; false if there is none. */
export function takeStateFromStream(req: Http2ServerRequest): boolean {
  const left = (req.stream as Marked)[kState]
  if (left) (req as Marked)[kState] = left
  return left !== undefined
}

/** The session of a request, even after its stream is closed. */
export function sessionOf(req: Http2ServerRequest): ServerHttp2Session | undefined {
  return (req.stream.session as ServerHttp2Session | undefined) ?? stateOf(req).session
}

/** Marks the connection as closing: no later request of it may reach the app, except HTTP/2 streams up to `lastStream`. */
export function markClosing(req: Request, lastStream = 0): void {
  const { connection } = stateOf(req)
  if (connection) connection.closing = lastStream
}

/** Whether a request of the same connection was dropped. */
export function isCut({ connection }: RequestState): boolean {
  return connection !== undefined && connection.closing !== undefined
}

/** Whether a request of this socket or session was dropped. */
export function isEnding(connection: object): boolean {
  return (connection as Marked)[kConnectionState]?.closing !== undefined
}

/** Whether a request of the same connection was dropped and, on HTTP/2, this one is beyond the last stream that may still run. */
export function isClosing(req: Request): boolean {
  const lastStream = stateOf(req).connection?.closing
  return lastStream !== undefined && (!isHttp2(req) || (req.stream.id ?? 0) > lastStream)
}
