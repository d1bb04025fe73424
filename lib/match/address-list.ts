import { OptionsError, show } from '../errors.ts'
import { list } from '../options.ts'
import { type AddressRange, parseEntry } from './cidr-entry.ts'
import { type CidrSet, compileCidrSet } from './cidr-set.ts'

/** Parses and compiles a list of addresses, CIDRs and ranges; `where` and `option` name it in the error. */
export function addressList(
  where: string,
  option: string,
  value: unknown,
  fail: (expected: string) => never,
): CidrSet {
  const ranges: AddressRange[] = []
  for (const [index, entry] of list(value, fail).entries()) {
    const parsed = typeof entry === 'string' ? parseEntry(entry.trim()) : 'it is no string'
    if (typeof parsed !== 'string') {
      for (const range of parsed) ranges.push(range)
      continue
    }
    const message = `${where}: entry ${index}, ${show(entry)}, can't be used: ${parsed}`
    throw new OptionsError('DROP444_INVALID_ENTRY', message, option, entry)
  }
  return compileCidrSet(ranges)
}
