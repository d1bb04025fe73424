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

/** What a connection is doing. Decides which time limit applies to it. */
export type Stage =
  /** TLS, from accept to the end of the handshake. */
  | 'handshake'
  /** The head of a request is awaited or under way. */
  | 'head'
  /** Requests are being answered, or a body is under way. */
  | 'request'
  /** Kept alive between requests. */
  | 'idle'
  /** Upgraded, or a tunnel: it belongs to the app, without limits. */
  | 'released'

/** An HTTP/1 request whose response is not finished. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The rules have started on it. */
  hasTurn: boolean
  /** The client waits for `100 Continue`, which is sent when the app reads the body. */
  awaitsContinue: boolean
}

/** An open HTTP/2 stream. */
export interface StreamRecord {
  readonly stream: ServerHttp2Stream
  /** Set when Node has made the request. */
  req: Http2ServerRequest | undefined
  res: Http2ServerResponse | undefined
  awaitsContinue: boolean
  /** The progress of its body, and when that last changed. */
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
  /** Runs a callback in the async context in which the connection was accepted: used by timers. */
  readonly inContext = inThisContext((callback: () => void) => callback())
  stage: Stage = 'head'
  /** When the stage began, in ms of `performance.now()`. */
  since = performance.now()
  /** Its one event is out. Also true in a dry run, where the connection goes on. */
  eventPublished = false
  ended = false
  /** Unfinished requests in the order in which they came. */
  readonly exchanges: Exchange[] = []
  /** HTTP/1: the request that was parsed last, until it is complete and answered. */
  last: IncomingMessage | undefined
  /** Whether the request that was parsed last announced a body. */
  hadBody = false
  /** The socket of the last request, until it is known whether the next has begun in the same packet. */
  http1: Socket | undefined
  /** Bytes of answers that had to wait for earlier ones, since the connection was last idle. */
  ahead = 0
  /** The TLS socket, once the handshake is done. Its `bytesRead` counts decrypted bytes. */
  tls: Socket | undefined
  session: ServerHttp2Session | undefined
  /** When its session was first seen destroyed, in ms of `performance.now()`. */
  sessionOver: number | undefined
  /** HTTP/2: the open streams of the session. */
  streams: Map<ServerHttp2Stream, StreamRecord> | undefined
  /** `bytesRead` when the last request was complete, as far as can be known. */
  bytesAtRest = 0
  /** The progress of the body of `last`, and when it last changed or still waited for the app. */
  bodyMark = 0
  bodySince = 0
  /** Bytes that the kernel has taken for the client, and when that last changed or nothing was waiting. */
  sentMark = 0
  sentSince = this.since
  /** Bytes that the parser had read when the last head was complete. */
  readAtHead = 0
  /** Set by the first request of HTTP/1.0. */
  packet: Packet | undefined
  /** The body of a request is broken and its response had started: the connection ends with that response. */
  isBroken = false
  /** HTTP/2: frames that Node acknowledges by itself (PING, SETTINGS), and how many there were at `sentMark`. */
  controls = 0
  controlsMark = 0
  /** Reading is stopped because too many requests wait for their turn. */
  isPaused = false
  /** HTTP/1: requests behind the one that ended the connection. They are never run. */
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

  /** Calls back, in the current async context, when every request so far is answered; at once if all are. */
  whenAnswered(callback: () => void): void {
    if (this.exchanges.length === 0) callback()
    else this.#whenAnswered.push(inThisContext(callback))
  }

  /**
   * Ignores a request that came behind the one that ended the connection. It is destroyed when the socket is: not later, because
   * Node would then make an error with a stack, which costs more than the rest of the request; not earlier, because an earlier
   * response may still need the socket.
   */
  ignoreRequest(req: IncomingMessage): void {
    if (req.socket.destroyed) req.destroy()
    else {
      this.#unseen ??= []
      this.#unseen.push(req)
    }
  }

  /** Destroys the requests that wait for their turn when the connection has closed. To be called before Node's own listener. */
  close(): void {
    for (const req of this.#unseen ?? []) req.destroy()
    for (const { req, hasTurn } of [...this.exchanges]) if (!hasTurn) req.destroy()
  }

  /** Removes a request whose response is finished, or never will be. */
  removeExchange(exchange: Exchange): void {
    // Nearly always the first. `shift` is cheap, `splice` would move all requests behind it.
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

/** Records a connection on its TCP socket, TLS socket or HTTP/2 session: {@link attachedConnection} finds it there. */
export function attachConnection(carrier: object, connection: Connection): void {
  ;(carrier as Marked)[kConnection] = connection
}

/** Removes the record from a session that Node may hold longer than the connection lasts. */
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

/** Whether no request came on a connection yet. Browsers open some in advance, with TLS and HTTP/2 ready. */
export function isSpare({ tls, tcp, session, streams }: Connection): boolean {
  const { bytesRead } = tls ?? tcp
  return bytesRead === 0 || (session !== undefined && !streams && bytesRead <= MAX_GREETING)
}
