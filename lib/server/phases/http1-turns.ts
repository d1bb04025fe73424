import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { hasBody } from '../../request/http-types.ts'
import { factsOf } from '../../request/request-facts.ts'
import { stateOf } from '../../request/request-state.ts'
import { inThisContext } from '../../runtime/async-context.ts'
import { isLast } from '../../runtime/raw-socket.ts'
import type { Connection, Exchange } from '../connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { keepProxyAlive } from '../keep-alive.ts'
import { checkForeignProtocol } from './check-head.ts'
import type { Continues } from './expect.ts'
import { endBehind } from './malformed.ts'
import { newPacket, noteProtocol } from './protocol.ts'
import type { RunRules } from './run-rules.ts'

/** Requests of one connection that may wait for their turn before its socket is paused. */
const MAX_WAITING = 100

/** Bytes of answers that may wait to be sent while further requests run. */
const MAX_AHEAD = 1_048_576

/** Called with a request that has passed the rules. */
export type GoOn = (continues: Continues, isExcepted: boolean) => void

/** Takes in a request of HTTP/1: runs the rules on it when it is its turn. */
export type TakeTurn = (connection: Connection, req: IncomingMessage, res: ServerResponse, goOn: GoOn) => void

/**
 * One request of a connection at a time, as in nginx: a request gets its turn when the one before it is answered. Until then that
 * one may still be dropped, by a rule that waits for something or by the app itself, and then no later request may run. Only
 * behind a request that was answered at once the next may run before that answer is sent: Node sends the responses in their order.
 */
export function makeHttp1Turns(guarded: GuardedServer, runRules: RunRules): TakeTurn {
  const { dryRun } = guarded.settings

  return function takeTurn(connection, req, res, goOn) {
    const { socket } = req
    if (req.httpVersion === '1.0') {
      connection.packet ??= newPacket()
      noteProtocol(req, connection.packet, socket.bytesRead)
      if (endsAsForeign(guarded, connection, req)) return connection.ignoreRequest(req)
    }
    const exchange: Exchange = { req, res, hasTurn: false, awaitsContinue: false }
    const before = connection.exchanges.at(-1)
    connection.exchanges.push(exchange)
    noteHead(connection, req)
    res.once('close', () => onAnswered(guarded, connection, exchange))
    const turn = () => {
      // The body of a waiting request may turn out broken. And when a write has failed, Node 20 and 22 give the socket to the next
      // response: writing to it would finish the response before it twice, which ends the process.
      if (!dryRun && (stateOf(req).dropped || socket.errored)) return
      exchange.hasTurn = true
      runRules(req, res, isExcepted => goOn(exchange, isExcepted))
    }
    // In a dry run all go at once, as Node alone runs them: one may wait for what a later one does.
    if (dryRun || res.socket || (before && runsAhead(connection, req, before))) return turn()
    stateOf(req).waited = true
    if (connection.exchanges.length > MAX_WAITING) pause(connection, req.socket)
    // Node emits `socket` when it ends the response before.
    res.once('socket', inThisContext(turn))
  }
}

/** Records where the head of a request ended, and when: the time limits start from there. */
function noteHead(connection: Connection, req: IncomingMessage): void {
  const { socket } = req
  const now = performance.now()
  connection.last = req
  connection.http1 = socket
  connection.hadBody = hasBody(req)
  connection.readAtHead = socket.bytesRead
  connection.bytesAtRest = connection.tcp === socket ? connection.readAtHead : connection.tcp.bytesRead
  connection.bodyMark = connection.bytesAtRest
  connection.bodySince = now
  if (connection.stage !== 'request') connection.enter('request', now)
}

/**
 * Ends a connection on which RTSP or ICE follows a request. It can't wait for its turn, which never comes if the answer before it
 * closes the connection. From a proxy it waits all the same, and the proxy gets an answer.
 */
function endsAsForeign(guarded: GuardedServer, connection: Connection, req: IncomingMessage): boolean {
  const { protocol } = stateOf(req)
  if (protocol === undefined || connection.exchanges.length === 0) return false
  if (guarded.settings.dryRun || connection.isExcepted || connection.isProxy) return false
  const { method = '', url = '' } = req
  endBehind(guarded, connection, req.socket, checkForeignProtocol(method, url, protocol), factsOf(req))
  return true
}

/**
 * Whether a request may run before the answer in front of it is sent. A request with a body waits, as the body may turn out broken.
 * So does one behind an answer that may ban the client. Under TLS each waits, as Node gets stuck over hundreds of unsent answers.
 */
function runsAhead(connection: Connection, req: IncomingMessage, { req: before, res }: Exchange): boolean {
  if (!res.writableEnded || isLast(res) || stateOf(before).isWatched) return false
  if (connection.hadBody || req.headers.expect !== undefined || connection.tcp !== req.socket) return false
  connection.ahead += res.writableLength
  return connection.ahead <= MAX_AHEAD
}

/** Pauses the socket once the packet is parsed: until then Node resumes it behind each request. */
function pause(connection: Connection, socket: Socket): void {
  if (connection.isPaused) return
  connection.isPaused = true
  process.nextTick(() => connection.isPaused && socket.pause())
}

function onAnswered(guarded: GuardedServer, connection: Connection, exchange: Exchange): void {
  connection.removeExchange(exchange)
  if (connection.isPaused && connection.exchanges.length <= MAX_WAITING / 2) {
    connection.isPaused = false
    exchange.req.socket.resume()
  }
  if (connection.exchanges.length > 0) return
  connection.ahead = 0
  const { headers, socket } = exchange.req
  // `trustProxy` as a number of hops trusts every peer. The header shows that this one is a proxy.
  if (connection.isProxy && !guarded.settings.dryRun && headers['x-forwarded-for'] !== undefined)
    keepProxyAlive(guarded.server, socket)
  if (connection.stage !== 'request' || !connection.last?.complete) return
  // If the last request had no body, all bytes behind its head are of the next one.
  if (connection.hadBody) connection.bytesAtRest = connection.tcp.bytesRead
  connection.last = undefined
  connection.enter('idle')
}
