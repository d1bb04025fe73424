import type { Rule } from '../judgement.ts'
import { standsFor } from '../match/addresses/address.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import type { AddressOptions } from '../options/address-options.ts'
import { Reason } from '../reasons.ts'
import { cidrRule } from './cidr/cidr-rule.ts'

/**
 * Drops clients whose address is in the list. nginx: `deny 198.51.100.0/24;` with 444 in place of 403. An IPv4 client behind a
 * translator (`64:ff9b::a.b.c.d`, RFC 6052) is dropped if either address is listed.
 *
 * @param list addresses, CIDRs (host bits may be set), ranges `first-last`, `loopback`, `linklocal`, `uniquelocal`: at
 *   least one, and none that covers every address; or a set from {@link cidrSet}
 * @param options the common options, `address` and `noAddress`; `http2` defaults to `'destroy'`
 *
 * @example
 * app.use(denyCidr(['198.51.100.0/24', '2001:db8::/32', '192.0.2.10-192.0.2.20']))
 *
 * @throws OptionsError that names the bad entry
 */
export function denyCidr(list: (Iterable<string> & object) | CidrSet, options?: AddressOptions): Rule {
  return cidrRule('denyCidr', list, options, (set, address) => {
    const client = standsFor(address)
    const detail = set.match(address) ?? (client === address ? undefined : set.match(client))
    return detail === undefined ? undefined : { reason: Reason.DENIED_ADDRESS, detail }
  })
}
