import { subscribe } from 'node:diagnostics_channel'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { shared, sharedKey } from '../runtime/copies.ts'
import { tcpSocket } from '../runtime/raw-socket.ts'

/*
 * A rule may judge when the client has left: behind an asynchronous middleware, or a store that answers late. Then a socket
 * has no address any more, and a closed HTTP/2 stream has no session. So both are kept when they come. A middleware does
 * not know its server, so two diagnostics channels of Node tell of them.
 */

/** What the kernel said at accept: the address as it is written, or one of two words that are none. */
export const UNIX_SOCKET = 'unix-domain socket'
/** The client had reset its TCP connection before it was accepted: then the kernel has forgotten it. */
export const GONE = 'gone'

const kAccepted: unique symbol = /* @__PURE__ */ sharedKey('accepted') as never
const kSession: unique symbol = /* @__PURE__ */ sharedKey('session') as never
const kWatched: unique symbol = /* @__PURE__ */ sharedKey('watched') as never

type Marked = { [kAccepted]?: string | undefined; [kSession]?: ServerHttp2Session; [kWatched]?: true }

/** What was kept of a socket or session; undefined where `net` did not accept it, or before this package was loaded. */
export const acceptedFrom = (carrier: object): string | undefined => (carrier as Marked)[kAccepted]

/** The session of a stream, also once the stream is closed. */
export function sessionOfStream(stream: ServerHttp2Stream): ServerHttp2Session | undefined {
  return (stream.session as ServerHttp2Session | undefined) ?? (stream as Marked)[kSession]
}

/**
 * Has a session remember its peer, and its streams remember the session: a stream that is cancelled in the packet of its HEADERS
 * is closed when it comes.
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
    // Without TLS, Node tells of the session first and of its socket then: here the peer is known.
    keepPeer()
  })
}

function keepSocket(socket: Socket): void {
  // A pipe has no address at its own end either.
  const nothing = () => (socket.localAddress === undefined ? UNIX_SOCKET : GONE)
  if (!socket.destroyed) (socket as Marked)[kAccepted] = socket.remoteAddress ?? nothing()
}

/** Only servers of `http2` have sessions. */
function watchServer(server: (Server & Marked) | undefined): void {
  if (!server || server[kWatched] || !('updateSettings' in server)) return
  server[kWatched] = true
  server.prependListener('session', keepSession)
}

/** Whether a copy of this package does so already. */
const keeping = /* @__PURE__ */ shared('keeping', () => ({ isOn: false }))

/** Keeps the peers of connections from now on, for every server of the process. */
export function keepPeers(): void {
  if (keeping.isOn) return
  keeping.isOn = true
  // Behind the first connection of a server without TLS its session is there already: so servers are known from `listen` on.
  subscribe('tracing:net.server.listen:asyncStart', message =>
    watchServer((message as { server: Server }).server),
  )
  subscribe('net.server.socket', message => {
    const { socket } = message as { socket: Socket & { server?: Server } }
    keepSocket(socket)
    watchServer(socket.server)
  })
}
