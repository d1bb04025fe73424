import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/**
 * The socket that an HTTP/2 session runs on. `session.socket` is a proxy that refuses `destroy`; but `on` is allowed, and
 * returns its emitter, which is the socket itself.
 */
export function sessionSocket(session: Http2Session): Socket {
  return session.socket.on('error', ignore)
}

/** A connection that we end may still report its end as an error. */
export function ignore(): void {}

/** The TCP socket under a TLS socket, or the socket itself; undefined where Node does not tell. */
export function tcpSocket(socket: Socket): Socket | undefined {
  return (socket as TLSSocket).encrypted ? (socket as Socket & { _parent?: Socket })._parent : socket
}

/**
 * Bytes that the kernel has not taken yet. A large write counts as pending until its last byte is gone, so only libuv's
 * queue tells a slow reader from one that does not read; Node has no public name for it (`_handle.writeQueueSize`).
 */
export function unsentBytes(tcp: Socket): number {
  const { _handle: handle } = tcp as Socket & { _handle?: { writeQueueSize?: number } | null }
  return handle?.writeQueueSize ?? tcp.writableLength
}

/**
 * The packet that the parser is in, while it calls us; undefined where Node does not tell. Node's parser reads
 * `RTSP/1.0` and `ICE/1.0` as `HTTP/1.0` and keeps no trace of it (`socket.parser`).
 */
export function packetOf(socket: Socket): Buffer | undefined {
  const { parser } = socket as Socket & { parser?: { getCurrentBuffer?: () => Buffer | undefined } | null }
  return parser?.getCurrentBuffer?.()
}

/**
 * The response of a request whose turn it is, which Node keeps on the socket and tells nobody else (`socket._httpMessage`,
 * in Node 20 to 26). Undefined behind an earlier one, and where Node does not tell.
 */
export function responseOf(req: IncomingMessage): ServerResponse | undefined {
  const { _httpMessage: res } = (req.socket ?? {}) as { _httpMessage?: ServerResponse | null }
  return res?.req === req ? res : undefined
}

/**
 * Sends RST instead of FIN. `resetAndDestroy` of a TLS socket throws, and Node has no public way from it to the TCP socket
 * below, so this reads `_parent` (there in Node 20 to 26); without it the connection is closed with FIN.
 *
 * @returns whether it was a reset
 */
export function resetSocket(socket: Socket): boolean {
  const tcp = tcpSocket(socket)
  if (typeof tcp?.resetAndDestroy !== 'function') {
    socket.destroy()
    return false
  }
  tcp.resetAndDestroy()
  return true
}

/** Node's list of the HTTP/1 parsers of a server. */
interface Parsers {
  active(): unknown[]
}

/**
 * The parsers of a server that are in the middle of a request. Node keeps that list for its own time limits, under a symbol
 * without a public name, from `listen` on (seen in Node 20 to 26); empty where there is none.
 */
export function parsersAtWork(server: object): ReadonlySet<unknown> {
  const symbol = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  )
  const parsers = symbol && (server as Record<symbol, Parsers | undefined>)[symbol]
  return new Set(typeof parsers?.active === 'function' ? parsers.active() : [])
}

/** The HTTP/1 parser of a connection. */
export const parserOf = (socket: Socket): unknown => (socket as Socket & { parser?: unknown }).parser
