import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Occasion } from '../counting/occasion.ts'
import type { Address } from '../match/addresses/address.ts'
import { sharedKey } from '../runtime/copies.ts'
import { sessionOfStream } from './accepted.ts'
import { type FrameworkRequest, isHttp2, type Request, type Response } from './http-types.ts'
import type { Trust } from './trust.ts'

/** What the requests of one connection share. */
interface ConnectionState {
  /** Set once the connection is to be closed: 0 on HTTP/1; on HTTP/2 the id of the last stream that may still reach the app. */
  closing: number | undefined
  /** What rules remember of it, each in a place of its own. */
  readonly memory: unknown[]
}

/** What we know of one request: made when the first rule or `drop` sees it. */
export interface RequestState extends Occasion {
  res: Response | undefined
  /** Its connection is ended, or its proxy was answered. */
  dropped: boolean
  /** Its event is made: there is one a request, whoever acts first. */
  eventPublished: boolean
  /** The rule instances that judged it, a bit each, and those for which there is none: one instance judges a request once. */
  judged: number
  judgedBy: object[] | undefined
  /** What rules found in a dry run of `protect`: their own word, where the app mounts them as well. */
  trials: Map<object, () => unknown> | undefined
  /** The client address under `trust`, kept because every address rule asks for it. */
  trust: Trust | undefined
  client: Address | undefined
  /** The trust of the server that guards it: for what runs before, or without, an Express app. */
  serverTrust: Trust | undefined
  /** The Express app that listens to that server. */
  serverApp: FrameworkRequest['app']
  /** Whatever the rule itself says: `protect` is in a dry run. */
  isDryRun: boolean
  /** `protect` has passed it on to the app. */
  isRunning: boolean
  /** The rest of its body will not come, or can't be read. */
  isBodyLost: boolean
  /** What its first line called the protocol, where that was not HTTP. */
  protocol: string | undefined
  /** HTTP/1: an earlier response of its connection was pending when it came. */
  waited: boolean
  /** `repeatOffender` counts its answer, and may ban the client before the next request. */
  isWatched: boolean
  /** HTTP/2: a stream that is closed has forgotten its session. */
  session: ServerHttp2Session | undefined
  /** Of its socket or session; undefined where that was gone before the request was seen. */
  connection: ConnectionState | undefined
}

const kState: unique symbol = /* @__PURE__ */ sharedKey('request') as never
const kConnectionState: unique symbol = /* @__PURE__ */ sharedKey('connection-state') as never

type Marked = { [kState]?: RequestState; [kConnectionState]?: ConnectionState }

/** The state of a request, made on first use. A symbol property: a WeakMap costs more on each request. */
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

/** Keeps the state of a request for another one that will be made of the same HTTP/2 stream. */
export function keepStateOnStream(req: Http2ServerRequest): void {
  ;(req.stream as Marked)[kState] = stateOf(req)
}

/** Takes over the state that was left; false where there is none. */
export function takeStateFromStream(req: Http2ServerRequest): boolean {
  const left = (req.stream as Marked)[kState]
  if (left) (req as Marked)[kState] = left
  return left !== undefined
}

/** The session of a stream, also when the stream is closed. */
export function sessionOf(req: Http2ServerRequest): ServerHttp2Session | undefined {
  return (req.stream.session as ServerHttp2Session | undefined) ?? stateOf(req).session
}

/** Nothing more of this connection may reach the app, but for HTTP/2 streams up to `lastStream`: its end is decided. */
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

/** Whether a request of this connection was dropped, and (HTTP/2) this one came after it. */
export function isClosing(req: Request): boolean {
  const lastStream = stateOf(req).connection?.closing
  return lastStream !== undefined && (!isHttp2(req) || (req.stream.id ?? 0) > lastStream)
}
