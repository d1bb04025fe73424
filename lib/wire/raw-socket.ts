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

/**
 * Sends RST instead of FIN. `resetAndDestroy` of a TLS socket throws, and Node has no public way from it to the TCP socket
 * below, so this reads `_parent` (there in Node 20 to 26); without it the connection is closed with FIN.
 *
 * @returns whether it was a reset
 */
export function resetSocket(socket: Socket): boolean {
  const tcp = (socket as TLSSocket).encrypted ? (socket as Socket & { _parent?: Socket })._parent : socket
  if (typeof tcp?.resetAndDestroy !== 'function') {
    socket.destroy()
    return false
  }
  tcp.resetAndDestroy()
  return true
}
