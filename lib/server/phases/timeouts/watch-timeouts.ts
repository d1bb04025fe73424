import { outsideRequests } from '../../../runtime/async-context.ts'
import type { Connection } from '../../connection.ts'
import type { GuardedServer } from '../../guarded-server.ts'
import { makeDeadSessionProbe } from '../node20-dead-sessions.ts'
import { checkBodyTimeout, checkBroken } from './body-timeout.ts'
import { checkHeadTimeout, checkIdle } from './head-timeout.ts'
import { checkSendTimeout } from './send-timeout.ts'
import { checkSession } from './session-timeout.ts'
import type { Sweep } from './sweep.ts'

/*
 * Node has time limits, but enforces them once in 30 seconds and answers 408. Here one timer looks at how many bytes of each
 * connection have come and gone. That tells a slow client from a slow app, and costs a request nothing.
 */

/** How often connections are looked at, in ms. A limit may be late by twice as much. */
const INTERVAL = 250

/**
 * Enforces the time limits on all connections of a server, with a timer that runs while there are any.
 *
 * @returns what ends that
 */
export function watchTimeouts(guarded: GuardedServer): () => void {
  const { settings, connections } = guarded
  let timer: NodeJS.Timeout | undefined

  // Not in a dry run: the probe sends a frame.
  const probe = settings.dryRun ? undefined : makeDeadSessionProbe(guarded)

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  function sweepAll(): void {
    if (!timer || connections.size === 0) return stop()
    const sweep: Sweep = { guarded, now: performance.now(), parsersAtWork: undefined }
    for (const connection of connections) {
      if (connection.tcp.destroyed) connections.delete(connection)
      else if (connection.stage !== 'released' && !connection.isExcepted) {
        probe?.(connection)
        checkTimeouts(sweep, connection)
      }
    }
  }

  guarded.onAdmit = () => {
    if (timer) return
    // `setImmediate` runs behind the poll phase: what came while the process was busy is read before it is judged late.
    timer = outsideRequests(() => setInterval(() => setImmediate(sweepAll).unref(), INTERVAL).unref())
  }
  return () => {
    guarded.onAdmit = () => {}
    stop()
  }
}

function checkTimeouts(sweep: Sweep, connection: Connection): void {
  checkSendTimeout(sweep, connection)
  if (connection.ended) return checkBroken(sweep, connection)
  const { stage, session } = connection
  if (stage === 'handshake' || stage === 'head') checkHeadTimeout(sweep, connection, stage)
  else if (stage === 'idle') checkIdle(sweep, connection)
  else if (session) checkSession(sweep, connection, session)
  else checkBodyTimeout(sweep, connection)
}
