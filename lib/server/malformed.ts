import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { trustOf } from '../client-address.ts'
import { preparePublish } from '../publish.ts'
import { Reason } from '../reasons.ts'
import { isClosing, stateOf } from '../request-state.ts'
import type { Finding } from '../rule.ts'
import { handOffRaw } from '../wire/hand-off.ts'
import { closeAfterResponses, stopParsing } from '../wire/http1.ts'
import type { Connection } from './connection.ts'
import { dropRequest, endConnection, tellOfConnection } from './end.ts'
import { readRawHead, unknownRequest } from './raw-head.ts'
import type { Site } from './site.ts'
import { tellTlsError } from './tls-error.ts'

/** What Node hands to `clientError`. */
export interface ClientError extends Error {
  code?: string
  /** llhttp's sentence. */
  reason?: string
  rawPacket?: Buffer
  bytesParsed?: number
}

/** By llhttp's codes; header lines have the most of them. */
const reasons: Readonly<Record<string, Reason>> = {
  HPE_INVALID_METHOD: Reason.INVALID_METHOD,
  HPE_INVALID_URL: Reason.INVALID_TARGET,
  HPE_INVALID_VERSION: Reason.INVALID_VERSION,
  HPE_INVALID_CONSTANT: Reason.INVALID_VERSION,
  HPE_INVALID_HEADER_TOKEN: Reason.INVALID_HEADER,
  HPE_UNEXPECTED_SPACE: Reason.INVALID_HEADER,
  HPE_CR_EXPECTED: Reason.INVALID_HEADER,
  HPE_LF_EXPECTED: Reason.INVALID_HEADER,
  HPE_STRICT: Reason.INVALID_HEADER,
  HPE_HEADER_OVERFLOW: Reason.HEADER_TOO_LARGE,
  HPE_INVALID_CONTENT_LENGTH: Reason.INVALID_CONTENT_LENGTH,
  HPE_UNEXPECTED_CONTENT_LENGTH: Reason.INVALID_CONTENT_LENGTH,
  HPE_INVALID_TRANSFER_ENCODING: Reason.INVALID_TRANSFER_ENCODING,
  HPE_INVALID_CHUNK_SIZE: Reason.INVALID_CHUNK,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: Reason.INVALID_CHUNK,
  HPE_INVALID_EOF_STATE: Reason.TRUNCATED_REQUEST,
  HPE_PAUSED_H2_UPGRADE: Reason.HTTP2_ON_HTTP1,
  ERR_HTTP_REQUEST_TIMEOUT: Reason.REQUEST_TIMEOUT,
}

/** What Node would answer with 400, 408, 413 or 431. */
export function makeMalformedPhase(site: Site): (error: ClientError, socket: Socket) => boolean {
  return function clientError(error, socket) {
    const connection = site.connectionOf(socket)
    // Anything else is of the connection itself: the client has gone.
    if (!error.code?.startsWith('HPE_') && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') {
      tellTlsError(site, error, socket)
      return site.emit('clientError', error, socket) || leave(socket)
    }
    // Node reports every packet behind the first error, and what comes behind a dropped request.
    if (connection.ended || socket.destroyed) return true
    const { last } = connection
    return last && !last.complete
      ? onBody(site, connection, last, socket, error)
      : onHead(site, connection, socket, error)
  }
}

/** RFC 9112 9.6: behind a request that is the last of its connection nothing is looked at. */
const BEHIND_THE_LAST = 'HPE_CLOSED_CONNECTION'

/** In place of the 400 that Node writes to whoever still listens. */
function leave(socket: Socket): true {
  socket.destroy()
  return true
}

function onHead(site: Site, connection: Connection, socket: Socket, error: ClientError): boolean {
  const facts = factsOfHead(connection, socket, error)
  const finding = { reason: reasonOf(error), detail: error.code }
  const { dryRun, handOff = 444 } = site.settings
  const isPending = connection.exchanges.length > 0
  if (!connection.isExcepted && !dryRun && (isPending || error.code === BEHIND_THE_LAST)) {
    connection.ended = true
    if (error.code === BEHIND_THE_LAST) stopParsing(socket)
    else endInTurn(connection, socket, () => tellOfConnection(site, connection, finding, { facts }))
    return true
  }
  const code = connection.isProxy && handOff !== 'close' ? handOff : undefined
  const how = code === undefined ? { facts } : { facts, handOff: code, end: () => handOffRaw(socket, code) }
  return endConnection(site, connection, finding, how) || site.emit('clientError', error, socket)
}

