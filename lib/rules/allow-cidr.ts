import type { Rule } from '../judgement.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import type { AddressOptions } from '../options/address-options.ts'
import { Reason } from '../reasons.ts'
import { cidrRule } from './cidr/cidr-rule.ts'

/**
 * Drops clients whose address is not in the list. nginx: `allow 203.0.113.0/24; deny all;` with 444 in place of 403.
 *
 * @param list the same entries as for {@link denyCidr}
 * @param options the common options, `address` and `noAddress`; `http2` defaults to `'destroy'`
 *
 * @example
 * app.use('/admin', allowCidr(['203.0.113.0/24']))
 * app.use(allowCidr(cloudflare, { address: 'peer' })) // nothing but the CDN may connect
 *
 * @throws OptionsError that names the bad entry
 */
export function allowCidr(list: (Iterable<string> & object) | CidrSet, options?: AddressOptions): Rule {
  return cidrRule('allowCidr', list, options, (set, address) =>
    set.match(address) === undefined ? { reason: Reason.UNLISTED_ADDRESS, detail: address.text } : undefined,
  )
}
