import { NOTHING_SENT, Reason } from '../../../reasons.ts'
import { type Connection, isSpare } from '../../connection.ts'
import { endConnection, rawHandOff } from '../../end-connection.ts'
import type { GuardedServer } from '../../guarded-server.ts'
import { hasBegunInLastPacket, isOver, type Sweep } from './sweep.ts'

const reasons = { handshake: Reason.HANDSHAKE_TIMEOUT, head: Reason.HEADER_TIMEOUT } as const

/** TLS handshakes, and heads: nginx `client_header_timeout`. */
export function checkHeadTimeout(sweep: Sweep, connection: Connection, stage: 'handshake' | 'head'): void {
  const { guarded } = sweep
  const { handshakeTimeout, headerTimeout } = guarded.settings
  const limit = stage === 'handshake' ? handshakeTimeout : headerTimeout
  if (isOver(sweep, connection.since, limit))
    connection.inContext(() => endBeforeRequest(guarded, connection, reasons[stage]))
}

/** A connection that was kept alive: the first byte of a head starts the time for that head. */
export function checkIdle(sweep: Sweep, connection: Connection): void {
  if (connection.tcp.bytesRead !== connection.bytesAtRest || hasBegunInLastPacket(sweep, connection))
    connection.enter('head')
}

function endBeforeRequest(guarded: GuardedServer, connection: Connection, reason: Reason): void {
  const isUnused = isSpare(connection)
  const detail = isUnused ? NOTHING_SENT : undefined
  // A proxy in the middle of a request waits for a response; one that keeps a connection ready does not.
  const how = isUnused || connection.stage === 'handshake' ? {} : rawHandOff(guarded, connection)
  endConnection(guarded, connection, { reason, detail }, how)
  // A dry run goes on with the connection, and must not publish it again.
  connection.stage = 'request'
}
