import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { isClosing, markClosing, sessionOf } from '../request/request-state.ts'
import { resetSocket, sessionSocket } from '../runtime/raw-socket.ts'
import { CANCEL } from './http2-codes.ts'
import { countDrop } from './http2-drops.ts'
import { isLeaving, leave } from './http2-leave.ts'
import { markStatus } from './mark-status.ts'

/**
 * How an HTTP/2 connection is dropped. A number: each dropped stream is reset, and the connection ends, with GOAWAY, at this
 * many drops, unless more of its requests than that are being answered or were, with a status below 400. `'goaway'`: it ends so
 * at the first drop. `'stream'`: the stream is reset, nothing else. `'destroy'`: the connection ends at once, with no frame.
 */
export type Http2Mode = number | 'goaway' | 'destroy' | 'stream'

/** Drops on one connection that a page may explain: images and scripts that it still names. */
export const DEFAULT_DROPS = 20

/** How one request is to be dropped. */
export interface Http2How {
  readonly mode: Http2Mode
  readonly reset: boolean
  /** Nobody but rules has seen the request: nothing will be written to it. */
  readonly isUnseen: boolean
}

/**
 * Drops an HTTP/2 request without HEADERS for its stream.
 *
 * @returns what was done
 */
export function closeHttp2(
  req: Http2ServerRequest,
  res: Http2ServerResponse | undefined,
  how: Http2How,
): 'close' | 'reset' | 'goaway' {
  const { mode } = how
  const { stream } = req
  const session = sessionOf(req)
  if (res) markStatus(res)
  if (mode === 'destroy')
    return session && !session.destroyed && !isClosing(req)
      ? destroySession(req, session, how.reset)
      : 'close'
  if (isClosing(req)) return 'close'
  const ends = session !== undefined && !session.destroyed && endsConnection(req, session, mode)
  const isHeld = ends && leave(req, session, how.isUnseen && !stream.headersSent)
  if (!isHeld && !stream.destroyed) stream.close(CANCEL)
  return ends ? 'goaway' : 'reset'
}

/** Whether this drop ends its connection, or comes while it is ending. */
function endsConnection(req: Http2ServerRequest, session: ServerHttp2Session, mode: Http2Mode): boolean {
  if (mode === 'stream') return false
  const isTooMany = countDrop(session, req.stream, mode === 'goaway' ? 1 : (mode as number))
  return mode === 'goaway' || isTooMany || isLeaving(session)
}

/** Ends the TCP connection under the session: `session.destroy()` would send a GOAWAY first. */
function destroySession(
  req: Http2ServerRequest,
  session: ServerHttp2Session,
  reset: boolean,
): 'close' | 'reset' {
  markClosing(req)
  session.on('error', () => {})
  const socket = sessionSocket(session)
  if (reset && socket && resetSocket(socket)) return 'reset'
  if (socket) socket.destroy()
  else session.destroy()
  return 'close'
}
