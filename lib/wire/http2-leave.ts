import type { Http2ServerRequest, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { markClosing } from '../request/request-state.ts'
import { outsideRequests } from '../runtime/async-context.ts'
import { shared } from '../runtime/copies.ts'
import { sessionSocket } from '../runtime/raw-socket.ts'
import { CANCEL, NO_ERROR } from './http2-codes.ts'

/** In ms: when no stream has come for this long, what the client had sent without knowing of the end has come. */
const QUIET = 100

/** In ms: a client that does not fall quiet is waited for no longer than this. */
const PATIENCE = 1_000

/** Dropped streams of a session that wait for its end; others are reset at once. */
const MOST_HELD = 256

/** RFC 9113 6.8: the last stream of a GOAWAY that excludes none. */
const ANY_STREAM = 2 ** 31 - 1

/** A session that is ending. */
interface Leaving {
  /** Dropped streams that are reset behind the GOAWAY; undefined once it is sent. */
  held: ServerHttp2Stream[] | undefined
  /** When the last stream came. */
  newest: number
  /** Sends the GOAWAY. */
  readonly finish: () => void
}

const leaving = /* @__PURE__ */ shared('leaving', () => new WeakMap<ServerHttp2Session, Leaving>())

export const isLeaving = (session: ServerHttp2Session): boolean => leaving.has(session)

/**
 * Ends the connection of a dropped request with GOAWAY; or, where it is ending already, lets the request share that end.
 *
 * Node tells nobody of a request that it reads behind a GOAWAY. So first comes what the client has sent without knowing of it:
 * that is judged as ever, and what passes is answered. The dropped stream is held meanwhile, so that a client that asks for one
 * thing after the other asks for nothing more.
 *
 * @param canHold whether nothing else will be written to the stream; where it may be, the GOAWAY is sent at once
 * @returns whether the stream is held: it is reset behind the GOAWAY
 */
export function leave(req: Http2ServerRequest, session: ServerHttp2Session, canHold: boolean): boolean {
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
    // In front of the resets: a client that hears of them first asks once more.
    session.goaway(NO_ERROR, ANY_STREAM)
    for (const stream of held) if (!stream.destroyed) stream.close(CANCEL)
    // When that is sent: a second GOAWAY, which names the last stream that was read, and the end, with the last stream in flight.
    setImmediate(() => session.destroyed || session.close())
  }

  return record
}
