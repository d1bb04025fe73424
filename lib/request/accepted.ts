import { subscribe } from 'node:diagnostics_channel'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { shared, sharedKey } from '../runtime/copies.ts'
import { tcpSocket } from '../runtime/raw-socket.ts'

/*
 * A rule may judge after the client has left: behind an asynchronous middleware, or a store that answers late. By then a socket
 * has lost its address, and a closed HTTP/2 stream its session. So both are kept when the connection or stream arrives. A
 * middleware does not know its server, so two of Node's diagnostics channels report the connections.
 */

/** Kept in place of an address for a unix-domain socket, which has none. */
export const UNIX_SOCKET = 'unix-domain socket'
/** Kept in place of an address if the client reset its TCP connection before it was accepted: the kernel no longer knows it. */
export const GONE = 'gone'

const kAccepted: unique symbol = /* @__PURE__ */ sharedKey('accepted') as never
const kSession: unique symbol = /* @__PURE__ */ sharedKey('session') as never
const kWatched: unique symbol = /* @__PURE__ */ sharedKey('watched') as never

type Marked = { [kAccepted]?: string | undefined; [kSession]?: ServerHttp2Session; [kWatched]?: true }

/**
 * The peer's address as the kernel wrote it at accept, {@link UNIX_SOCKET} or {@link GONE}. Undefined for a connection that `net` did
 * not accept, or accepted before this package was loaded.
 */
export const acceptedFrom = (carrier: object): string | undefined => (carrier as Marked)[kAccepted]

/** The session of a stream, even after the stream is closed. */
export function sessionOfStream(stream: ServerHttp2Stream): ServerHttp2Session | undefined {
  return (stream.session as ServerHttp2Session | undefined) ?? (stream as Marked)[kSession]
}

/**
 * Keeps the peer's address on a session, and the session on each of its streams. A stream that is cancelled in the same packet as its
 * HEADERS is already closed when the app sees it.
 */
export function keepSession(session: ServerHttp2Session): void {
  const marked = session as ServerHttp2Session & Marked
  if (marked[kWatched]) return
  marked[kWatched] = true
  const keepPeer = () => {
    if (marked[kAccepted] !== undefined || session.destroyed) return
    const { socket } = session
    marked[kAccepted] = socket.remoteAddress ?? acceptedFrom(tcpSocket(socket as Socket) ?? socket)
  }
  keepPeer()
  session.prependListener('stream', stream => {
    ;(stream as Marked)[kSession] = session
    // Without TLS, Node announces the session before its socket: only now is the peer known.
    keepPeer()
  })
}

function keepSocket(socket: Socket): void {
  // Only a unix-domain socket lacks its own address too.
  const nothing = () => (socket.localAddress === undefined ? UNIX_SOCKET : GONE)
  if (!socket.destroyed) (socket as Marked)[kAccepted] = socket.remoteAddress ?? nothing()
}

/** Watches a server for sessions, which only servers of `http2` have. */
function watchServer(server: (Server & Marked) | undefined): void {
  if (!server || server[kWatched] || !('updateSettings' in server)) return
  server[kWatched] = true
  server.prependListener('session', keepSession)
}

/** Whether any copy of this package keeps the peers already. */
const keeping = /* @__PURE__ */ shared('keeping', () => ({ isOn: false }))

/** Starts to keep the peers of new connections, for every server of the process. */
export function keepPeers(): void {
  if (keeping.isOn) return
  keeping.isOn = true
  // Servers are watched from `listen` on: without TLS, the session of the first connection exists before its socket is announced.
  subscribe('tracing:net.server.listen:asyncStart', message =>
    watchServer((message as { server: Server }).server),
  )
  subscribe('net.server.socket', message => {
    const { socket } = message as { socket: Socket & { server?: Server } }
    keepSocket(socket)
    watchServer(socket.server)
  })
}
