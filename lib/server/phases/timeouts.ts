import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import { NOTHING_SENT, Reason } from '../../reasons.ts'
import { factsOf } from '../../request/request-facts.ts'
import { stateOf } from '../../request/request-state.ts'
import { outsideRequests } from '../../runtime/async-context.ts'
import { parserOf, parsersAtWork, resetSocket, unsentBytes } from '../../runtime/raw-socket.ts'
import { isMostlyDropped } from '../../wire/http2-drops.ts'
import { type Connection, isSpare, type StreamRecord } from '../connection.ts'
import { dropRequest, endConnection, rawHandOff } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { makeDeadSessionProbe } from './node20-dead-sessions.ts'

/** How often connections are looked at, in ms: what a limit may be late by, twice at most. */
const INTERVAL = 250

/** How long a client may take to close its side of an HTTP/2 connection that is over, where `headerTimeout` sets no limit, in ms. */
const LINGER = 10_000

/** Bytes of a frame that acknowledges another, with its TLS record. */
const MAX_ACKNOWLEDGEMENT = 64

/*
 * Node has time limits, but enforces them once in 30 seconds and answers 408. One timer looks at how far each connection's
 * bytes have come: that tells a slow client from a slow app, and costs a request nothing.
 */

const late = { handshake: Reason.HANDSHAKE_TIMEOUT, head: Reason.HEADER_TIMEOUT } as const

