import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
import { linkSocket, tcpSocket } from '../../runtime/raw-socket.ts'
import { attachedConnection, type Connection } from '../connection.ts'
import { endConnection } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'

/**
 * Links a new TLS socket to the TCP socket below it. If Node does not show it, it is found by its two addresses among the connections
 * in a handshake.
 */
export function linkTls(tls: Socket, connections: Iterable<Connection>): void {
  if (tcpSocket(tls)) return
  const same = [...connections].filter(({ stage, tcp }) => stage === 'handshake' && haveSameEnds(tcp, tls))
  const [only] = same
  if (only && same.length === 1) return linkSocket(tls, only.tcp)
  // Unix-domain sockets are all alike. One of these is through with its handshake, so none can be held to its limit.
  for (const connection of same) connection.enter('released')
}

const haveSameEnds = (a: Socket, b: Socket) =>
  a.remoteAddress === b.remoteAddress && a.remotePort === b.remotePort && a.localPort === b.localPort

/**
 * Handles an error of TLS, after a sound ClientHello or after the handshake: by now OpenSSL has sent its alert. An alert of the client's,
 * or a client that has gone, is no attack: the client did not want this server.
 */
export function endOnTlsError(
  guarded: GuardedServer,
  { code = '' }: Error & { code?: string },
  socket: Socket,
): void {
  const connection = attachedConnection(socket)
  const isAlert = /_ALERT_(?!CERTIFICATE_REQUIRED)/.test(code)
  if (connection && code.startsWith('ERR_SSL_') && !isAlert) {
    endConnection(guarded, connection, { reason: Reason.TLS_ERROR, detail: code })
  }
}
