import type { IncomingMessage } from 'node:http'
import { Reason } from '../../../reasons.ts'
import { stateOf } from '../../../request/request-state.ts'
import type { Connection, StreamRecord } from '../../connection.ts'
import { dropRequest } from '../../end-connection.ts'
import type { GuardedServer } from '../../guarded-server.ts'
import { isOver, type Sweep } from './sweep.ts'

/** HTTP/1 bodies: nginx `client_body_timeout`, between two reads. The time runs only while the app waits for the client. */
export function checkBodyTimeout(sweep: Sweep, connection: Connection): void {
  const { guarded, now } = sweep
  const { last, exchanges, tcp } = connection
  if (!last || last.complete) {
    if (exchanges.length > 0) return
    connection.bytesAtRest = tcp.bytesRead
    connection.last = undefined
    connection.enter('idle')
    return
  }
  const [first] = exchanges
  const waitsForClient =
    last.readableLength === 0 &&
    // A stream that was handed to the server in place of a socket may not count its bytes.
    tcp.bytesRead !== undefined &&
    !connection.isPaused &&
    (!first || (first.req === last && !first.awaitsContinue))
  if (!waitsForClient || tcp.bytesRead !== connection.bodyMark) {
    connection.bodyMark = tcp.bytesRead
    connection.bodySince = now
  } else if (isOver(sweep, connection.bodySince, guarded.settings.bodyTimeout))
    connection.inContext(() => endRequest(guarded, connection, last))
}

function endRequest(guarded: GuardedServer, connection: Connection, req: IncomingMessage): void {
  connection.bodySince = performance.now()
  // The response may be out already.
  const state = stateOf(req)
  const { res, dropped } = state
  if (!guarded.settings.dryRun) state.isBodyLost = true
  // From a proxy the body of a dropped request is read to its end, for a while: its connection serves other clients too.
  if (dropped && !connection.isProxy) connection.tcp.destroy()
  else if (res) dropRequest(guarded, req, res, { reason: Reason.BODY_TIMEOUT })
}

/** Bodies of HTTP/2 streams. A stream that is answered already may stay open both ways for as long as its app likes. */
export function checkStreamTimeout(sweep: Sweep, connection: Connection, record: StreamRecord): void {
  const { guarded, now } = sweep
  const { stream, req, res } = record
  // `req.complete` would say only that the app has read to the end.
  if (stream.headersSent || stream.endAfterHeaders || stream.destroyed || stream.state.remoteClose === 1)
    return
  const mark = stream.state.localWindowSize ?? 0
  const isUnread = stream.readableLength > 0 || (req?.readableLength ?? 0) > 0
  if (isUnread || record.awaitsContinue || mark !== record.bodyMark) {
    record.bodyMark = mark
    record.bodySince = now
  } else if (req && res && isOver(sweep, record.bodySince, guarded.settings.bodyTimeout)) {
    record.bodySince = now
    connection.inContext(() => dropRequest(guarded, req, res, { reason: Reason.BODY_TIMEOUT }))
  }
}

/** A connection whose request broke off while its response was being sent: it ends once the response stops moving. */
export function checkBroken(sweep: Sweep, connection: Connection): void {
  if (!connection.isBroken) return
  const { bytesWritten } = connection.tcp
  if (bytesWritten !== connection.bodyMark) {
    connection.bodyMark = bytesWritten
    connection.bodySince = sweep.now
  } else if (isOver(sweep, connection.bodySince, sweep.guarded.settings.bodyTimeout)) connection.tcp.destroy()
}
