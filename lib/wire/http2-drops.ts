import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { shared } from '../runtime/copies.ts'

/** Counts the streams of a session, from its first drop on. */
interface Tally {
  dropped: number
  /** Streams that are open, or were answered with a status below 400. */
  others: number
}

const tallies = /* @__PURE__ */ shared('tallies', () => new WeakMap<ServerHttp2Session, Tally>())

/** Open streams that a tally counts as `others`. */
const counted = /* @__PURE__ */ shared('counted', () => new WeakSet<ServerHttp2Stream>())

/**
 * Counts a drop of a session.
 *
 * @returns whether the session has `most` drops by now, and is mostly dropped
 */
export function countDrop(session: ServerHttp2Session, stream: ServerHttp2Stream, most: number): boolean {
  const tally = tallies.get(session) ?? startTally(session)
  tally.dropped++
  if (counted.delete(stream)) tally.others--
  return tally.dropped >= most && isMostlyDropped(session)
}

/** Whether at least half of a session's requests since its first drop were dropped. A real page has more that are not. */
export function isMostlyDropped(session: ServerHttp2Session): boolean {
  const tally = tallies.get(session)
  return tally !== undefined && tally.others <= tally.dropped
}

function startTally(session: ServerHttp2Session): Tally {
  const tally: Tally = { dropped: 0, others: 0 }
  tallies.set(session, tally)
  // Before Node's own listener, which passes the stream to the app: it may be dropped at once.
  session.prependListener('stream', stream => {
    // Cancelled in the packet that opened it: that is no part of a page, and its 'close' may have been emitted already.
    if (stream.destroyed) return
    tally.others++
    counted.add(stream)
    stream.once('close', () => {
      const isAnswered = Number(stream.sentHeaders?.[':status']) < 400
      if (counted.delete(stream) && !isAnswered) tally.others--
    })
  })
  return tally
}
