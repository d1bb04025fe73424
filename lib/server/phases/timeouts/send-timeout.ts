import { Reason } from '../../../reasons.ts'
import { factsOf } from '../../../request/request-facts.ts'
import { stateOf } from '../../../request/request-state.ts'
import { resetSocket, unsentBytes } from '../../../runtime/raw-socket.ts'
import type { Connection, StreamRecord } from '../../connection.ts'
import { endConnection } from '../../end-connection.ts'
import type { GuardedServer } from '../../guarded-server.ts'
import { isOver, type Sweep } from './sweep.ts'

/** Bytes of a frame that acknowledges another, with its TLS record. */
const MAX_ACKNOWLEDGEMENT = 64

/** Responses: nginx `send_timeout`, in which the client takes nothing of what waits for it. */
export function checkSendTimeout(sweep: Sweep, connection: Connection): void {
  const { guarded, now } = sweep
  const { tcp } = connection
  const unsent = unsentBytes(tcp)
  // Without this count a client that reads slowly looks like one that does not read.
  if (unsent === undefined) return
  const sent = tcp.bytesWritten - unsent
  const waits = unsent > 0 || streamHeldBack(connection) !== undefined
  // The acknowledgement of a PING is no progress.
  const owed = (connection.controls - connection.controlsMark) * MAX_ACKNOWLEDGEMENT
  if (!waits || sent - connection.sentMark > owed) {
    connection.sentMark = sent
    connection.controlsMark = connection.controls
    connection.sentSince = now
  } else if (isOver(sweep, connection.sentSince, guarded.settings.sendTimeout)) {
    connection.sentSince = now
    connection.inContext(() => endSending(guarded, connection))
  }
}

/** Resets the connection, because a close would leave the bytes that the kernel holds for the client. */
function endSending(guarded: GuardedServer, connection: Connection): void {
  if (connection.ended) {
    resetSocket(connection.tcp)
    return
  }
  const [first = streamHeldBack(connection)] = connection.exchanges
  const req = first?.req ?? connection.last
  if (req && !guarded.settings.dryRun) stateOf(req).dropped = true
  const facts = req && factsOf(req)
  const how = { facts, req, reset: true, sentStatus: first?.res?.statusCode }
  endConnection(guarded, connection, { reason: Reason.SEND_TIMEOUT }, how)
}

/** HTTP/2: a stream with bytes that the client's window holds back. */
function streamHeldBack({ streams }: Connection): StreamRecord | undefined {
  for (const record of streams?.values() ?? []) if (record.stream.writableLength > 0) return record
  return undefined
}
