import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { markClosing, stateOf } from '../request/request-state.ts'
import { inThisContext } from '../runtime/async-context.ts'
import { shared } from '../runtime/copies.ts'
import { ignore, isUpgrade, resetSocket, serverOf } from '../runtime/raw-socket.ts'
import { markStatus } from './mark-status.ts'

/** How long a connection stays half-closed so that the client can read earlier responses, in ms (nginx: `lingering_timeout`). */
const LINGER = 2_000

/** Whether an earlier, pipelined response is still to be sent. Then this one has no socket yet. */
export function isPending(res: ServerResponse | undefined): res is ServerResponse {
  return res !== undefined && res.socket === null && !res.writableFinished
}

/**
 * Closes an HTTP/1 connection without a byte for this request. Responses to earlier, pipelined requests are sent first.
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
  // Node has given the socket of an upgrade away, so no response waits for its turn there.
  if (isPending(res) && !isUpgrade(req)) {
    markStatus(res)
    const close = inThisContext((turn: Socket) => closeInTurn(req, turn))
    res.once('socket', close)
    return 'close'
  }
  // This request waited for its turn, and a later one was dropped: an earlier response has only just been sent.
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

/** Shared between copies: its identity among a socket's listeners tells that the socket is being discarded. */
const discard = /* @__PURE__ */ shared('discard', () => () => {})

/** Destroys a socket when the client ends its side, unless `httpAllowHalfOpen` lets the client go on reading. */
function closeBehindClient(this: Socket): void {
  if (!serverOf(this)?.httpAllowHalfOpen || this.writableEnded) this.destroy()
}

const isDiscarding = (socket: Socket) => socket.listeners('data').includes(discard)

/**
 * Stops reading requests from a connection that is to be closed. Its bytes are still read, so that the client's end is
 * noticed, but discarded before they are parsed.
 */
export function stopParsing(socket: Socket): void {
  if (isDiscarding(socket)) return
  socket.removeAllListeners('data')
  socket.on('data', discard)
  // Before Node's own listener, which would answer half a request with 400.
  socket.prependListener('end', closeBehindClient)
  socket.resume()
}

/**
 * Closes a connection after the earlier responses, which the kernel has now. If the socket were destroyed while bytes of the
 * client are unread, the kernel would send RST, which discards what the client has not read yet. So FIN is sent, and the client's
 * bytes are read for a while. Under TLS such a FIN comes with a close_notify, so only a client that was seen to send more gets it.
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

/** Closes a connection whose last response the kernel has, while the client may still be sending. */
export function closeAfterResponses(socket: Socket): void {
  linger(socket)
  stopParsing(socket)
}

function linger(socket: Socket): void {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), LINGER).unref()
  socket.once('close', () => clearTimeout(timer))
}
