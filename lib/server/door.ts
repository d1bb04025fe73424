import { reportError } from '../drop-channel.ts'
import type { Address } from '../match/address.ts'
import { Reason } from '../reasons.ts'
import type { Finding } from '../rule.ts'
import { type DoorJudge, infoOf } from '../rule-info.ts'
import type { Connection } from './connection.ts'
import { endConnection } from './end.ts'
import type { Site } from './site.ts'

/** One count an address: of IPv6 the /64, which is what one subscriber is given. */
const keyOf = ({ family, words, text }: Address) => (family === 4 ? text : `${words[0]} ${words[1]}`)

/**
 * Who may come in, judged at TCP accept: before the TLS handshake, before a parser is made.
 *
 * @returns the judge of new connections: whether it is ended
 */
export function makeDoor(site: Site): (connection: Connection) => boolean {
  const { rules, connectionsPerAddress, dryRun } = site.settings
  const judges = rules.flatMap(rule => {
    const info = infoOf(rule)
    // In a dry run it is told of the request, which tells more.
    return info?.door && !dryRun ? [{ rule: rule.name, reset: info.reset, judge: info.door }] : []
  })
  const open = new Map<string, number>()

  /** nginx: `limit_conn`. A proxy's connections are those of many clients. */
  function isOneTooMany(connection: Connection, peer: Address): boolean {
    if (connectionsPerAddress === 0 || connection.isProxy || connection.isExcepted) return false
    const key = keyOf(peer)
    const count = open.get(key) ?? 0
    if (count >= connectionsPerAddress) {
      const reason = Reason.TOO_MANY_CONNECTIONS
      if (endConnection(site, connection, { reason, detail: String(connectionsPerAddress) })) return true
    }
    open.set(key, count + 1)
    connection.tcp.once('close', () => {
      const left = (open.get(key) ?? 1) - 1
      if (left > 0) open.set(key, left)
      else open.delete(key)
    })
    return false
  }

  /** Where the trust function throws there is still the request to judge by. */
  function judgeSafely(judge: DoorJudge, peer: Address, written: string): Finding | undefined {
    try {
      return judge(peer, written, site.trust)
    } catch (error) {
      reportError('the trust function', error)
      return undefined
    }
  }

  return function refuses(connection) {
    const { peer, tcp } = connection
    // Without an address (a unix-domain socket) there is a request to judge by.
    if (!peer) return false
    for (const { rule, reset, judge } of judges) {
      const finding = judgeSafely(judge, peer, tcp.remoteAddress ?? peer.text)
      if (finding && endConnection(site, connection, finding, { rule, reset })) return true
    }
    return isOneTooMany(connection, peer)
  }
}
