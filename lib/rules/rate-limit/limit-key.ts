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

/** What a limit counts by, checked. */
export type LimitKey = 'address' | { readonly header: string } | KeyFunction

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/

export const keyCheck: Check<LimitKey> = (value, fail) => {
  if (value === 'address' || typeof value === 'function') return value as LimitKey
  const header = (value as { header?: unknown } | null)?.header
  if (typeof header === 'string' && fieldName.test(header)) return { header: header.toLowerCase() }
  return fail("'address', { header: 'x-api-key' } or a function")
}

/**
 * The key that a header field makes; undefined where the request has none. The field's name stands before it: what a client
 * writes there can't be somebody's address.
 */
export function headerKey({ headers }: Request, header: string): string | undefined {
  const value = Object.hasOwn(headers, header) ? headers[header] : undefined
  return value === undefined || value.length === 0 ? undefined : `${header} ${value}`
}

/** What the log says of a header's key: not the value, which may be a secret, but the beginning of its SHA-256. */
export function headerDetail(key: string, header: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return `${header} ${createHash('sha256')
    .update(key.slice(header.length + 1))
    .digest('hex')
    .slice(0, 12)}`
}

/** The bits that make one client of each family. */
export interface Subnets {
  readonly ipv4Subnet: number
  readonly ipv6Subnet: number
}

/** An IPv6 subscriber has a whole network: each of its addresses is the same client. */
export function addressKey(seen: Address, { ipv4Subnet, ipv6Subnet }: Subnets): string {
  const address = standsFor(seen)
  if (address.family === 4) {
    if (ipv4Subnet === 32) return address.text
    return formatWord4(maskWords(address.words, ipv4Subnet)[0] as number)
  }
  return ipv6Subnet === 128 ? address.text : addressOfWords(maskWords(address.words, ipv6Subnet)).text
}
