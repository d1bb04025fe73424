import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { isHttp2, type Request, type Response } from '../request/http-types.ts'
import { passEveryRule } from '../request/judge-once.ts'
import { stateOf } from '../request/request-state.ts'
import { inThisContext, outsideRequests } from '../runtime/async-context.ts'
import { ignore, isUpgrade } from '../runtime/raw-socket.ts'
import { contentFor } from './content.ts'
import { drainBody } from './drain-body.ts'
import { closeAfterResponses } from './http1.ts'
import { NO_ERROR } from './http2-codes.ts'
import { finish, plainBody, respond } from './respond.ts'

/**
 * What a trusted proxy is told instead of a closed connection: 444 or another code, so that the proxy, which holds the
 * client's connection, does the dropping; or `'close'` for a naive close, which makes a proxy mark this server as failed.
 */
export type HandOff = number | 'close'

/** Called with what a hook on the response throws, and with whether nothing of the response had gone out by then. */
type Fail = (error: unknown, isUnsent: boolean) => void

/**
 * Tells the proxy. The connection to it stays open, as other people's requests come over it; unless more of the body is to
 * come than is worth reading: then it ends with the response.
 */
export function handOff(req: Request, res: Response, code: number, fail: Fail): void {
  if (code === 444) return tellBehindBody(req, res, () => tell444(res), fail)
  const tellPlainly = () => respond(res, code, plainBody(code))
  // Only a status that may have a body can look like a page of the app.
  if (contentFor('GET', code, 'x').body === '') return tellBehindBody(req, res, tellPlainly, fail)
  import('./respond-not-found.ts')
    .then(({ asTheApp }) => asTheApp(req, res, code, asking))
    .then(writeHead => {
      const tellAsApp = writeHead && (() => finish(res, writeHead()))
      tellBehindBody(req, res, tellAsApp ?? tellPlainly, fail)
    })
    .catch(error => fail(error, false))
}

const asking = { prepare: passEveryRule, outside: outsideRequests }

/** The 444 is for the proxy alone: nothing that other middleware announced belongs on it. */
function tell444(res: Response): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  respond(res, 444, '')
}

function tellBehindBody(req: Request, res: Response, tell: () => void, fail: Fail): void {
  const tellSafely = () => {
    if (res.destroyed) return
    const sent = req.socket?.bytesWritten
    try {
      tell()
    } catch (error) {
      fail(error, req.socket?.bytesWritten === sent)
    }
  }
  if (isHttp2(req)) {
    tellSafely()
    return stopUpload(req.stream)
  }
  if (req.complete) return tellSafely()
  const tellInTurn = inThisContext((isWhole: boolean) => {
    if (!isWhole) closeWith(res, req.socket)
    tellSafely()
  })
  drainBody(req, stateOf(req).isBodyLost, tellInTurn)
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
 * @param isUnsent the head may be made, but has not gone out
 * @returns false where it can't be known that nothing is
 */
export function handOffSocket(
  req: IncomingMessage,
  res: Response | undefined,
  code: number,
  isUnsent = false,
): boolean {
  const { socket } = req
  const upgrade = isUpgrade(req)
  const isFree = res?.socket ? isUnsent || !res.headersSent : upgrade
  if (!socket?.writable || !isFree) return false
  // An app that runs may have called HEAD something else.
  handOffRaw(socket, code, upgrade ? req.method : undefined)
  return true
}

/** The same on the stream itself, with no body. */
export function handOffStream(
  { stream, method }: Http2ServerRequest,
  res: Response | undefined,
  code: number,
): boolean {
  if (stream.headersSent || stream.destroyed) return false
  const { length } = contentFor(method, code, '')
  const head = { ':status': code, 'cache-control': 'no-store' }
  stream.respond(length === undefined ? head : { ...head, 'content-length': length }, { endStream: true })
  stopUpload(stream)
  // The app, which may still be at work on it, would be thrown an error for a header that comes too late.
  if (res) for (const name of headerMethods) Object.defineProperty(res, name, { value: () => res })
  return true
}

const headerMethods = ['setHeader', 'appendHeader', 'removeHeader'] as const

/**
 * RFC 9113 8.1: behind a whole response, asks for no more of the body, which would use up what is free for other streams. A turn
 * later, when the response is out: Node 22 and 26 leave out its HEADERS otherwise, or end the process by an assertion.
 */
function stopUpload(stream: ServerHttp2Stream): void {
  if (!stream.endAfterHeaders) setImmediate(() => stream.destroyed || stream.close(NO_ERROR))
}

/**
 * The same where there is no request to answer: the connection to the proxy ends, with a response that it understands.
 *
 * @param method where it is not known it may have been HEAD, or CONNECT: then there is no body
 */
export function handOffRaw(socket: Socket, code: number, method = ''): void {
  const text = method === '' || code === 444 ? '' : plainBody(code)
  const { length, body } = contentFor(method || 'CONNECT', code, text)
  const framing = length === undefined ? '' : `Content-Length: ${length}\r\n`
  const head = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${framing}Connection: close\r\n`
  // Of an upgrade Node has taken its own listener away, and a proxy may answer with RST.
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore)
  socket.write(`${head}Cache-Control: no-store\r\n\r\n${body}`)
  closeAfterResponses(socket)
}
