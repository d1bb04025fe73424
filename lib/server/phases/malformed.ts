import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { makeVerdict } from '../../events/drop-event.ts'
import { preparePublish } from '../../events/publish.ts'
import type { Finding } from '../../reasons.ts'
import { NOTHING_SENT, Reason } from '../../reasons.ts'
import { trustOf } from '../../request/client-address.ts'
import type { RequestFacts } from '../../request/request-facts.ts'
import { isEnding, stateOf } from '../../request/request-state.ts'
import { inThisContext } from '../../runtime/async-context.ts'
import { closeAfterResponses, stopParsing } from '../../wire/http1.ts'
import { type Connection, isSpare } from '../connection.ts'
import { dropRequest, endConnection, publishConnectionOnce, rawHandOff } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { checkForeignProtocol } from './check-head.ts'
import { type ClientError, factsOfHead, reasonOf } from './parser-error.ts'
import { readRawHead, unknownRequest } from './raw-head.ts'
import { endOnTlsError } from './tls.ts'

/** Handles `clientError`: requests that Node would answer with 400, 408, 413 or 431. */
export function makeMalformedPhase(guarded: GuardedServer): (error: ClientError, socket: Socket) => boolean {
  const { dryRun } = guarded.settings

  return function clientError(error, socket) {
    const connection = guarded.connectionOf(socket)
    // Other errors are of the connection itself: the client has gone.
    if (!error.code?.startsWith('HPE_') && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') {
      endOnTlsError(guarded, error, socket)
      return guarded.emit('clientError', error, socket) || (!dryRun && closeUnanswered(socket))
    }
    // Node reports every packet behind the first error, and behind a dropped request.
    if (connection.ended || socket.destroyed)
      return dryRun ? guarded.emit('clientError', error, socket) : true
    // The app has ended its side, by a timeout of its own or an early answer: then so does the client.
    if (error.code === CUT_OFF && socket.writableEnded)
      return dryRun ? guarded.emit('clientError', error, socket) : closeUnanswered(socket)
    const { last } = connection
    return last && !last.complete
      ? onBody(guarded, connection, last, socket, error)
      : onHead(guarded, connection, socket, error)
  }
}

/** RFC 9112 9.6: bytes behind the last request of a connection are ignored. */
const BEHIND_THE_LAST = 'HPE_CLOSED_CONNECTION'

/** The client's side has ended in the middle of a request. */
const CUT_OFF = 'HPE_INVALID_EOF_STATE'

/** Closes without the 400 that Node would write. */
function closeUnanswered(socket: Socket): true {
  socket.destroy()
  return true
}

function onHead(guarded: GuardedServer, connection: Connection, socket: Socket, error: ClientError): boolean {
  const acts = !connection.isExcepted && !guarded.settings.dryRun
  if (acts && error.code === BEHIND_THE_LAST) {
    endBehindLast(guarded, connection, socket, error)
    return true
  }
  const facts = factsOfHead(connection, socket, error)
  const reason = reasonOf(error)
  const isUnused = reason === Reason.REQUEST_TIMEOUT && isSpare(connection)
  const finding = { reason, detail: isUnused ? NOTHING_SENT : error.code }
  if (acts && connection.exchanges.length > 0) {
    endBehind(guarded, connection, socket, finding, facts)
    return true
  }
  const how = { facts, ...rawHandOff(guarded, connection, socket) }
  return endConnection(guarded, connection, finding, how) || guarded.emit('clientError', error, socket)
}

const foreignLine = /^(\S+) +(\S+) +((?:RTSP|ICE)\/\d\.\d)$/

/** Ignores bytes behind the last request, except RTSP and ICE: these show a scanner, and are published. */
function endBehindLast(
  guarded: GuardedServer,
  connection: Connection,
  socket: Socket,
  error: ClientError,
): void {
  const { rawPacket, bytesParsed = 0 } = error
  // Node counts the character at which it noticed.
  const facts = rawPacket ? readRawHead(rawPacket.subarray(Math.max(0, bytesParsed - 1))) : unknownRequest
  const [, method = '', url = '', protocol] = foreignLine.exec(facts.requestLine ?? '') ?? []
  if (protocol !== undefined && connection.exchanges.length > 0)
    return endBehind(guarded, connection, socket, checkForeignProtocol(method, url, protocol), {
      ...facts,
      ...{ method, url, httpVersion: '1.0', requestLine: undefined },
    })
  connection.ended = true
  stopParsing(socket)
}

/** Ends a connection behind the answers of earlier requests, and publishes its event then. */
export function endBehind(
  guarded: GuardedServer,
  connection: Connection,
  socket: Socket,
  finding: Finding,
  facts: RequestFacts,
): void {
  connection.ended = true
  endInTurn(connection, socket, () => publishConnectionOnce(guarded, connection, finding, { facts }))
}

/** An error in the body of a request that the rules had passed, or had not judged yet. */
function onBody(
  guarded: GuardedServer,
  connection: Connection,
  req: IncomingMessage,
  socket: Socket,
  error: ClientError,
): boolean {
  const finding = { reason: reasonOf(error), detail: error.code }
  stateOf(req).isBodyLost = true
  const exchange = connection.exchanges.find(open => open.req === req)
  const res = exchange?.res ?? (stateOf(req).res as ServerResponse)
  if (connection.isExcepted) return guarded.emit('clientError', error, socket)
  // The client has its answer, and breaks off a body that nobody reads.
  if (!exchange && finding.reason === Reason.TRUNCATED_REQUEST) {
    if (guarded.settings.dryRun) return guarded.emit('clientError', error, socket)
    socket.destroy()
    return true
  }
  if (exchange?.res.headersSent && !guarded.settings.dryRun) {
    publishBrokenRequest(guarded, req, exchange.res.statusCode, finding)
    connection.isBroken = true
  } else if (!dropRequest(guarded, req, res, finding)) return guarded.emit('clientError', error, socket)
  connection.ended = true
  if (!socket.destroyed) endInTurn(connection, socket)
  return true
}

/** Publishes a request whose body broke after its response had started. The response goes on; the event has its status. */
function publishBrokenRequest(
  guarded: GuardedServer,
  req: IncomingMessage,
  sentStatus: number,
  finding: Finding,
): void {
  const state = stateOf(req)
  if (state.eventPublished) return
  state.eventPublished = true
  const publish = preparePublish(req, trustOf(req, guarded.settings.trustProxy))
  publish(makeVerdict(guarded.settings.name, finding, 'close', sentStatus))
}

/**
 * Ends a connection after the responses of earlier requests, and then publishes. If one of those requests is dropped, what came
 * behind it was never looked at, and nothing is published.
 */
function endInTurn(connection: Connection, socket: Socket, publish: () => void = () => {}): void {
  stopParsing(socket)
  const publishUnlessDropped = inThisContext(() => {
    if (!isEnding(socket)) publish()
  })
  socket.once('close', publishUnlessDropped)
  connection.whenAnswered(() => {
    publishUnlessDropped()
    if (!socket.destroyed) closeAfterResponses(socket)
  })
}
