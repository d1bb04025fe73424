import { AsyncResource } from 'node:async_hooks'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { isHttp2, type Request, type Response } from '../http-types.ts'
import { passEveryRule, stateOf } from '../request-state.ts'
import { drainBody } from './drain-body.ts'
import { closeAfterResponses } from './http1.ts'
import { NO_ERROR } from './http2.ts'
import { ignore } from './raw-socket.ts'
import { plainBody, respond } from './respond.ts'

/**
 * What a trusted proxy is told instead of a closed connection: 444 or another code, so that the proxy, which holds the
 * client's connection, does the dropping; or `'close'` for a naive close, which makes a proxy mark this server as failed.
 */
export type HandOff = number | 'close'

/**
 * Tells the proxy. The connection to it stays open, as other people's requests come over it; unless more of the body is to
 * come than is worth reading: then it ends with the response.
 *
 * @param fail called with what a hook on the response throws
 */
export function handOff(req: Request, res: Response, code: number, fail: (error: unknown) => void): void {
  if (code === 444) return tellBehindBody(req, res, () => tell444(res), fail)
  const tellPlainly = () => {
    // What was announced for another body.
    for (const name of res.getHeaderNames())
      if (/^(?:content-|etag|transfer-)/.test(name)) res.removeHeader(name)
    respond(res, code, plainBody(code))
  }
  import('./respond-not-found.ts')
    .then(({ asTheApp }) => asTheApp(req, res, code, asking))
    .then(tellAsApp => tellBehindBody(req, res, tellAsApp ?? tellPlainly, fail))
    .catch(fail)
}

/** Made before there is any request. */
const nobody = new AsyncResource('drop444')

const asking = {
  prepare: passEveryRule,
  outside: <T>(run: () => T): T => nobody.runInAsyncScope(run),
}

/** The 444 is for the proxy alone: nothing that other middleware announced belongs on it. */
function tell444(res: Response): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  respond(res, 444, '')
}

function tellBehindBody(req: Request, res: Response, tell: () => void, fail: (error: unknown) => void): void {
  const tellSafely = () => {
    if (res.destroyed) return
    try {
      tell()
    } catch (error) {
      fail(error)
    }
  }
  if (isHttp2(req)) {
    tellSafely()
    return stopUpload(req.stream)
  }
  if (req.complete) return tellSafely()
  drainBody(req, stateOf(req).isBodyLost, isWhole => {
    if (!isWhole) closeWith(res, req.socket)
    tellSafely()
  })
}

/** Has Node end the connection behind a response in a way that does not make the kernel send RST for what is unread. */
function closeWith(res: Response, socket: Socket): void {
  if ('shouldKeepAlive' in res) res.shouldKeepAlive = false
  socket.destroySoon = () => closeAfterResponses(socket)
}

/**
 * The same on the connection itself: where the response is not ours to use, or Node made none, as of an upgrade. Nothing of
 * a response may be out, or pending before it.
 *
 * @returns false where it can't be known that nothing is
 */
export function handOffSocket(req: IncomingMessage, res: Response | undefined, code: number): boolean {
  const { socket } = req
  const isFree = res?.socket ? !res.headersSent : (req as { upgrade?: boolean }).upgrade
  if (!socket?.writable || !isFree) return false
  handOffRaw(socket, code)
  return true
}

/** The same on the stream itself. */
export function handOffStream(
  { stream }: Http2ServerRequest,
  res: Response | undefined,
  code: number,
): boolean {
  if (stream.headersSent || stream.destroyed) return false
  const body = code === 444 ? '' : plainBody(code)
  stream.respond({ ':status': code, 'content-length': body.length }, { endStream: body === '' })
  if (body !== '') stream.end(body)
  stopUpload(stream)
  // The app, which may still be at work on it, would be thrown an error for a header that comes too late.
  if (res) for (const name of headerMethods) Object.defineProperty(res, name, { value: () => res })
  return true
}

const headerMethods = ['setHeader', 'appendHeader', 'removeHeader'] as const

/** RFC 9113 8.1: behind a whole response, asks for no more of the body, which would use up what is free for other streams. */
function stopUpload(stream: ServerHttp2Stream): void {
  if (!stream.endAfterHeaders) stream.close(NO_ERROR)
}

/** The same where there is no request to answer: the connection to the proxy ends, with a response that it understands. */
export function handOffRaw(socket: Socket, code: number): void {
  const body = code === 444 ? '' : plainBody(code)
  const head = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n`
  // Of an upgrade Node has taken its own listener away, and a proxy may answer with RST.
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore)
  socket.write(`${head}\r\n${body}`)
  closeAfterResponses(socket)
}
