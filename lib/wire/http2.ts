import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { isClosing, markClosing, sessionOf } from '../request/request-state.ts'
import { resetSocket, sessionSocket } from '../runtime/raw-socket.ts'
import { CANCEL } from './http2-codes.ts'
import { countDrop } from './http2-drops.ts'
import { endWithGoaway, isLeaving } from './http2-goaway.ts'
import { markStatus } from './mark-status.ts'

/**
 * How an HTTP/2 connection is dropped. A number: each dropped stream is reset, and after this many drops the connection ends with
 * GOAWAY, unless more of its requests since the first drop are open, or were answered with a status below 400, than were dropped.
 * `'goaway'`: it ends so at the first drop. `'stream'`: only the stream is reset. `'destroy'`: the connection ends at once, with no
 * frame.
 */
export type Http2Mode = number | 'goaway' | 'destroy' | 'stream'

/** The default number of drops. A real page may cause some, by images and scripts that no longer exist. */
export const DEFAULT_DROPS = 20

/** How one request is to be dropped. */
export interface Http2How {
  readonly mode: Http2Mode
  readonly reset: boolean
  /** Only rules have seen the request, so nothing will be written to it. */
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
  const isHeld = ends && endWithGoaway(req, session, how.isUnseen && !stream.headersSent)
  if (!isHeld && !stream.destroyed) stream.close(CANCEL)
  return ends ? 'goaway' : 'reset'
}

/** Whether this drop ends its connection, or the connection is ending already. */
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
