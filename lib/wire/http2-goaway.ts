import type { Http2ServerRequest, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { markClosing } from '../request/request-state.ts'
import { outsideRequests } from '../runtime/async-context.ts'
import { shared } from '../runtime/copies.ts'
import { sessionSocket } from '../runtime/raw-socket.ts'
import { CANCEL, NO_ERROR } from './http2-codes.ts'

/** When no stream has come for this many ms, everything has arrived that the client sent before it knew of the end. */
const QUIET = 100

/** A client that keeps sending is waited for no longer than this, in ms. */
const PATIENCE = 1_000

/** The most dropped streams of a session that wait for its end; further ones are reset at once. */
const MOST_HELD = 256

/** The last stream id of a GOAWAY that refuses no stream (RFC 9113 6.8). */
const ANY_STREAM = 2 ** 31 - 1

/** A session that is ending. */
interface Leaving {
  /** Dropped streams, which are reset after the GOAWAY; undefined once it is sent. */
  held: ServerHttp2Stream[] | undefined
  /** The time of the last new stream. */
  newest: number
  /** Sends the GOAWAY. */
  readonly finish: () => void
}

const leaving = /* @__PURE__ */ shared('leaving', () => new WeakMap<ServerHttp2Session, Leaving>())

export const isLeaving = (session: ServerHttp2Session): boolean => leaving.has(session)

/**
 * Ends the connection of a dropped request with GOAWAY. If the connection is ending already, the request shares that end.
 *
 * Node emits no event for a request that it reads after a GOAWAY. So the requests that the client has already sent are awaited
 * first: they are judged as usual, and answered if they pass. The dropped stream is held meanwhile, so that a client that sends
 * one request at a time sends no further one.
 *
 * @param canHold whether nothing else will be written to the stream; otherwise the GOAWAY is sent at once
 * @returns whether the stream is held: then it is reset after the GOAWAY
 */
export function endWithGoaway(
  req: Http2ServerRequest,
  session: ServerHttp2Session,
  canHold: boolean,
): boolean {
  const known = leaving.get(session)
  const { held, finish } = known ?? outsideRequests(() => begin(req, session))
  if (!canHold && !known) outsideRequests(finish)
  if (!canHold || !held || held.length >= MOST_HELD) return false
  held.push(req.stream)
  return true
}

function begin(req: Http2ServerRequest, session: ServerHttp2Session): Leaving {
  const since = performance.now()
  let timer = setTimeout(look, QUIET).unref()
  const record: Leaving = { held: [], newest: since, finish }
  leaving.set(session, record)
  sessionSocket(session)
  session.on('stream', () => {
    record.newest = performance.now()
  })

  function look(): void {
    const rest = Math.min(record.newest + QUIET, since + PATIENCE) - performance.now()
    if (rest > 0) timer = setTimeout(look, Math.ceil(rest)).unref()
    else finish()
  }

  function finish(): void {
    clearTimeout(timer)
    const held = record.held ?? []
    record.held = undefined
    if (session.destroyed) return
    markClosing(req, ANY_STREAM)
    // Before the resets: a client that gets a reset first sends the request once more.
    session.goaway(NO_ERROR, ANY_STREAM)
    for (const stream of held) if (!stream.destroyed) stream.close(CANCEL)
    // Once that is sent: a second GOAWAY, which names the last stream read. The session ends with its last open stream.
    setImmediate(() => session.destroyed || session.close())
  }

  return record
}
