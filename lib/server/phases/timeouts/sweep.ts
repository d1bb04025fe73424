import { parserOf, parsersAtWork } from '../../../runtime/raw-socket.ts'
import type { Connection } from '../../connection.ts'
import type { GuardedServer } from '../../guarded-server.ts'

/** One look at all connections of a server. */
export interface Sweep {
  readonly guarded: GuardedServer
  /** When it began, in ms of `performance.now()`. */
  readonly now: number
  /** The parsers that are in the middle of a head; read once a sweep, at the first need. */
  parsersAtWork: ReadonlySet<unknown> | undefined
}

/** Whether a limit in ms has passed since a time; 0 is no limit. */
export const isOver = ({ now }: Sweep, since: number, limit: number): boolean =>
  limit > 0 && now - since >= limit

/**
 * Whether the next head began in the packet that ended the last request. The parser is asked once: if the head goes on later, the
 * count of bytes shows it.
 */
export function hasBegunInLastPacket(sweep: Sweep, connection: Connection): boolean {
  const parser = connection.http1 && parserOf(connection.http1)
  connection.http1 = undefined
  if (!parser) return false
  sweep.parsersAtWork ??= parsersAtWork(sweep.guarded.server)
  return sweep.parsersAtWork.has(parser)
}
