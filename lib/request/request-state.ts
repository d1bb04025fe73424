import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Address } from '../match/addresses/address.ts'
import { shared, sharedKey } from '../runtime/copies.ts'
import { sessionOfStream } from './accepted.ts'
import type { Trust } from './client-address.ts'
import { type FrameworkRequest, isHttp2, type Request, type Response } from './http-types.ts'

/** What the requests of one connection share. */
interface ConnectionState {
  /** Its end is decided: nothing more of it may reach the app, but for HTTP/2 streams up to this one. */
  closing: number | undefined
  /** What rules remember of it, each in a place of its own. */
  readonly memory: unknown[]
}

/** What may be an offence: a request, or a connection that brought none. */
export interface Occasion {
  /** The offenders among whom it was counted: it is one offence, however often it fails. */
  countedBy: object[] | undefined
}

/** What we know of one request: made when the first rule or `drop` sees it. */
export interface RequestState extends Occasion {
  res: Response | undefined
  /** Its connection is ended, or its proxy was told. */
  dropped: boolean
  /** Its event is made: there is one a request, whoever acts first. */
  told: boolean
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

const kState: unique symbol = sharedKey('request') as never
const kConnection: unique symbol = sharedKey('ending') as never

type Marked = { [kState]?: RequestState; [kConnection]?: ConnectionState }

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
    told: false,
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
  marked[kConnection] ??= { closing: undefined, memory: [] }
  return marked[kConnection]
}

/** Whoever judges requests, and no request twice. */
export interface Judging {
  /** One of 31 bits, for the first ones of a process; 0 for the others. */
  readonly bit: number
}

/** How many of the bits are given out. */
const given = /* @__PURE__ */ shared('judges', () => ({ bits: 0 }))

/** All bits, of which judges have one less. */
const EVERYONE = -1

export const newJudging = (): Judging => ({ bit: given.bits < 31 ? 1 << given.bits++ : 0 })

/**
 * Notes who judges the request.
 *
 * @returns false if they have done so before
 */
export function isFirstTime(state: RequestState, judging: Judging): boolean {
  const { bit } = judging
  if (state.judged === EVERYONE) return false
  if (bit !== 0) {
    if ((state.judged & bit) !== 0) return false
    state.judged |= bit
    return true
  }
  state.judgedBy ??= []
  if (state.judgedBy.includes(judging)) return false
  state.judgedBy.push(judging)
  return true
}

/** What a request knows of the server that tries rules on it. */
export type Trial = Pick<RequestState, 'isDryRun' | 'serverTrust' | 'serverApp'>

/** What it knows now; undefined where it is not in a dry run of `protect`. */
export const trialOf = ({ isDryRun, serverTrust, serverApp }: RequestState): Trial | undefined =>
  isDryRun ? { isDryRun, serverTrust, serverApp } : undefined

/** Goes on with a trial when the request itself may have gone on to the app. */
export function inTrial<T>(state: RequestState, trial: Trial | undefined, goOn: () => T): T {
  if (!trial) return goOn()
  const { isDryRun, serverTrust, serverApp } = state
  Object.assign(state, trial)
  try {
    return goOn()
  } finally {
    Object.assign(state, { isDryRun, serverTrust, serverApp })
  }
}

/** Keeps what a rule finds in a dry run of `protect`: the same request may meet it in the app, and is judged once. */
export function keepTrial(state: RequestState, judging: Judging, judgement: () => unknown): void {
  state.trials ??= new Map()
  state.trials.set(judging, judgement)
}

/** What was kept, for the app; undefined where there is nothing, and behind the first time. */
export function takeTrial(state: RequestState, judging: Judging): (() => unknown) | undefined {
  if (state.isDryRun || !state.trials) return undefined
  const judgement = state.trials.get(judging)
  state.trials.delete(judging)
  return judgement
}

/** Has every rule let a request of our own pass. */
export function passEveryRule(req: Request): void {
  stateOf(req).judged = EVERYONE
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
  return (connection as Marked)[kConnection]?.closing !== undefined
}

/** Whether a request of this connection was dropped, and (HTTP/2) this one came after it. */
export function isClosing(req: Request): boolean {
  const lastStream = stateOf(req).connection?.closing
  return lastStream !== undefined && (!isHttp2(req) || (req.stream.id ?? 0) > lastStream)
}
