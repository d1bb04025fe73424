import type { Rule } from '../../judgement.ts'
import type { DoorJudge } from '../../judging/rule-info.ts'
import type { Address } from '../../match/addresses/address.ts'
import type { CidrSet } from '../../match/addresses/cidr-set.ts'
import { addressArgument } from '../../options/address-list.ts'
import { type AddressOptions, addressChecks, addressOf } from '../../options/address-options.ts'
import { commonOf } from '../../options/common-options.ts'
import { readOptions, refuseRequest } from '../../options/read-options.ts'
import type { Finding } from '../../reasons.ts'
import { Reason } from '../../reasons.ts'
import { isTrusted } from '../../request/trust.ts'
import { makeRule } from '../../rule.ts'

/** What `denyCidr` and `allowCidr` share: all but which side of the list is dropped. */
export function cidrRule(
  factory: string,
  entries: unknown,
  options: AddressOptions | undefined,
  judgeAddress: (set: CidrSet, address: Address) => Finding | undefined,
): Rule {
  refuseRequest(factory, entries)
  const set = addressArgument(factory, entries)
  const checked = readOptions(factory, options, addressChecks)
  // An address rule is certain of whom it meets: nothing on that connection is worth finishing.
  const common = commonOf(checked, { name: factory, http2: 'destroy' })
  const drops = checked.noAddress !== 'pass'
  const door: DoorJudge = (peer, written, serverTrust) => {
    const trust = common.trustProxy ?? serverTrust
    // Behind a proxy the client is known only from a request.
    const asksClient = checked.address !== 'peer' || common.except
    if (asksClient && trust && isTrusted(trust, peer, written)) return undefined
    return common.except?.match(peer) === undefined ? judgeAddress(set, peer) : undefined
  }
  // What is to be answered, only logged, or asked of `skip` needs a request.
  const judgesAtDoor = common.status === 444 && !common.dryRun && !common.skip
  return makeRule(
    common,
    req => {
      const address = addressOf(req, common, checked.address)
      if (!address) return drops ? { reason: Reason.NO_ADDRESS } : undefined
      return judgeAddress(set, address)
    },
    { door: judgesAtDoor ? door : undefined },
  )
}
