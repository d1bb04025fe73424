import type { ServerHttp2Session } from 'node:http2'
import { Reason } from '../../reasons.ts'
import { isEnding } from '../../request/request-state.ts'
import { unsentBytes } from '../../runtime/raw-socket.ts'
import type { Connection } from '../connection.ts'
import { endConnection } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'

/** Seen on Node 20, not on 22, 24 and 26. */
const leavesDeadSessions = () => Number.parseInt(process.versions.node, 10) < 22

/** What was asked of a session, and when it was last quiet. */
interface Probe {
  /** `bytesRead` when it last proved to be alive. */
  alive: number
  /** `bytesRead` when it was last looked at. */
  seen: number
  /** `bytesWritten` before a PING that is not answered yet, and when that was. */
  asked: number | undefined
  askedAt: number
  /** Whether frames waited to be sent at the last look. */
  wasQueued: boolean
}

/** How long an answer to a PING may take where `headerTimeout` sets no limit, in ms. */
const PATIENCE = 10_000

/**
 * After a frame error Node 20 sends its GOAWAY, tells nobody, and keeps the session and its socket for good, even when the
 * client has gone. Such a session takes a PING and never sends it, or never hears the
 * answer. So each session is asked once when it falls quiet.
 *
 * @returns what looks at a session; undefined where Node has no need of it
 */
export function makeDeadSessionProbe(guarded: GuardedServer): ((connection: Connection) => void) | undefined {
  if (!leavesDeadSessions()) return undefined
  const probes = new WeakMap<Connection, Probe>()

  function ask(session: ServerHttp2Session, connection: Connection, probe: Probe): void {
    probe.asked = connection.tcp.bytesWritten
    probe.askedAt = performance.now()
    // Node sends no PING on a closing session. There the frames that wait tell whether it is dead.
    if (session.closed) return
    session.ping(() => {
      probe.asked = undefined
      probe.alive = probe.seen = connection.tcp.bytesRead
    })
  }

  /** Ends a session whose PING is not sent, or not heard of again. */
  function awaitAnswer(session: ServerHttp2Session, connection: Connection, probe: Probe): void {
    const { asked, askedAt } = probe
    const { bytesWritten } = connection.tcp
    const isQueued = (session.state.outboundQueueSize ?? 0) > 0
    // Node sends a frame a turn after the app wrote it. So in a closing session a frame has to wait for two looks.
    const isUnsent = bytesWritten === asked && isQueued && (!session.closed || probe.wasQueued)
    probe.wasQueued = isQueued
    const isUnheard =
      !session.closed && performance.now() - askedAt >= (guarded.settings.headerTimeout || PATIENCE)
    if (session.closed) probe.asked = bytesWritten
    if (!isUnsent && !isUnheard) return
    if (isEnding(session)) connection.tcp.destroy()
    else connection.inContext(() => endConnection(guarded, connection, { reason: Reason.HTTP2_ERROR }))
  }

  return function look(connection) {
    const { tcp, session } = connection
    if (!session || session.destroyed || connection.ended || unsentBytes(tcp) !== 0) return
    const probe = probes.get(connection) ?? {
      alive: -1,
      seen: -1,
      asked: undefined,
      askedAt: 0,
      wasQueued: false,
    }
    probes.set(connection, probe)
    if (probe.asked !== undefined) awaitAnswer(session, connection, probe)
    else if (tcp.bytesRead !== probe.seen) probe.seen = tcp.bytesRead
    else if (tcp.bytesRead !== probe.alive) ask(session, connection, probe)
  }
}
