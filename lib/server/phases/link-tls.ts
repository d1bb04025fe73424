import type { Socket } from 'node:net'
import { linkSocket, tcpSocket } from '../../runtime/raw-socket.ts'
import type { Connection } from '../connection.ts'

/**
 * Has a new TLS socket know the TCP socket below it. Where Node does not tell, it is found by both its ends among the connections
 * in a handshake.
 */
export function linkTls(tls: Socket, connections: Iterable<Connection>): void {
  if (tcpSocket(tls)) return
  const same = [...connections].filter(({ phase, tcp }) => phase === 'handshake' && haveSameEnds(tcp, tls))
  const [only] = same
  if (only && same.length === 1) return linkSocket(tls, only.tcp)
  // Unix-domain sockets are all alike. One of these is through with its handshake, so none can be held to its limit.
  for (const connection of same) connection.enter('released')
}

const haveSameEnds = (a: Socket, b: Socket) =>
  a.remoteAddress === b.remoteAddress && a.remotePort === b.remotePort && a.localPort === b.localPort
