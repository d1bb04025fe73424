import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { dropRunning, dropUnseen } from '../drop.ts'
import { type DropAction, makeVerdict } from '../events/drop-event.ts'
import { preparePublish, publishConnection } from '../events/publish.ts'
import type { Finding } from '../reasons.ts'
import { trustOf } from '../request/client-address.ts'
import type { Request, Response } from '../request/http-types.ts'
import { isFirstTime } from '../request/judge-once.ts'
import { peerOf } from '../request/peer-address.ts'
import type { RequestFacts } from '../request/request-facts.ts'
import { stateOf } from '../request/request-state.ts'
import { resetSocket } from '../runtime/raw-socket.ts'
import { handOffRaw } from '../wire/hand-off.ts'
import type { Connection } from './connection.ts'
import type { GuardedServer } from './guarded-server.ts'
import { unknownRequest } from './phases/raw-head.ts'

/** How a connection is to end without a request. */
export interface EndHow {
  /** What is known of the request. */
  readonly facts?: RequestFacts | undefined
  /** The request, where there is one. */
  readonly req?: Request | undefined
  /** The rule's name in the event; default: `protect`'s. */
  readonly rule?: string | undefined
  readonly reset?: boolean | undefined
  /** Ends the connection; default: at once. */
  readonly end?: (() => void) | undefined
  /** The code that `end` sends to a trusted proxy. */
  readonly handOff?: number | undefined
  /** The status of a response that has started already. */
  readonly sentStatus?: number | undefined
}

function actionOf({ end, handOff }: EndHow, reset: boolean): DropAction {
  if (handOff !== undefined) return 'hand-off'
  return reset && !end ? 'reset' : 'close'
}

/**
 * Ends a connection on which no request is to blame, with no byte and one event.
 *
 * @returns false if the connection goes on: in a dry run, and for a peer in `except`
 */
export function endConnection(
  guarded: GuardedServer,
  connection: Connection,
  finding: Finding,
  how: EndHow = {},
): boolean {
  if (connection.ended) return true
  if (connection.isExcepted) return false
  publishConnectionOnce(guarded, connection, finding, how)
  if (guarded.settings.dryRun) return false
  connection.ended = true
  if (how.end) how.end()
  else if (how.reset ?? guarded.settings.reset) resetSocket(connection.tcp)
  else connection.tcp.destroy()
  return true
}

/**
 * The hand-off of an HTTP/1 connection that ends without a request that could be answered. A trusted proxy gets a response all the
 * same, because it would count a plain close as a failure of this server.
 */
export function rawHandOff(
  guarded: GuardedServer,
  connection: Connection,
  socket: Socket = connection.tls ?? connection.tcp,
): Pick<EndHow, 'handOff' | 'end'> {
  const { handOff = 444 } = guarded.settings
  const isHttp1 = guarded.protocol !== 'http2' && (socket as TLSSocket).alpnProtocol !== 'h2'
  if (!connection.isProxy || handOff === 'close' || !isHttp1) return {}
  return { handOff, end: () => handOffRaw(socket, handOff) }
}

/** Publishes the one event of a connection. */
export function publishConnectionOnce(
  guarded: GuardedServer,
  connection: Connection,
  finding: Finding,
  how: EndHow = {},
): void {
  if (connection.eventPublished) return
  connection.eventPublished = true
  const { dryRun, name, reset } = guarded.settings
  const action = dryRun ? 'dry-run' : actionOf(how, how.reset ?? reset)
  const sentStatus = how.sentStatus ?? (dryRun ? undefined : how.handOff)
  const verdict = makeVerdict(how.rule ?? name, finding, action, sentStatus)
  publishConnection(how.facts ?? unknownRequest, verdict, peerOf(connection.tcp), connection.isProxy, how.req)
}

/**
 * Drops a request by a finding of `protect`'s own; a trusted proxy gets the hand-off.
 *
 * @returns false if the request goes on
 */
export function dropRequest(
  guarded: GuardedServer,
  req: Request,
  res: Response,
  finding: Finding,
  rule?: string,
): boolean {
  const { dryRun, name, handOff, reset, trustProxy } = guarded.settings
  const state = stateOf(req)
  if (!dryRun) {
    const { reason, detail } = finding
    // A finding of `protect` itself means a broken request: on HTTP/2 it costs the connection, not only the stream.
    const http2 = rule === undefined && !reset ? ('goaway' as const) : undefined
    const info = { res, http2, handOff, reset, trustProxy, reason, detail, rule: rule ?? name }
    if (state.isRunning) dropRunning(req, info)
    else dropUnseen(req, info)
    return true
  }
  if (state.eventPublished || state.dropped) return state.dropped
  // The request goes on, and a rule may still drop it. So `protect` itself publishes one event at most.
  if (!isFirstTime(state, guarded.judgeId)) return false
  const publish = preparePublish(req, trustOf(req, guarded.settings.trustProxy))
  publish(makeVerdict(rule ?? name, finding, 'dry-run'))
  return false
}