/** Watches the connections of a site while there are any; returns what ends it. */
export function watchTimeouts(guarded: GuardedServer): () => void {
  const { settings, connections } = guarded
  let timer: NodeJS.Timeout | undefined
  let atWork: ReadonlySet<unknown> | undefined

  // It sends a frame.
  const probe = settings.dryRun ? undefined : makeDeadSessionProbe(guarded)
  const limits = { handshake: settings.handshakeTimeout, head: settings.headerTimeout }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  function sweep(): void {
    if (!timer || connections.size === 0) return stop()
    const now = performance.now()
    atWork = undefined
    for (const connection of connections) {
      if (connection.tcp.destroyed) connections.delete(connection)
      else if (connection.stage !== 'released' && !connection.isExcepted) {
        probe?.(connection)
        look(connection, now)
      }
    }
  }

  /** The next head may have begun in the packet that ended the last request: asked once, then its bytes tell. */
  function hasBegun(connection: Connection): boolean {
    const parser = connection.http1 && parserOf(connection.http1)
    connection.http1 = undefined
    if (!parser) return false
    atWork ??= parsersAtWork(guarded.server)
    return atWork.has(parser)
  }

  const isOver = (since: number, limit: number, now: number) => limit > 0 && now - since >= limit

  function look(connection: Connection, now: number): void {
    lookAtSending(connection, now)
    if (connection.ended) return lookAtBroken(connection, now)
    const { stage, since } = connection
    if (stage === 'handshake' || stage === 'head') {
      if (isOver(since, limits[stage], now)) connection.inContext(() => end(connection, late[stage]))
    } else if (stage === 'idle') {
      if (connection.tcp.bytesRead !== connection.bytesAtRest || hasBegun(connection))
        connection.enter('head')
    } else if (connection.session) lookAtSession(connection, connection.session, now)
    else lookAtBody(connection, now)
  }

  function end(connection: Connection, reason: Reason): void {
    const isUnused = isSpare(connection)
    const detail = isUnused ? NOTHING_SENT : undefined
    // A proxy that is in the middle of a request awaits a response; one that keeps a connection ready does not.
    const how = isUnused || connection.stage === 'handshake' ? {} : rawHandOff(guarded, connection)
    endConnection(guarded, connection, { reason, detail }, how)
    // In a dry run it is told once.
    connection.stage = 'request'
  }

  /** nginx `client_body_timeout`: between two reads. It runs only while the app waits for the client. */
  function lookAtBody(connection: Connection, now: number): void {
    const { last, exchanges, tcp } = connection
    if (!last || last.complete) {
      if (exchanges.length > 0) return
      connection.bytesAtRest = tcp.bytesRead
      connection.last = undefined
      connection.enter('idle')
      return
    }
    const [first] = exchanges
    const waitsForClient =
      last.readableLength === 0 &&
      // A stream that was handed to the server in place of a socket may not count.
      tcp.bytesRead !== undefined &&
      !connection.isPaused &&
      (!first || (first.req === last && !first.awaitsContinue))
    if (!waitsForClient || tcp.bytesRead !== connection.bodyMark) {
      connection.bodyMark = tcp.bytesRead
      connection.bodySince = now
    } else if (isOver(connection.bodySince, settings.bodyTimeout, now))
      connection.inContext(() => endRequest(connection, last))
  }

  function endRequest(connection: Connection, req: IncomingMessage): void {
    connection.bodySince = performance.now()
    // Its response may be out already.
    const state = stateOf(req)
    const { res, dropped } = state
    if (!settings.dryRun) state.isBodyLost = true
    // What a proxy still sends of a dropped one is read to its end, for a while.
    if (dropped && !connection.isProxy) connection.tcp.destroy()
    else if (res) dropRequest(guarded, req, res, { reason: Reason.BODY_TIMEOUT })
  }

  function lookAtSession(connection: Connection, session: ServerHttp2Session, now: number): void {
    const { streams, tcp } = connection
    if (session.destroyed) {
      if (settings.dryRun) return
      // The server has sent FIN. A client that does not answer it must not keep the socket.
      connection.sessionOver ??= now
      const isLeft = isOver(connection.sessionOver, settings.headerTimeout || LINGER, now)
      if (isLeft && !unsentBytes(tcp)) tcp.destroy()
    } else if (streams && streams.size > 0) {
      connection.since = now
      for (const record of streams.values()) lookAtStream(connection, record, now)
    } else if (
      !settings.dryRun &&
      isOver(connection.since, settings.headerTimeout, now) &&
      isMostlyDropped(session)
    ) {
      // A dropped client must not keep an idle connection. A request on its way comes behind the GOAWAY: the client sends it anew.
      session.close()
    }
  }

  /** A stream that is answered already may stay open both ways for as long as its app likes. */
  function lookAtStream(connection: Connection, record: StreamRecord, now: number): void {
    const { stream, req, res } = record
    // `complete` of a request says only whether the app has read to the end.
    if (stream.headersSent || stream.endAfterHeaders || stream.destroyed || stream.state.remoteClose === 1)
      return
    const mark = stream.state.localWindowSize ?? 0
    const isUnread = stream.readableLength > 0 || (req?.readableLength ?? 0) > 0
    if (isUnread || record.awaitsContinue || mark !== record.bodyMark) {
      record.bodyMark = mark
      record.bodySince = now
    } else if (req && res && isOver(record.bodySince, settings.bodyTimeout, now)) {
      record.bodySince = now
      connection.inContext(() => dropRequest(guarded, req, res, { reason: Reason.BODY_TIMEOUT }))
    }
  }

  /** nginx `send_timeout`: the client takes nothing of what waits for it. RST, as the kernel holds bytes for it too. */
  function lookAtSending(connection: Connection, now: number): void {
    const { tcp } = connection
    const unsent = unsentBytes(tcp)
    // Then a slow reader can't be told from one that does not read.
    if (unsent === undefined) return
    const sent = tcp.bytesWritten - unsent
    const waits = unsent > 0 || heldBack(connection) !== undefined
    // The acknowledgement of a PING is no progress.
    const owed = (connection.controls - connection.controlsMark) * MAX_ACKNOWLEDGEMENT
    if (!waits || sent - connection.sentMark > owed) {
      connection.sentMark = sent
      connection.controlsMark = connection.controls
      connection.sentSince = now
    } else if (isOver(connection.sentSince, settings.sendTimeout, now)) {
      connection.sentSince = now
      connection.inContext(() => endSending(connection))
    }
  }

  function endSending(connection: Connection): void {
    if (connection.ended) {
      resetSocket(connection.tcp)
      return
    }
    const [first = heldBack(connection)] = connection.exchanges
    const req = first?.req ?? connection.last
    if (req && !settings.dryRun) stateOf(req).dropped = true
    const facts = req && factsOf(req)
    const how = { facts, req, reset: true, sentStatus: first?.res?.statusCode }
    endConnection(guarded, connection, { reason: Reason.SEND_TIMEOUT }, how)
  }

  /** A response that had started when its request broke off gets on, or is given up. */
  function lookAtBroken(connection: Connection, now: number): void {
    if (!connection.isBroken) return
    const { bytesWritten } = connection.tcp
    if (bytesWritten !== connection.bodyMark) {
      connection.bodyMark = bytesWritten
      connection.bodySince = now
    } else if (isOver(connection.bodySince, settings.bodyTimeout, now)) connection.tcp.destroy()
  }

  guarded.onAdmit = () => {
    if (timer) return
    // Behind the poll phase: what came while the process was busy is read first.
    timer = outsideRequests(() => setInterval(() => setImmediate(sweep).unref(), INTERVAL).unref())
  }
  return () => {
    guarded.onAdmit = () => {}
    stop()
  }
}

/** HTTP/2: bytes that the client's window holds back. */
function heldBack({ streams }: Connection): StreamRecord | undefined {
  for (const record of streams?.values() ?? []) if (record.stream.writableLength > 0) return record
  return undefined
}
