import type { ServerHttp2Session } from 'node:http2'
import { unsentBytes } from '../../../runtime/raw-socket.ts'
import { isMostlyDropped } from '../../../wire/http2-drops.ts'
import type { Connection } from '../../connection.ts'
import { checkStreamTimeout } from './body-timeout.ts'
import { isOver, type Sweep } from './sweep.ts'

/** How long a client may take to close its side of an HTTP/2 connection that is over, where `headerTimeout` sets no limit, in ms. */
const LINGER = 10_000

/** HTTP/2 sessions: their streams, an idle one of a client that was mostly dropped, and one that is over. */
export function checkSession(sweep: Sweep, connection: Connection, session: ServerHttp2Session): void {
  const { now } = sweep
  const { dryRun, headerTimeout } = sweep.guarded.settings
  const { streams, tcp } = connection
  if (session.destroyed) {
    if (dryRun) return
    // The server has sent FIN. A client that does not answer it must not keep the socket.
    connection.sessionOver ??= now
    const isLeft = isOver(sweep, connection.sessionOver, headerTimeout || LINGER)
    if (isLeft && !unsentBytes(tcp)) tcp.destroy()
  } else if (streams && streams.size > 0) {
    connection.since = now
    for (const record of streams.values()) checkStreamTimeout(sweep, connection, record)
  } else if (!dryRun && isOver(sweep, connection.since, headerTimeout) && isMostlyDropped(session)) {
    // A dropped client must not keep an idle connection. A request that crosses the GOAWAY on its way is sent anew by the client.
    session.close()
  }
}