/** An error in the body of a request that the rules had passed, or had not judged yet. */
function onBody(
  site: Site,
  connection: Connection,
  req: IncomingMessage,
  socket: Socket,
  error: ClientError,
): boolean {
  const finding = { reason: reasonOf(error), detail: error.code }
  const exchange = connection.exchanges.find(open => open.req === req)
  const res = exchange?.res ?? (stateOf(req).res as ServerResponse)
  if (connection.isExcepted) return site.emit('clientError', error, socket)
  // The client has its answer, and does not finish what nobody reads.
  if (!exchange && finding.reason === Reason.TRUNCATED_REQUEST) {
    socket.destroy()
    return true
  }
  if (exchange?.res.headersSent && !site.settings.dryRun) {
    tellOfStarted(site, req, exchange.res.statusCode, finding)
    connection.isBroken = true
  } else {
    if (!dropRequest(site, req, res, finding)) return site.emit('clientError', error, socket)
  }
  connection.ended = true
  if (!socket.destroyed) endInTurn(connection, socket)
  return true
}

/** The response goes on as it can: the event says what was sent already. */
function tellOfStarted(site: Site, req: IncomingMessage, sentStatus: number, finding: Finding): void {
  const state = stateOf(req)
  if (state.told) return
  state.told = true
  const publish = preparePublish(req, trustOf(req, site.settings.trustProxy))
  const verdict = { status: 444, action: 'close', rule: site.settings.name, bodyBytesSent: 0 } as const
  publish({ ...verdict, sentStatus, reason: finding.reason, detail: finding.detail })
}

/**
 * After the responses that were promised, which may take their time. One of them may turn out to be a drop: then nobody
 * has looked at what came behind it, and there is nothing to tell.
 */
function endInTurn(connection: Connection, socket: Socket, tell: () => void = () => {}): void {
  stopParsing(socket)
  const tellUnlessDropped = () => {
    if (!connection.last || !isClosing(connection.last)) tell()
  }
  socket.once('close', tellUnlessDropped)
  connection.whenAnswered(() => {
    tellUnlessDropped()
    if (!socket.destroyed) closeAfterResponses(socket)
  })
}

/** Codes that llhttp has for heads and for chunks: its sentence tells which. */
const lineEnds = ['HPE_CR_EXPECTED', 'HPE_LF_EXPECTED', 'HPE_STRICT']

function reasonOf({ code = '', reason: sentence = '', rawPacket }: ClientError): Reason {
  if (lineEnds.includes(code)) return /chunk/.test(sentence) ? Reason.INVALID_CHUNK : Reason.INVALID_HEADER
  // A method of RTSP with HTTP's version.
  if (/^Invalid method for/.test(sentence)) return Reason.INVALID_METHOD
  // Together with Transfer-Encoding, whichever came first.
  if (/Content-Length/.test(sentence)) return Reason.INVALID_CONTENT_LENGTH
  const reason = reasons[code] ?? Reason.MALFORMED_REQUEST
  // A TLS record of a handshake: content type 22, version 3.x.
  const isTls = reason === Reason.INVALID_METHOD && rawPacket?.[0] === 22 && rawPacket[1] === 3
  return isTls ? Reason.TLS_ON_PLAIN_PORT : reason
}

/** Where the broken request starts in the last packet; where it came in an earlier one it can't be seen any more. */
function factsOfHead(connection: Connection, socket: Socket, { rawPacket, bytesParsed = 0 }: ClientError) {
  if (!rawPacket) return unknownRequest
  const { readAtHead, hadBody } = connection
  const packetStart = socket.bytesRead - rawPacket.length
  if (packetStart < readAtHead || hadBody) {
    const behind = rawPacket.lastIndexOf('\r\n\r\n', bytesParsed - 1)
    if (behind >= 0) return readRawHead(rawPacket.subarray(behind + 4))
  }
  return packetStart === readAtHead || hadBody ? readRawHead(rawPacket) : unknownRequest
}
