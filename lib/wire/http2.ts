import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { outsideRequests } from '../async-context.ts'
import { isClosing, markClosing, sessionOf } from '../request-state.ts'
import { markStatus } from './mark-status.ts'
import { resetSocket, sessionSocket } from './raw-socket.ts'

/**
 * How an HTTP/2 connection is dropped. `'goaway'`: this stream is reset, new streams are refused, those in flight may
 * finish within 10 seconds, then the connection ends. `'destroy'`: it ends at once, with no frame. `'stream'`: only this
 * stream is reset.
 */
export type Http2Mode = 'goaway' | 'destroy' | 'stream'

/** Error codes of RFC 9113 7: `node:http2`, which has names for them, takes long to load. */
export const NO_ERROR = 0
const CANCEL = 8

/** What streams in flight get to finish, in milliseconds. */
const GRACE = 10_000

const leaving = new WeakSet<ServerHttp2Session>()

/**
 * Drops an HTTP/2 request without HEADERS for its stream.
 *
 * @returns what was done
 */
export function closeHttp2(
  req: Http2ServerRequest,
  res: Http2ServerResponse | undefined,
  mode: Http2Mode,
  reset: boolean,
): 'close' | 'reset' | 'goaway' {
  const { stream } = req
  const session = sessionOf(req)
  if (res) markStatus(res)
  if (mode === 'destroy') return session && !isClosing(req) ? destroySession(req, session, reset) : 'close'
  if (session && !session.destroyed && mode === 'goaway') leave(req, session)
  // A stream behind a GOAWAY is closed by it. To reset it as well corrupts the heap of Node 20.
  if (!stream.destroyed && !isClosing(req)) stream.close(CANCEL)
  return mode === 'goaway' ? 'goaway' : 'reset'
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
  if (reset && resetSocket(socket)) return 'reset'
  socket.destroy()
  return 'close'
}

/** GOAWAY first, so that no further stream is processed; then the session ends with the last stream, or after the grace. */
function leave(req: Http2ServerRequest, session: ServerHttp2Session): void {
  if (leaving.has(session)) return
  leaving.add(session)
  const socket = sessionSocket(session)
  session.goaway(NO_ERROR)
  // What the GOAWAY names as unprocessed the client may send again: it must not run here.
  markClosing(req, session.state.lastProcStreamID)
  outsideRequests(() => {
    const timer = setTimeout(() => socket.destroy(), GRACE).unref()
    session.once('close', () => clearTimeout(timer))
    // After this turn, when the dropped stream is closed: a session without streams would end at once.
    setImmediate(() => session.destroyed || session.close())
  })
}
