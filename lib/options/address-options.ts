import type { Address } from '../match/addresses/address.ts'
import { clientAddress, trustOf } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { peerAddress } from '../request/peer-address.ts'
import { type Common, type CommonOptions, commonChecks } from './common-options.ts'
import { type Check, oneOf } from './read-options.ts'

/** What the rules that judge addresses have in common. */
export interface AddressOptions extends CommonOptions {
  /** `'client'` (default): who really asks, seen through trusted proxies. `'peer'`: who connected. */
  address?: 'client' | 'peer' | undefined
  /**
   * What happens where there is no address: on a unix-domain socket without `trustProxy`, where the client reset its
   * connection before it was accepted, and where a trusted proxy passes on something that is none. Default `'drop'`: what can't be judged does not pass.
   */
  noAddress?: 'drop' | 'pass' | undefined
}

export const addressChecks = () =>
  ({
    ...commonChecks(),
    address: oneOf('client', 'peer'),
    noAddress: oneOf('drop', 'pass'),
  }) satisfies Record<keyof AddressOptions, Check<unknown>>

/** The address that a rule is to judge. */
export function addressOf(
  req: Request,
  common: Common,
  which: 'client' | 'peer' | undefined,
): Address | undefined {
  return which === 'peer' ? peerAddress(req) : clientAddress(req, trustOf(req, common.trustProxy))
}
