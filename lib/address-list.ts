import { refuseEntry } from './errors.ts'
import { type AddressRange, parseEntry } from './match/cidr-entry.ts'
import { type CidrSet, compileCidrSet } from './match/cidr-set.ts'

/** Parses and compiles a list of addresses, CIDRs and ranges; `factory` and `option` name it in the error. */
export function addressList(factory: string, option: string, entries: readonly unknown[]): CidrSet {
  const ranges: AddressRange[] = []
  for (const [index, entry] of entries.entries()) {
    const parsed = typeof entry === 'string' ? parseEntry(entry.trim()) : 'it is no string'
    if (typeof parsed === 'string') refuseEntry(factory, option, entry, `${parsed} (entry ${index})`)
    for (const range of parsed) ranges.push(range)
  }
  return compileCidrSet(ranges)
}
