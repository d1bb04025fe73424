import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
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
  /** `goOn` gets the socket as Node gave it. */
  const { dryRun } = guarded.settings

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
    // Node has taken its own listeners away, and left it not flowing: what comes waits for whoever gets it.
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

  /** At once, as Node does, also where earlier responses are pending: so there is no response for rules that answer. */
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
      if (isHttp2(req)) {
        const res = target as Response
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
        return
      }
      const socket = target as Socket
      handOver(req as IncomingMessage, socket, (res, isExcepted) => {
        if (isWanted) guarded.emit('connect', req, socket, head)
        else if (isExcepted || !dropRequest(guarded, req, res, finding)) socket.destroy()
      })
    },
  }
}

/** For rules that answer: Node makes no response for such a request. The connection ends with the answer. */
function responseOn(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  // Then it is as of an upgrade that engine.io hands to a rule: without a response.
  if (!giveSocket(res, 'assignSocket', socket)) return {} as ServerResponse
  res.once('finish', () => {
    giveSocket(res, 'detachSocket', socket)
    closeAfterResponses(socket)
  })
  return res
}
