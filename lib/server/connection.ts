import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Address } from '../match/addresses/address.ts'
import { inThisContext } from '../runtime/async-context.ts'
import { tcpSocket } from '../runtime/raw-socket.ts'
import type { Packet } from './phases/protocol.ts'

/** What a connection is doing, as far as its time limits ask. */
export type Stage =
  /** TLS, from accept to the end of the handshake. */
  | 'handshake'
  /** The head of a request is awaited or under way. */
  | 'head'
  /** Requests are being answered, or a body is under way. */
  | 'request'
  /** Kept alive between requests. */
  | 'idle'
  /** Upgraded or a tunnel: the app's alone. */
  | 'released'

/** An HTTP/1 request whose response is not finished. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** It was given to the rules. */
  hasTurn: boolean
  /** Nobody has read the body yet, so the client was not asked to send it. */
  awaitsContinue: boolean
}

/** An open HTTP/2 stream. */
export interface StreamRecord {
  readonly stream: ServerHttp2Stream
  /** Once there is one. */
  req: Http2ServerRequest | undefined
  res: Http2ServerResponse | undefined
  awaitsContinue: boolean
  /** Where its body was, and when it last moved. */
  bodyMark: number
  bodySince: number
}

/** What we know of one TCP connection of a guarded server. */
export class Connection {
  readonly tcp: Socket
  readonly peer: Address | undefined
  /** The peer is a trusted proxy. */
  readonly isProxy: boolean
  /** The peer is one that `except` names. */
  readonly isExcepted: boolean
  /** Calls back in the context in which it was accepted: for what a timer finds out about it. */
  readonly inContext = inThisContext((callback: () => void) => callback())
  stage: Stage = 'head'
  /** When the stage began, in ms of `performance.now()`. */
  since = performance.now()
  /** Its event is made; unless it is a dry run its end is decided. */
  eventPublished = false
  ended = false
  /** In the order they came. */
  readonly exchanges: Exchange[] = []
  /** HTTP/1: the request that was parsed last, until it is complete and answered. */
  last: IncomingMessage | undefined
  /** Whether the one that was parsed last announced a body. */
  hadBody = false
  /** The socket of the last request, until it is known whether the next has begun in the same packet. */
  http1: Socket | undefined
  /** Bytes of answers that had to wait for earlier ones, since the connection was last idle. */
  ahead = 0
  /** Of TLS, once the handshake is done: it counts what is read in the clear. */
  tls: Socket | undefined
  session: ServerHttp2Session | undefined
  /** When its session was first seen destroyed, in ms of `performance.now()`. */
  sessionOver: number | undefined
  /** HTTP/2: what is open on the session. */
  streams: Map<ServerHttp2Stream, StreamRecord> | undefined
  /** `bytesRead` when the last request was complete, as far as can be known. */
  bytesAtRest = 0
  /** Where the body of `last` was, and when it last moved or the app had not read it yet. */
  bodyMark = 0
  bodySince = 0
  /** Bytes that the kernel has taken, and when that last changed or nothing waited. */
  sentMark = 0
  sentSince = this.since
  /** What its parser had read when the last head was complete. */
  readAtHead = 0
  /** Once there was a request of HTTP/1.0. */
  packet: Packet | undefined
  /** The body of the request under way is broken, and its response had started. */
  isBroken = false
  /** HTTP/2: frames that are answered by themselves, and how many there were at `sentMark`. */
  controls = 0
  controlsMark = 0
  /** Reading is stopped because too many requests wait for their turn. */
  isPaused = false
  /** HTTP/1: requests behind the end of the connection, which nobody will see. */
  #unseen: IncomingMessage[] | undefined
  #whenAnswered: (() => void)[] = []

  constructor(tcp: Socket, peer: Address | undefined, isProxy: boolean, isExcepted: boolean) {
    this.tcp = tcp
    this.peer = peer
    this.isProxy = isProxy
    this.isExcepted = isExcepted
  }

  enter(stage: Stage, now = performance.now()): void {
    this.stage = stage
    this.since = now
  }

  /** Calls back, in the context of now, when every request so far is answered; at once where all are. */
  whenAnswered(callback: () => void): void {
    if (this.exchanges.length === 0) callback()
    else this.#whenAnswered.push(inThisContext(callback))
  }

  /**
   * Leaves a request alone that came behind the end of the connection. Destroyed before Node does so, it saves Node the
   * text of a stack, which takes longer than all else about it; but with its socket, which an earlier response may need.
   */
  ignoreRequest(req: IncomingMessage): void {
    if (req.socket.destroyed) req.destroy()
    else {
      this.#unseen ??= []
      this.#unseen.push(req)
    }
  }

  /** The connection is gone, and with it what waited for its turn. To be called before Node hears of it. */
  close(): void {
    for (const req of this.#unseen ?? []) req.destroy()
    for (const { req, hasTurn } of [...this.exchanges]) if (!hasTurn) req.destroy()
  }

  /** Takes a request out: its response is finished, or will never be. */
  removeExchange(exchange: Exchange): void {
    // In turn, as a rule: `splice` would move all that wait behind it.
    if (this.exchanges[0] === exchange) this.exchanges.shift()
    else {
      const index = this.exchanges.indexOf(exchange)
      if (index < 0) return
      this.exchanges.splice(index, 1)
    }
    if (this.exchanges.length > 0) return
    for (const callback of this.#whenAnswered.splice(0)) callback()
  }
}

const kConnection = Symbol('drop444.connection')

type Marked = { [kConnection]?: Connection }

/** Finds a connection again by its TCP socket, its TLS socket or its HTTP/2 session. */
export function attachConnection(carrier: object, connection: Connection): void {
  ;(carrier as Marked)[kConnection] = connection
}

/** For what outlives its connection: a session that Node still holds must not hold ours. */
export function detachConnection(carrier: object): void {
  delete (carrier as Marked)[kConnection]
}

/** The connection that a socket or HTTP/2 session belongs to. */
export function attachedConnection(carrier: object): Connection | undefined {
  const known = (carrier as Marked)[kConnection]
  if (known) return known
  const tcp = tcpSocket(carrier as Socket)
  const connection = tcp && (tcp as Marked)[kConnection]
  if (connection) attachConnection(carrier, connection)
  return connection
}

/** What a client of HTTP/2 sends before its first request: preface, SETTINGS, window, priorities, acknowledgements. */
const MAX_GREETING = 512

/** Whether nothing was asked on a connection yet. Browsers open some in store, with TLS and HTTP/2 ready. */
export function isSpare({ tls, tcp, session, streams }: Connection): boolean {
  const { bytesRead } = tls ?? tcp
  return bytesRead === 0 || (session !== undefined && !streams && bytesRead <= MAX_GREETING)
}
