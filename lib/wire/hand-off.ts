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
 * What a trusted proxy gets instead of a closed connection: 444 or another code, so that the proxy, which holds the client's
 * connection, does the dropping. Or `'close'`: the connection is closed, which makes a proxy mark this server as failed.
 */
export type HandOff = number | 'close'

/** Called with an exception of a hook on the response, and whether nothing of the response was sent before it. */
type Fail = (error: unknown, isUnsent: boolean) => void

/**
 * Answers a trusted proxy. The connection to it stays open, as it carries requests of other clients too. It ends with the
 * response only if the rest of the request's body is too long, or may never come.
 */
export function handOff(req: Request, res: Response, code: number, fail: Fail): void {
  if (code === 444) return answerAfterBody(req, res, () => send444(res), fail)
  const answerPlainly = () => respond(res, code, plainBody(code))
  // A status without a body can't look like a page of the app.
  if (contentFor('GET', code, 'x').body === '') return answerAfterBody(req, res, answerPlainly, fail)
  import('./respond-not-found.ts')
    .then(({ asTheApp }) => asTheApp(req, res, code, asking))
    .then(writeHead => {
      const answerAsApp = writeHead && (() => finish(res, writeHead()))
      answerAfterBody(req, res, answerAsApp ?? answerPlainly, fail)
    })
    .catch(error => fail(error, false))
}

const asking = { prepare: passEveryRule, outside: outsideRequests }

/** Sends 444 without the headers of other middleware: only the proxy reads it. */
function send444(res: Response): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  respond(res, 444, '')
}

function answerAfterBody(req: Request, res: Response, answer: () => void, fail: Fail): void {
  const answerSafely = () => {
    if (res.destroyed) return
    const sent = req.socket?.bytesWritten
    try {
      answer()
    } catch (error) {
      fail(error, req.socket?.bytesWritten === sent)
    }
  }
  if (isHttp2(req)) {
    answerSafely()
    return stopUpload(req.stream)
  }
  if (req.complete) return answerSafely()
  const answerInTurn = inThisContext((isWhole: boolean) => {
    if (!isWhole) closeWith(res, req.socket)
    answerSafely()
  })
  drainBody(req, stateOf(req).isBodyLost, answerInTurn)
}

/** Makes Node close the connection after a response so that the kernel sends no RST for unread bytes. */
function closeWith(res: Response, socket: Socket): void {
  if ('shouldKeepAlive' in res) res.shouldKeepAlive = false
  socket.destroySoon = () => closeAfterResponses(socket)
}

/**
 * Answers the proxy on the socket itself, if the response must not be used, or Node made none (an upgrade). Nothing of a
 * response may have been sent, and no earlier one may be pending.
 *
 * @param isUnsent the head may have been written, but was not sent
 * @returns false if that can't be known
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
  // No method for a running app: method-override may have changed HEAD to another one.
  handOffRaw(socket, code, upgrade ? req.method : undefined)
  return true
}

/** Answers the proxy on an HTTP/2 stream itself, without a body. */
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
  // An app that is still at work on the response would get an exception for a header set too late.
  if (res) for (const name of headerMethods) Object.defineProperty(res, name, { value: () => res })
  return true
}

const headerMethods = ['setHeader', 'appendHeader', 'removeHeader'] as const

/**
 * Asks the client to send no more of the body after a complete response (RFC 9113 8.1): it would use up the window of other
 * streams. Done a turn later, when the response is sent: otherwise Node 22 and 26 omit its HEADERS, or abort with an assertion.
 */
function stopUpload(stream: ServerHttp2Stream): void {
  if (!stream.endAfterHeaders) setImmediate(() => stream.destroyed || stream.close(NO_ERROR))
}

/**
 * Answers the proxy on a socket where there is no request to answer, and closes the connection.
 *
 * @param method if it is unknown, the response has no body: the request may have been HEAD or CONNECT
 */
export function handOffRaw(socket: Socket, code: number, method = ''): void {
  const text = method === '' || code === 444 ? '' : plainBody(code)
  const { length, body } = contentFor(method || 'CONNECT', code, text)
  const framing = length === undefined ? '' : `Content-Length: ${length}\r\n`
  const head = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${framing}Connection: close\r\n`
  // Node has removed its own listener from an upgraded socket, and a proxy may answer with RST.
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore)
  socket.write(`${head}Cache-Control: no-store\r\n\r\n${body}`)
  closeAfterResponses(socket)
}
