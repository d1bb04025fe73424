import type { Rule } from '../../judgement.ts'
import { judgeAtDoor } from '../../judging/judge-at-door.ts'
import type { Address } from '../../match/addresses/address.ts'
import type { CidrSet } from '../../match/addresses/cidr-set.ts'
import { addressArgument } from '../../options/address-list.ts'
import { type AddressOptions, addressChecks, addressOf } from '../../options/address-options.ts'
import { commonOf } from '../../options/common-options.ts'
import { readOptions, refuseRequest } from '../../options/read-options.ts'
import type { Finding } from '../../reasons.ts'
import { Reason } from '../../reasons.ts'
import { makeRule } from '../../rule.ts'

/** Makes `denyCidr` and `allowCidr`. They differ only in `judgeAddress`: one drops the listed addresses, the other all others. */
export function cidrRule(
  factory: string,
  entries: unknown,
  options: AddressOptions | undefined,
  judgeAddress: (set: CidrSet, address: Address) => Finding | undefined,
): Rule {
  refuseRequest(factory, entries)
  const set = addressArgument(factory, entries)
  const checked = readOptions(factory, options, addressChecks())
  // `destroy`: other requests of a connection usually have the same address, so none of them is worth finishing.
  const common = commonOf(checked, { name: factory, http2: 'destroy' })
  const drops = checked.noAddress !== 'pass'
  return makeRule(
    common,
    req => {
      const address = addressOf(req, common, checked.address)
      if (!address) return drops ? { reason: Reason.NO_ADDRESS } : undefined
      return judgeAddress(set, address)
    },
    { door: judgeAtDoor(common, checked.address, peer => judgeAddress(set, peer)) },
  )
}
