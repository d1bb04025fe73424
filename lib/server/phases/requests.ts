import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
import { hasBody, isHttp2, type Request, type Response } from '../../request/http-types.ts'
import { factsOf } from '../../request/request-facts.ts'
import { isClosing, stateOf, takeStateFromStream } from '../../request/request-state.ts'
import { inThisContext } from '../../runtime/async-context.ts'
import { isLast } from '../../runtime/raw-socket.ts'
import type { Connection, Exchange } from '../connection.ts'
import { dropRequest } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { keepProxyAlive } from '../keep-alive.ts'
import { checkForeignProtocol } from './check-head.ts'
import { type Continues, continueWhenRead, isContinue } from './expect.ts'
import { endBehind } from './malformed.ts'
import { newPacket, noteProtocol } from './protocol.ts'
import type { RunRules } from './run-rules.ts'

/** Requests of one connection that may wait for their turn before it is read no further. */
const MAX_WAITING = 100

/** Bytes of answers that may wait to be sent while further requests run. */
const MAX_AHEAD = 1_048_576

/** How a request goes on when it has passed. */
type GoOn = (continues: Continues, isExcepted: boolean) => void

export interface RequestPhase {
  request(req: Request, res: Response): void
  checkContinue(req: Request, res: Response): void
  checkExpectation(req: Request, res: Response): void
}

