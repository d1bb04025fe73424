import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/*
 * The undocumented fields of Node that this package reads, as no documented one has the same. docs/contributing.md says what is
 * lost without each. A field that is missing, has another type, or throws counts as unknown: the server goes on.
 */

type Fields = Record<PropertyKey, unknown> | null | undefined

function read(holder: unknown, field: PropertyKey): unknown {
  try {
    return (holder as Fields)?.[field]
  } catch {
    return undefined
  }
}

/** Calls a method of Node without arguments; undefined if there is none, or if it throws. */
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

/** Remembers the socket below a TLS socket or a session, in case the field of Node is missing. */
export function linkSocket(carrier: object, socket: Socket): void {
  ;(carrier as Linked)[kTcp] = socket
}

/**
 * The socket of an HTTP/2 session. `session.socket` is a proxy that refuses `destroy`, but `on` is allowed, and returns the
 * socket itself. Undefined if it returns the proxy, and {@link linkSocket} was not called.
 */
export function sessionSocket(session: Http2Session): Socket | undefined {
  const proxy = session.socket
  const emitter = proxy.on('error', ignore)
  return emitter === proxy ? (session as Linked)[kTcp] : emitter
}

/** A listener for `error`: a connection that we end may still report its end as an error. */
export function ignore(): void {}

/**
 * The TCP socket under a TLS socket (`_parent`); a socket without TLS is returned itself. Undefined if the field is unknown, and
 * {@link linkSocket} was not called.
 */
export function tcpSocket(socket: Socket): Socket | undefined {
  if (!(socket as TLSSocket).encrypted) return socket
  const parent = read(socket, '_parent') as Socket | undefined
  return typeof parent?.destroy === 'function' ? parent : (socket as Linked)[kTcp]
}

/**
 * Bytes that the kernel has not taken yet. Node counts a large write as pending until its last byte is gone, so only libuv's
 * queue (`_handle.writeQueueSize`) distinguishes a slow reader from one that does not read. Undefined if the field is unknown.
 */
export function unsentBytes(tcp: Socket): number | undefined {
  const handle = read(tcp, '_handle')
  // A closed socket has no handle; a stream in JavaScript, in place of a socket, never has one.
  if (handle === null || !('connecting' in tcp)) return tcp.writableLength
  const size = read(handle, 'writeQueueSize')
  return typeof size === 'number' ? size : undefined
}

/**
 * The packet that the parser (`socket.parser`) is reading while it calls us; undefined if the field is unknown. It is needed
 * because Node's parser reads `RTSP/1.0` and `ICE/1.0` as `HTTP/1.0`, and keeps no trace of it.
 */
export function packetOf(socket: Socket): Buffer | undefined {
  const packet = call(parserOf(socket), 'getCurrentBuffer')
  return Buffer.isBuffer(packet) ? packet : undefined
}

/**
 * The response to a request whose turn it is. Node keeps it on the socket only (`_httpMessage`). Undefined while an earlier
 * response is pending, and if the field is unknown.
 */
export function responseOf(req: IncomingMessage): ServerResponse | undefined {
  const res = read(req.socket, '_httpMessage') as ServerResponse | undefined
  return res?.req === req ? res : undefined
}

/** Whether a response may end its connection (`_last`). True if the field is unknown: the next request then waits. */
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

/** The TLS settings of a server. */
export interface TlsSettings {
  /** `'TLSv1.2'`; undefined if the field is unknown, or if `secureProtocol` was set instead. */
  readonly minVersion: string | undefined
  /** Its protocols in the encoding of ALPN; undefined if the field is unknown, or if an `ALPNCallback` chooses. */
  readonly protocols: Uint8Array | undefined
}

/** The TLS settings that Node keeps on a server. An unknown one is not checked, but left to OpenSSL. */
export function tlsSettings(server: object, defaultVersion: string): TlsSettings {
  const minVersion = read(server, 'minVersion') ?? defaultVersion
  // If nothing was set both fields exist, and are undefined.
  const areFieldsKnown = 'minVersion' in server && 'secureProtocol' in server
  const isVersion =
    areFieldsKnown && typeof minVersion === 'string' && read(server, 'secureProtocol') === undefined
  const protocols = read(server, 'ALPNProtocols')
  const isList = protocols instanceof Uint8Array && !read(server, 'ALPNCallback')
  return {
    minVersion: isVersion ? minVersion : undefined,
    protocols: isList ? protocols : undefined,
  }
}

/** Whether Node has given the connection of a request away (`req.upgrade`). If that is unknown: whether the client asked for it. */
export function isUpgrade(req: IncomingMessage): boolean {
  const upgrade = read(req, 'upgrade')
  if (typeof upgrade === 'boolean') return upgrade
  return req.method === 'CONNECT' || /\bupgrade\b/i.test(req.headers.connection ?? '')
}

/** The server that accepted a connection (`socket.server`); undefined if the field is unknown. */
export function serverOf(socket: object | undefined): { readonly [setting: string]: unknown } | undefined {
  const server = read(socket, 'server')
  return typeof server === 'object' && server !== null ? (server as Record<string, unknown>) : undefined
}

/**
 * Sends RST instead of FIN. `resetAndDestroy` of a TLS socket throws, so the TCP socket below is needed; if {@link tcpSocket}
 * does not know it, the connection is closed with FIN.
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
 * (`http.server.connections`), from `listen` on. Empty if there is no list.
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
