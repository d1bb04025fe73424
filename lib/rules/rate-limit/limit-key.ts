import {
  type Address,
  addressOfWords,
  formatWord4,
  maskWords,
  standsFor,
} from '../../match/addresses/address.ts'
import type { Check } from '../../options/read-options.ts'
import type { Request } from '../../request/http-types.ts'

export type KeyFunction = (req: Request) => string | PromiseLike<string>

/** The checked option `key`: what a limit counts by. */
export type LimitKey = 'address' | { readonly header: string } | KeyFunction

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/

export const keyCheck: Check<LimitKey> = (value, fail) => {
  if (value === 'address' || typeof value === 'function') return value as LimitKey
  const header = (value as { header?: unknown } | null)?.header
  if (typeof header === 'string' && fieldName.test(header)) return { header: header.toLowerCase() }
  return fail("'address', { header: 'x-api-key' } or a function")
}

/**
 * The key for a header field's value; undefined if the request has no such field. The key starts with the field's name, so that a
 * client can't send somebody's address as its value and use up that address's limit.
 */
export function headerKey({ headers }: Request, header: string): string | undefined {
  const value = Object.hasOwn(headers, header) ? headers[header] : undefined
  return value === undefined || value.length === 0 ? undefined : `${header} ${value}`
}

/** The detail to log for a header's key: the beginning of the value's SHA-256, because the value may be a secret. */
export function headerDetail(key: string, header: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return `${header} ${createHash('sha256')
    .update(key.slice(header.length + 1))
    .digest('hex')
    .slice(0, 12)}`
}

/** The first bits of an address that make one client, for each family. */
export interface Subnets {
  readonly ipv4Subnet: number
  readonly ipv6Subnet: number
}

/** The key for an address: its subnet, because an IPv6 subscriber has a whole network of addresses. */
export function addressKey(seen: Address, { ipv4Subnet, ipv6Subnet }: Subnets): string {
  const address = standsFor(seen)
  if (address.family === 4) {
    if (ipv4Subnet === 32) return address.text
    return formatWord4(maskWords(address.words, ipv4Subnet)[0] as number)
  }
  return ipv6Subnet === 128 ? address.text : addressOfWords(maskWords(address.words, ipv6Subnet)).text
}
