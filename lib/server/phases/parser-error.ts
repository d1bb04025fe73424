import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
import type { RequestFacts } from '../../request/request-facts.ts'
import type { Connection } from '../connection.ts'
import { readRawHead, unknownRequest } from './raw-head.ts'

/** What Node hands to `clientError`. */
export interface ClientError extends Error {
  code?: string
  /** llhttp's sentence. */
  reason?: string
  rawPacket?: Buffer
  bytesParsed?: number
}

/** Reasons by llhttp's codes; most codes are of header lines. */
const reasons = /* @__PURE__ */ makeReasons()

function makeReasons(): Readonly<Record<string, Reason>> {
  return {
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
}

/** Codes that llhttp uses for heads and for chunks alike: its message says which it is. */
const lineEnds = ['HPE_CR_EXPECTED', 'HPE_LF_EXPECTED', 'HPE_STRICT']

/** The reason for an error of Node's parser. */
export function reasonOf({ code = '', reason: sentence = '', rawPacket }: ClientError): Reason {
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

/** The facts of the broken request, from the last packet. If it began in an earlier one, they can't be read any more. */
export function factsOfHead(
  connection: Connection,
  socket: Socket,
  { rawPacket, bytesParsed = 0 }: ClientError,
): RequestFacts {
  if (!rawPacket) return unknownRequest
  const { readAtHead, hadBody } = connection
  const packetStart = socket.bytesRead - rawPacket.length
  if (packetStart < readAtHead || hadBody) {
    const behind = rawPacket.lastIndexOf('\r\n\r\n', bytesParsed - 1)
    if (behind >= 0) return readRawHead(rawPacket.subarray(behind + 4))
  }
  return packetStart === readAtHead || hadBody ? readRawHead(rawPacket) : unknownRequest
}