/** Requests that Node has parsed. */
export function makeRequestPhase(guarded: GuardedServer, runRules: RunRules): RequestPhase {
  const { dryRun } = guarded.settings

  function enter(req: Request, res: Response, goOn: GoOn): void {
    if (isHttp2(req)) return enterHttp2(req, res as Http2ServerResponse, goOn)
    const connection = guarded.connectionOf(req.socket)
    if (!dryRun && (connection.ended || isClosing(req)))
      return connection.ignoreRequest(req as IncomingMessage)
    enterHttp1(connection, req as IncomingMessage, res as ServerResponse, goOn)
  }

  /**
   * One at a time, as in nginx: a request gets its turn when the one before it is answered. Until then that one may
   * still be dropped, by a rule that waits for something or by the app itself, and then this one must never run. A
   * request behind one that was answered at once may run before that answer is sent: Node sends the responses in their order.
   */
  function enterHttp1(connection: Connection, req: IncomingMessage, res: ServerResponse, goOn: GoOn): void {
    const { socket } = req
    if (req.httpVersion === '1.0') {
      connection.packet ??= newPacket()
      noteProtocol(req, connection.packet, socket.bytesRead)
      if (endsAsForeign(connection, req)) return connection.ignoreRequest(req)
    }
    const exchange: Exchange = { req, res, hasTurn: false, awaitsContinue: false }
    const before = connection.exchanges.at(-1)
    connection.exchanges.push(exchange)
    const now = performance.now()
    connection.last = req
    connection.http1 = socket
    connection.hadBody = hasBody(req)
    connection.readAtHead = socket.bytesRead
    connection.bytesAtRest = connection.tcp === socket ? connection.readAtHead : connection.tcp.bytesRead
    connection.bodyMark = connection.bytesAtRest
    connection.bodySince = now
    if (connection.stage !== 'request') connection.enter('request', now)
    res.once('close', () => answered(connection, exchange))
    const turn = () => {
      // A body may turn out broken while its request waits. And when a write has failed, Node 20 and 22 give the socket to the next
      // response: writing to it would finish the one before twice, which ends the process.
      if (!dryRun && (stateOf(req).dropped || socket.errored)) return
      exchange.hasTurn = true
      runRules(req, res, isExcepted => goOn(exchange, isExcepted))
    }
    // Node alone runs them all at once: one may wait for what a later one does.
    if (dryRun || res.socket || (before && runsAhead(connection, req, before))) return turn()
    stateOf(req).waited = true
    if (connection.exchanges.length > MAX_WAITING) pause(connection, req.socket)
    // Node emits it as it ends the response before.
    res.once('socket', inThisContext(turn))
  }

  /** Ends a connection on which RTSP follows: it may never get its turn, where an answer in front of it is the last. A proxy is told. */
  function endsAsForeign(connection: Connection, req: IncomingMessage): boolean {
    const { protocol } = stateOf(req)
    if (protocol === undefined || connection.exchanges.length === 0) return false
    if (guarded.settings.dryRun || connection.isExcepted || connection.isProxy) return false
    const { method = '', url = '' } = req
    endBehind(guarded, connection, req.socket, checkForeignProtocol(method, url, protocol), factsOf(req))
    return true
  }

  /**
   * Whether a request may run before the answer in front of it is sent. A request with a body waits, as the body may turn out broken;
   * so does one behind an answer that may ban the client, and each under TLS, where Node gets stuck over hundreds of unsent answers.
   */
  function runsAhead(connection: Connection, req: IncomingMessage, { req: before, res }: Exchange): boolean {
    if (!res.writableEnded || isLast(res) || stateOf(before).isWatched) return false
    if (connection.hadBody || req.headers.expect !== undefined || connection.tcp !== req.socket) return false
    connection.ahead += res.writableLength
    return connection.ahead <= MAX_AHEAD
  }

  /** When the packet is parsed: until then Node starts to read anew behind each request. */
  function pause(connection: Connection, socket: Socket): void {
    if (connection.isPaused) return
    connection.isPaused = true
    process.nextTick(() => connection.isPaused && socket.pause())
  }

  function answered(connection: Connection, exchange: Exchange): void {
    connection.removeExchange(exchange)
    if (connection.isPaused && connection.exchanges.length <= MAX_WAITING / 2) {
      connection.isPaused = false
      exchange.req.socket.resume()
    }
    if (connection.exchanges.length > 0) return
    connection.ahead = 0
    // By a number of hops everybody is trusted: a proxy is who passes somebody on.
    const { headers, socket } = exchange.req
    if (connection.isProxy && !dryRun && headers['x-forwarded-for'] !== undefined)
      keepProxyAlive(guarded.server, socket)
    if (connection.stage !== 'request' || !connection.last?.complete) return
    // What came after the last head, where it has no body, is the next one.
    if (connection.hadBody) connection.bytesAtRest = connection.tcp.bytesRead
    connection.last = undefined
    connection.enter('idle')
  }

  /** Streams are independent: each is judged as it comes. */
  function enterHttp2(req: Http2ServerRequest, res: Http2ServerResponse, goOn: GoOn): void {
    if (isClosing(req) && !dryRun) return
    const connection = guarded.connectionOfRequest(req)
    if (connection?.ended) return
    const record = connection?.streams?.get(req.stream)
    if (record) {
      record.req = req
      record.res = res
    }
    const continues = record ?? { awaitsContinue: false }
    // An app that takes streams as well: there it was judged.
    if (takeStateFromStream(req)) goOn(continues, false)
    else runRules(req, res, isExcepted => goOn(continues, isExcepted))
  }

  /** True where the request is dropped for what it expects. */
  function refuses(req: Request, res: Response, isExcepted: boolean): boolean {
    const detail = req.headers.expect as string | undefined
    return !isExcepted && dropRequest(guarded, req, res, { reason: Reason.UNKNOWN_EXPECTATION, detail })
  }

  function checkContinue(req: Request, res: Response): void {
    enter(req, res, (continues, isExcepted) => {
      // Node is content where the word is among others.
      if (!isContinue(req.headers.expect) && refuses(req, res, isExcepted)) return
      if (guarded.appListens('checkContinue')) {
        guarded.emit('checkContinue', req, res)
        return
      }
      if (isExcepted || dryRun) res.writeContinue()
      else continueWhenRead(req, res, continues)
      guarded.emit('request', req, res)
    })
  }

  function checkExpectation(req: Request, res: Response): void {
    enter(req, res, (_continues, isExcepted) => {
      if (guarded.appListens('checkExpectation')) {
        guarded.emit('checkExpectation', req, res)
        return
      }
      if (refuses(req, res, isExcepted)) return
      // As Node writes it.
      if (isHttp2(req)) res.statusCode = 417
      else (res as ServerResponse).writeHead(417)
      res.end()
    })
  }

  return {
    request: (req, res) => enter(req, res, () => guarded.emit('request', req, res)),
    checkContinue,
    checkExpectation,
  }
}
