import type { Address } from '../match/addresses/address.ts'
import { clientAddress, trustOf } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { peerAddress } from '../request/peer-address.ts'
import { type Common, type CommonOptions, commonChecks } from './common-options.ts'
import { type Check, oneOf } from './read-options.ts'

/** The options of every rule that judges addresses. */
export interface AddressOptions extends CommonOptions {
  /** `'client'` (default): the client's address, read through trusted proxies. `'peer'`: the address of the TCP connection. */
  address?: 'client' | 'peer' | undefined
  /**
   * What happens to a request without an address: on a unix-domain socket without `trustProxy`, if the client reset its connection
   * before it was accepted, and if a trusted proxy passes on text that is no address. Default `'drop'`, except in `repeatOffender`.
   */
  noAddress?: 'drop' | 'pass' | undefined
}

export const addressChecks = () =>
  ({
    ...commonChecks(),
    address: oneOf('client', 'peer'),
    noAddress: oneOf('drop', 'pass'),
  }) satisfies Record<keyof AddressOptions, Check<unknown>>

/** The address that a rule judges; undefined if there is none. */
export function addressOf(
  req: Request,
  common: Common,
  which: 'client' | 'peer' | undefined,
): Address | undefined {
  return which === 'peer' ? peerAddress(req) : clientAddress(req, trustOf(req, common.trustProxy))
}
