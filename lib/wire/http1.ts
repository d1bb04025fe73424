import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { markClosing, stateOf } from '../request/request-state.ts'
import { inThisContext } from '../runtime/async-context.ts'
import { shared } from '../runtime/copies.ts'
import { ignore, isUpgrade, resetSocket, serverOf } from '../runtime/raw-socket.ts'
import { markStatus } from './mark-status.ts'

/** How long a client that has sent more than was read may read the earlier response, ms (nginx: `lingering_timeout`). */
const LINGER = 2_000

/** Whether responses to earlier, pipelined requests are still to be sent: then this one has no socket yet. */
export function isPending(res: ServerResponse | undefined): res is ServerResponse {
  return res !== undefined && res.socket === null && !res.writableFinished
}

/**
 * Closes an HTTP/1 connection with no byte sent for this request, after the earlier responses, which were promised.
 *
 * @returns what was done
 */
export function closeHttp1(
  req: IncomingMessage,
  res: ServerResponse | undefined,
  reset: boolean,
): 'close' | 'reset' {
  markClosing(req)
  const { socket } = req
  if (!socket || socket.destroyed) {
    if (res) markStatus(res)
    return 'close'
  }
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore)
  // Of an upgrade request Node has given the socket away: no response has its turn there.
  if (isPending(res) && !isUpgrade(req)) {
    markStatus(res)
    const close = inThisContext((turn: Socket) => closeInTurn(req, turn))
    res.once('socket', close)
    return 'close'
  }
  // It was held until its turn, behind which another was dropped: an earlier response has only just gone out.
  if (stateOf(req).waited && isDiscarding(socket)) {
    if (res) markStatus(res)
    closeInTurn(req, socket)
    return 'close'
  }
  let action: 'close' | 'reset' = 'close'
  if (reset && resetSocket(socket)) action = 'reset'
  else socket.destroy()
  if (res) markStatus(res)
  return action
}

/** Known by its identity among the listeners of a socket. */
const discard = /* @__PURE__ */ shared('discard', () => () => {})

/** A client that has sent all it has may still read, where the server was told so. */
function leave(this: Socket): void {
  if (!serverOf(this)?.httpAllowHalfOpen || this.writableEnded) this.destroy()
}

const isDiscarding = (socket: Socket) => socket.listeners('data').includes(discard)

/**
 * Takes no more requests from a connection whose end is decided: what comes is read, so that the client's leaving is
 * noticed, and thrown away before it is parsed.
 */
export function stopParsing(socket: Socket): void {
  if (isDiscarding(socket)) return
  socket.removeAllListeners('data')
  socket.on('data', discard)
  // Before Node's own listener, which would answer the half of a request with 400.
  socket.prependListener('end', leave)
  socket.resume()
}

/**
 * The earlier responses are with the kernel now. Destroying the socket while bytes of the client are unread would make the
 * kernel send RST, which throws away what the client has not read yet: so FIN, and what still comes is read for a while.
 * Under TLS a FIN of this kind comes with a close_notify: there it is kept for clients that were seen to send more.
 */
function closeInTurn(req: IncomingMessage, socket: Socket): void {
  if (req.complete && (socket as TLSSocket).encrypted && !isDiscarding(socket)) {
    socket.destroy()
    return
  }
  if (req.complete) return closeAfterResponses(socket)
  linger(socket)
  req.resume()
  req.once('end', () => socket.destroy())
}

/** Closes a connection whose last response is with the kernel, while the client may be sending. */
export function closeAfterResponses(socket: Socket): void {
  linger(socket)
  stopParsing(socket)
}

function linger(socket: Socket): void {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), LINGER).unref()
  socket.once('close', () => clearTimeout(timer))
}
