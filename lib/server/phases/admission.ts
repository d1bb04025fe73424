import type { Socket } from 'node:net'
import { reportError } from '../../diagnostics/report-error.ts'
import { makeVerdict } from '../../events/drop-event.ts'
import { publishConnection } from '../../events/publish.ts'
import { type DoorJudge, infoOf } from '../../judging/rule-info.ts'
import { type Address, parseAddress, standsFor } from '../../match/addresses/address.ts'
import type { Finding } from '../../reasons.ts'
import { Reason } from '../../reasons.ts'
import { peerAddressOf } from '../../request/peer-address.ts'
import { resetSocket, tcpSocket } from '../../runtime/raw-socket.ts'
import type { Connection } from '../connection.ts'
import { endConnection } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { unknownRequest } from './raw-head.ts'

/** Decides on new connections when TCP is accepted: before the TLS handshake, before a parser is made. */
export interface Admission {
  /** Whether to close a connection by its address, before there is a socket. Undefined if no rule allows that. */
  readonly refusesAddress: ((written: string) => boolean) | undefined
  /** Ends a new connection if a rule refuses its address, before there is a record of it. */
  refuses(socket: Socket): boolean
  /** Counts a connection, and ends it if its address has too many. */
  isOneTooMany(connection: Connection): boolean
}

interface Refusal {
  readonly finding: Finding
  readonly rule: string
  readonly reset: boolean
}

/** One count an address: of IPv6 the /64, which is what one subscriber is given. */
function keyOf(peer: Address): string {
  const { family, words, text } = standsFor(peer)
  return family === 4 ? text : `${words[0]} ${words[1]}`
}

export function makeAdmission(guarded: GuardedServer): Admission {
  const { rules, connectionsPerAddress, dryRun, except } = guarded.settings
  const judges = rules.flatMap(rule => {
    const info = infoOf(rule)
    // A dry run publishes the request instead, as that event says more.
    return info?.door && !dryRun ? [{ rule: rule.name, reset: info.reset, judge: info.door }] : []
  })
  const open = new Map<string, number>()

  function refusalOf(peer: Address, written: string): Refusal | undefined {
    for (const { rule, reset, judge } of judges) {
      const finding = judgeSafely(judge, peer, written)
      if (finding) return except?.match(peer) === undefined ? { finding, rule, reset } : undefined
    }
    return undefined
  }

  /** If the trust function throws, the connection comes in: its requests are judged again. */
  function judgeSafely(judge: DoorJudge, peer: Address, written: string): Finding | undefined {
    try {
      return judge(peer, written, guarded.trust)
    } catch (error) {
      reportError('the trust function', error)
      return undefined
    }
  }

  /** A connection without an address (a unix-domain socket) comes in: its requests are judged. */
  function refuses(socket: Socket): boolean {
    const tcp = tcpSocket(socket) ?? socket
    const peer = peerAddressOf(tcp)
    const refusal = peer && refusalOf(peer, tcp.remoteAddress ?? peer.text)
    if (!refusal) return false
    publishRefusal(peer, refusal)
    if (refusal.reset) resetSocket(tcp)
    else tcp.destroy()
    return true
  }

  function refusesAddress(written: string): boolean {
    const peer = parseAddress(written)
    const refusal = peer && refusalOf(peer, written)
    // `blockList` can't send an RST. So a rule with `reset` waits for the socket.
    if (!refusal || refusal.reset) return false
    publishRefusal(peer, refusal)
    return true
  }

  /** nginx: `limit_conn`. A proxy's connections are those of many clients. */
  function isOneTooMany(connection: Connection): boolean {
    const { peer } = connection
    if (connectionsPerAddress === 0 || !peer || connection.isProxy || connection.isExcepted) return false
    const key = keyOf(peer)
    const count = open.get(key) ?? 0
    if (count >= connectionsPerAddress) {
      const reason = Reason.TOO_MANY_CONNECTIONS
      if (endConnection(guarded, connection, { reason, detail: String(connectionsPerAddress) })) return true
    }
    open.set(key, count + 1)
    connection.tcp.once('close', () => {
      const left = (open.get(key) ?? 1) - 1
      if (left > 0) open.set(key, left)
      else open.delete(key)
    })
    return false
  }

  return {
    refusesAddress: judges.some(({ reset }) => !reset) ? refusesAddress : undefined,
    refuses,
    isOneTooMany,
  }
}

function publishRefusal(peer: Address, { finding, rule, reset }: Refusal): void {
  const verdict = makeVerdict(rule, finding, reset ? 'reset' : 'close')
  publishConnection(unknownRequest, verdict, {
    address: peer,
    written: undefined,
    isUnix: false,
    isGone: false,
  })
}
