import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2'

/** A request of `http`, `https` or of `http2`'s compatibility API, which includes requests of Express and Connect. */
export type Request = IncomingMessage | Http2ServerRequest

/** The response that goes with a {@link Request}. */
export type Response = ServerResponse | Http2ServerResponse

/** Connect's continuation: with an error it goes to the app's error handler. */
// biome-ignore lint/suspicious/noExplicitAny: as in Express and Connect, or a callback for an Error alone would not fit
export type Next = (error?: any) => void

/** Properties that frameworks add to a request; each may be missing. */
export interface FrameworkRequest {
  originalUrl?: string
  baseUrl?: string
  /** The Express route that handles the request. */
  route?: unknown
  res?: Response
  app?: { get?: (setting: string) => unknown }
}

/** The request as frameworks extend it. */
export function framework(req: Request): FrameworkRequest {
  return req as Request & FrameworkRequest
}

/** Checks for `respond`, because other middleware may add a `stream` of its own to a request. */
function isHttp2Stream(stream: Partial<ServerHttp2Stream> | undefined): boolean {
  return typeof stream?.respond === 'function'
}

/** Whether the request came over HTTP/2 (and not over the HTTP/1 fallback of an HTTP/2 server). */
export function isHttp2(req: Request): req is Http2ServerRequest {
  return req.httpVersionMajor === 2 && isHttp2Stream((req as Http2ServerRequest).stream)
}

/** Whether a value is a real response. engine.io passes a stub for a WebSocket handshake, which has no response. */
export const isResponse = (res: Response | undefined): res is Response =>
  typeof res?.getHeaderNames === 'function'

/** Whether the response is one of HTTP/2's compatibility API. */
export function isHttp2Response(res: Response): res is Http2ServerResponse {
  return isHttp2Stream((res as Http2ServerResponse).stream)
}

/** Whether nothing can be sent any more, because the connection or the HTTP/2 stream is closed. */
export const isGone = (req: Request): boolean =>
  isHttp2(req) ? req.stream.destroyed || req.stream.closed : req.socket?.destroyed !== false

/** Whether a request announces a body of at least a byte, as far as its head can tell (RFC 9112 6.3). */
export function hasBody({ headers }: Request): boolean {
  const length = headers['content-length']
  return (length !== undefined && Number(length) !== 0) || headers['transfer-encoding'] !== undefined
}
