import { compileNow } from '../match/addresses/cidr-compile.ts'
import { addEntry, CidrList } from '../match/addresses/cidr-entry.ts'
import { type CidrSet, isCidrSet } from '../match/addresses/cidr-set.ts'
import { refuse, refuseEntry } from './options-error.ts'
import { type Check, list, listArgument, reading } from './read-options.ts'

/** Adds one entry of the list `option` of `factory`. The error for a bad entry names both. */
export function addChecked(
  to: CidrList,
  factory: string,
  option: string,
  entry: unknown,
  index: number,
): void {
  const wrong = typeof entry === 'string' ? addEntry(to, entry.trim()) : 'it is no string'
  if (wrong !== undefined) refuseEntry(factory, option, entry, `${wrong} (entry ${index})`)
}

/** Parses and compiles a list of addresses, CIDRs and ranges. */
export function addressList(factory: string, option: string, entries: readonly unknown[]): CidrSet {
  const read = new CidrList()
  for (const [index, entry] of entries.entries()) addChecked(read, factory, option, entry, index)
  return compileNow(read)
}

/** Reads a factory's first argument: a compiled set, or a list to compile. */
export function addressArgument(factory: string, value: unknown): CidrSet {
  if (!reading(factory, 'list', value, () => isCidrSet(value)))
    return addressList(factory, 'list', listArgument(factory, 'list', value))
  const set = value as CidrSet
  return set.size > 0 ? set : refuse(factory, 'list', value, 'a set with at least one entry')
}

/** Checks an option that takes a compiled set, or a list to compile. */
export function addresses(option: string): Check<CidrSet> {
  return (value, fail, factory = 'rule') =>
    isCidrSet(value) ? value : addressList(factory, option, list(value, fail))
}
