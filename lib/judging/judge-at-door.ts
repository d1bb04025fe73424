import type { Address } from '../match/addresses/address.ts'
import type { Common } from '../options/common-options.ts'
import type { Finding } from '../reasons.ts'
import { isTrusted } from '../request/trust.ts'
import type { DoorJudge } from './rule-info.ts'

/**
 * Lets a rule that judges addresses judge a connection before its first request. Undefined for a rule that needs a request: to
 * answer it, to log it in a dry run, or to call `skip` with it.
 *
 * @param which the address that the rule judges
 */
export function judgeAtDoor(
  common: Common,
  which: 'client' | 'peer' | undefined,
  judgeAddress: (address: Address) => Finding | undefined,
): DoorJudge | undefined {
  if (common.status !== 444 || common.dryRun || common.skip) return undefined
  const asksClient = which !== 'peer' || common.except !== undefined
  return (peer, written, serverTrust) => {
    const finding = judgeAddress(peer)
    if (!finding) return undefined
    const trust = common.trustProxy ?? serverTrust
    // Behind a trusted proxy the client's address is known only from a request.
    if (asksClient && trust && isTrusted(trust, peer, written)) return undefined
    return common.except?.match(peer) === undefined ? finding : undefined
  }
}
