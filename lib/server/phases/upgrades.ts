import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import { type Finding, Reason } from '../../reasons.ts'
import { isHttp2, type Request, type Response } from '../../request/http-types.ts'
import { isClosing, takeStateFromStream } from '../../request/request-state.ts'
import { giveSocket, ignore } from '../../runtime/raw-socket.ts'
import { closeAfterResponses } from '../../wire/http1.ts'
import type { Connection } from '../connection.ts'
import { dropRequest } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import type { RunRules } from './run-rules.ts'

export interface UpgradePhase {
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer): void
  connect(req: Request, target: Socket | Response, head?: Buffer): void
}

/** Requests that end HTTP on their connection: Node hands over the socket, past every middleware. */
export function makeUpgradePhase(
  guarded: GuardedServer,
  runRules: RunRules,
  checkUnjudged: () => void,
): UpgradePhase {
  const { dryRun } = guarded.settings

  /** Runs the rules when it is the request's turn; `goOn` finds the socket as Node gave it. */
  function handOver(
    req: IncomingMessage,
    socket: Socket,
    goOn: (res: ServerResponse, isExcepted: boolean) => void,
  ): void {
    // Node 26 wraps the socket of an upgrade whose body is still to come.
    const connection = guarded.connectionOf(req.socket)
    if (dryRun) return handOverInDryRun(req, socket, connection, goOn)
    if (connection.ended || isClosing(req)) return
    connection.isPaused = false
    // Node has taken its own listeners off the socket and does not read it: what comes waits for the app.
    socket.on('error', ignore)
    connection.whenAnswered(() => {
      if (socket.destroyed) return
      connection.last = undefined
      connection.enter('released')
      const res = responseOn(req, socket)
      runRules(req, res, isExcepted => {
        socket.off('error', ignore)
        giveSocket(res, 'detachSocket', socket)
        goOn(res, isExcepted)
      })
    })
  }

  /** Goes on at once, as Node does, also while earlier responses are pending. So rules that answer get no response to write to. */
  function handOverInDryRun(
    req: IncomingMessage,
    socket: Socket,
    connection: Connection,
    goOn: (res: ServerResponse, isExcepted: boolean) => void,
  ): void {
    socket.on('error', ignore)
    connection.enter('released')
    const res = new ServerResponse(req)
    runRules(req, res, isExcepted => {
      socket.off('error', ignore)
      goOn(res, isExcepted)
    })
  }

  /** Answers an HTTP/2 CONNECT that the app does not listen to with 405 in a dry run and for peers in `except`, as Node does. */
  function connectHttp2(req: Http2ServerRequest, res: Response, isWanted: boolean, finding: Finding): void {
    if (isClosing(req) && !dryRun) return
    const goOn = (isExcepted: boolean) => {
      if (isWanted) guarded.emit('connect', req, res)
      else if (isExcepted || !dropRequest(guarded, req, res, finding)) {
        res.statusCode = 405
        res.end()
      }
    }
    if (takeStateFromStream(req)) goOn(false)
    else runRules(req, res, goOn)
  }

  return {
    upgrade(req, socket, head) {
      checkUnjudged()
      handOver(req, socket, () => guarded.emit('upgrade', req, socket, head))
    },
    connect(req, target, head) {
      checkUnjudged()
      const isWanted = guarded.appListens('connect')
      const detail = req.url || (req.headers[':authority'] as string | undefined)
      const finding = { reason: Reason.CONNECT_METHOD, detail }
      if (isHttp2(req)) return connectHttp2(req, target as Response, isWanted, finding)
      const socket = target as Socket
      handOver(req as IncomingMessage, socket, (res, isExcepted) => {
        if (isWanted) guarded.emit('connect', req, socket, head)
        else if (isExcepted || !dropRequest(guarded, req, res, finding)) socket.destroy()
      })
    },
  }
}

/** A response for rules that answer: Node makes none for an upgrade. The connection ends with the answer. */
function responseOn(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  // Without `assignSocket` the rule gets no response, as for an upgrade that engine.io hands to it.
  if (!giveSocket(res, 'assignSocket', socket)) return {} as ServerResponse
  res.once('finish', () => {
    giveSocket(res, 'detachSocket', socket)
    closeAfterResponses(socket)
  })
  return res
}
