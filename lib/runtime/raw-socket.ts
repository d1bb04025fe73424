import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/*
 * All that is read of Node without being documented there, as there is no other way to it (docs/contributing.md says what is
 * lost without each). A field that is gone, is something else, or throws, counts as not told: the server goes on.
 */

type Fields = Record<PropertyKey, unknown> | null | undefined

function read(holder: unknown, field: PropertyKey): unknown {
  try {
    return (holder as Fields)?.[field]
  } catch {
    return undefined
  }
}

/** Calls a method of Node's that takes nothing. */
function call(holder: unknown, method: string): unknown {
  const found = read(holder, method)
  try {
    return typeof found === 'function' ? found.call(holder) : undefined
  } catch {
    return undefined
  }
}

const kTcp = Symbol('drop444.tcp')

type Linked = { [kTcp]?: Socket }

/** Has a TLS socket, or a session, know the socket below it, in case Node does not tell. */
export function linkSocket(carrier: object, socket: Socket): void {
  ;(carrier as Linked)[kTcp] = socket
}

/**
 * The socket that an HTTP/2 session runs on. `session.socket` is a proxy that refuses `destroy`; but `on` is allowed, and
 * returns its emitter, which is the socket itself. Undefined where Node does not tell, and nobody has linked it.
 */
export function sessionSocket(session: Http2Session): Socket | undefined {
  const proxy = session.socket
  const emitter = proxy.on('error', ignore)
  return emitter === proxy ? (session as Linked)[kTcp] : emitter
}

/** A connection that we end may still report its end as an error. */
export function ignore(): void {}

/**
 * The TCP socket under a TLS socket (`_parent`), or the socket itself; undefined where Node does not tell, and nobody has linked
 * it.
 */
export function tcpSocket(socket: Socket): Socket | undefined {
  if (!(socket as TLSSocket).encrypted) return socket
  const parent = read(socket, '_parent') as Socket | undefined
  return typeof parent?.destroy === 'function' ? parent : (socket as Linked)[kTcp]
}

/**
 * Bytes that the kernel has not taken yet. A large write counts as pending until its last byte is gone, so only libuv's
 * queue (`_handle.writeQueueSize`) tells a slow reader from one that does not read. Undefined where Node does not tell.
 */
export function unsentBytes(tcp: Socket): number | undefined {
  const handle = read(tcp, '_handle')
  // Gone with its connection; a stream of JavaScript, in place of a socket, never has one.
  if (handle === null || !('connecting' in tcp)) return tcp.writableLength
  const size = read(handle, 'writeQueueSize')
  return typeof size === 'number' ? size : undefined
}

/**
 * The packet that the parser is in (`socket.parser`), while it calls us; undefined where Node does not tell. Node's parser reads
 * `RTSP/1.0` and `ICE/1.0` as `HTTP/1.0` and keeps no trace of it.
 */
export function packetOf(socket: Socket): Buffer | undefined {
  const packet = call(parserOf(socket), 'getCurrentBuffer')
  return Buffer.isBuffer(packet) ? packet : undefined
}

/**
 * The response of a request whose turn it is, which Node keeps on the socket (`_httpMessage`) and tells nobody else. Undefined
 * behind an earlier one, and where Node does not tell.
 */
export function responseOf(req: IncomingMessage): ServerResponse | undefined {
  const res = read(req.socket, '_httpMessage') as ServerResponse | undefined
  return res?.req === req ? res : undefined
}

/** Whether a response may end its connection (`_last`); true where Node does not tell: the request behind it then waits. */
export const isLast = (res: ServerResponse): boolean => read(res, '_last') !== false

/**
 * Gives a socket to a response, or takes it back (`assignSocket`, `detachSocket`).
 *
 * @returns whether Node knew how
 */
export function giveSocket(
  res: ServerResponse,
  verb: 'assignSocket' | 'detachSocket',
  socket: Socket,
): boolean {
  const give = read(res, verb)
  if (typeof give !== 'function') return false
  try {
    give.call(res, socket)
    return true
  } catch {
    return false
  }
}

/** What a server was told of TLS. */
export interface TlsSettings {
  /** `'TLSv1.2'`; undefined where Node does not tell, or where it is known by `secureProtocol`. */
  readonly minVersion: string | undefined
  /** What it speaks, as ALPN writes it; undefined where Node does not tell, or an `ALPNCallback` chooses. */
  readonly protocols: Uint8Array | undefined
}

/** What a server was told of TLS, as Node keeps it on the server; what it does not tell is not checked, but left to OpenSSL. */
export function tlsSettings(server: object, defaultVersion: string): TlsSettings {
  const minVersion = read(server, 'minVersion') ?? defaultVersion
  // Both fields are there, undefined, where nothing was said.
  const isTold = 'minVersion' in server && 'secureProtocol' in server
  const isVersion = isTold && typeof minVersion === 'string' && read(server, 'secureProtocol') === undefined
  const protocols = read(server, 'ALPNProtocols')
  const isList = protocols instanceof Uint8Array && !read(server, 'ALPNCallback')
  return {
    minVersion: isVersion ? minVersion : undefined,
    protocols: isList ? protocols : undefined,
  }
}

/** Whether Node has given the connection of a request away (`req.upgrade`); where it does not tell, whether the client asked for it. */
export function isUpgrade(req: IncomingMessage): boolean {
  const upgrade = read(req, 'upgrade')
  if (typeof upgrade === 'boolean') return upgrade
  return req.method === 'CONNECT' || /\bupgrade\b/i.test(req.headers.connection ?? '')
}

/** The server that accepted a connection (`socket.server`); undefined where Node does not tell. */
export function serverOf(socket: object | undefined): { readonly [setting: string]: unknown } | undefined {
  const server = read(socket, 'server')
  return typeof server === 'object' && server !== null ? (server as Record<string, unknown>) : undefined
}

/**
 * Sends RST instead of FIN. `resetAndDestroy` of a TLS socket throws, and Node has no public way from it to the TCP socket
 * below; where {@link tcpSocket} does not know it the connection is closed with FIN.
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

/**
 * The parsers of a server that are in the middle of a request. Node keeps that list for its own time limits, under a symbol
 * (`http.server.connections`), from `listen` on; empty where there is none.
 */
export function parsersAtWork(server: object): ReadonlySet<unknown> {
  const symbol = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  )
  const parsers = symbol && call(read(server, symbol), 'active')
  return new Set(Array.isArray(parsers) ? parsers : [])
}

/** The HTTP/1 parser of a connection (`socket.parser`). */
export const parserOf = (socket: Socket): unknown => read(socket, 'parser')
