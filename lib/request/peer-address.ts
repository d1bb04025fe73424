import type { Socket } from 'node:net'
import { type Address, parseAddress } from '../match/addresses/address.ts'
import { SetMemo } from '../match/addresses/set-memo.ts'
import { sharedKey } from '../runtime/copies.ts'
import { tcpSocket } from '../runtime/raw-socket.ts'
import { acceptedFrom, GONE, UNIX_SOCKET } from './accepted.ts'
import { isHttp2, type Request } from './http-types.ts'
import { sessionOf } from './request-state.ts'

/** The other end of a connection. */
export interface Peer {
  /** Undefined on a unix-domain socket, which has no address, and if the peer had left before its address was read. */
  readonly address: Address | undefined
  /** The address as the kernel writes it: IPv4 may be mapped into IPv6. */
  readonly written: string | undefined
  /** The connection is a unix-domain socket. */
  readonly isUnix: boolean
  /** The peer had left before its address could be read. */
  readonly isGone: boolean
}

const unix: Peer = { address: undefined, written: undefined, isUnix: true, isGone: false }
const gone: Peer = { address: undefined, written: undefined, isUnix: false, isGone: true }

const kPeer: unique symbol = /* @__PURE__ */ sharedKey('peer') as never

type Carrier = { [kPeer]?: Peer }

/** The peer of a socket, kept on `holder` (default: the socket itself); undefined if its address is unknown. */
export function peerOf(holder: object, socket: object | undefined = holder): Peer | undefined {
  const carrier = holder as Carrier
  // Kept, because the first read costs a system call, and a closed socket has no address to read.
  if (carrier[kPeer]) return carrier[kPeer]
  const peer = peerWritten((socket && writtenOf(socket)) ?? acceptedFrom(holder))
  if (peer) carrier[kPeer] = peer
  return peer
}

function writtenOf(socket: { remoteAddress?: string | undefined }): string | undefined {
  // The socket's own address comes first: a server behind the PROXY protocol may have set it to the client's after the accept.
  if (socket.remoteAddress !== undefined) return socket.remoteAddress
  const tcp = tcpSocket(socket as Socket) ?? socket
  return (tcp as Carrier)[kPeer]?.written ?? acceptedFrom(tcp)
}

function peerWritten(written: string | undefined): Peer | undefined {
  if (written === undefined) return undefined
  if (written === UNIX_SOCKET) return unix
  if (written === GONE) return gone
  const address = parseAddress(written)
  return address && { address: { ...address, setMemo: new SetMemo() }, written, isUnix: false, isGone: false }
}

/** The peer of a request's connection. */
export function peerOfRequest(req: Request): Peer | undefined {
  if (!isHttp2(req)) return req.socket && peerOf(req.socket)
  const session = sessionOf(req)
  return session && peerOf(session, session.destroyed ? undefined : session.socket)
}

/** The address of the TCP peer; undefined on a unix-domain socket, and if the client left before it was accepted. */
export function peerAddress(req: Request): Address | undefined {
  return peerOfRequest(req)?.address
}

/** The address of a socket's peer, kept on `holder` (default: the socket itself). */
export function peerAddressOf(holder: object, socket: object | undefined = holder): Address | undefined {
  return peerOf(holder, socket)?.address
}
