import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { Reason } from '../../reasons.ts'
import { isHttp2, type Request, type Response } from '../../request/http-types.ts'
import { isClosing, takeStateFromStream } from '../../request/request-state.ts'
import { dropRequest } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { continueWhenRead, isContinue } from './expect.ts'
import { type GoOn, makeHttp1Turns } from './http1-turns.ts'
import type { RunRules } from './run-rules.ts'

export interface RequestPhase {
  request(req: Request, res: Response): void
  checkContinue(req: Request, res: Response): void
  checkExpectation(req: Request, res: Response): void
}

/** Requests that Node has parsed. */
export function makeRequestPhase(guarded: GuardedServer, runRules: RunRules): RequestPhase {
  const { dryRun } = guarded.settings
  const takeTurn = makeHttp1Turns(guarded, runRules)

  function enter(req: Request, res: Response, goOn: GoOn): void {
    if (isHttp2(req)) return enterHttp2(req, res as Http2ServerResponse, goOn)
    const connection = guarded.connectionOf(req.socket)
    if (!dryRun && (connection.ended || isClosing(req)))
      return connection.ignoreRequest(req as IncomingMessage)
    takeTurn(connection, req as IncomingMessage, res as ServerResponse, goOn)
  }

  /** Streams are independent: each is judged when it comes. */
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
    // An app that listens to `stream` as well: the request was judged there.
    if (takeStateFromStream(req)) goOn(continues, false)
    else runRules(req, res, isExcepted => goOn(continues, isExcepted))
  }

  /** Drops a request for its `Expect`; false if it goes on. */
  function refuses(req: Request, res: Response, isExcepted: boolean): boolean {
    const detail = req.headers.expect as string | undefined
    return !isExcepted && dropRequest(guarded, req, res, { reason: Reason.UNKNOWN_EXPECTATION, detail })
  }

  function checkContinue(req: Request, res: Response): void {
    enter(req, res, (continues, isExcepted) => {
      // Node emits `checkContinue` also if other members stand beside `100-continue`.
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
