import type { Address } from './address.ts'
import { type AddressRange, compareWords } from './cidr-entry.ts'

/** A compiled set of address ranges. */
export interface CidrSet {
  /** The text of an entry that holds the address, or undefined. */
  match(address: Address): string | undefined
}

/** Sorted, disjoint ranges of one family: a binary search finds the only one that can hold an address. */
interface Table {
  readonly starts: readonly (readonly number[])[]
  readonly ends: readonly (readonly number[])[]
  readonly texts: readonly string[]
}

/** The next address; never asked of the last one there is. */
function after(words: readonly number[]): number[] {
  const next = [...words]
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = ((next[i] as number) + 1) >>> 0
    if (next[i] !== 0) break
  }
  return next
}

function compileTable(ranges: readonly AddressRange[]): Table {
  const sorted = [...ranges].sort((a, b) => compareWords(a.start, b.start) || compareWords(b.end, a.end))
  const starts: (readonly number[])[] = []
  const ends: (readonly number[])[] = []
  const texts: string[] = []
  for (const range of sorted) {
    const open = ends.at(-1)
    // What an earlier range holds already is its: of this one there remains what lies behind.
    if (open !== undefined && compareWords(range.end, open) <= 0) continue
    const overlaps = open !== undefined && compareWords(range.start, open) <= 0
    starts.push(overlaps ? after(open) : range.start)
    ends.push(range.end)
    texts.push(range.text)
  }
  return { starts, ends, texts }
}

function find({ starts, ends, texts }: Table, words: readonly number[]): string | undefined {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareWords(starts[middle] as readonly number[], words) <= 0) low = middle + 1
    else high = middle
  }
  if (low === 0) return undefined
  return compareWords(ends[low - 1] as readonly number[], words) >= 0 ? texts[low - 1] : undefined
}

/** Compiles ranges once; a look-up is a binary search that allocates nothing. */
export function compileCidrSet(ranges: readonly AddressRange[]): CidrSet {
  const v4 = compileTable(ranges.filter(range => range.family === 4))
  const v6 = compileTable(ranges.filter(range => range.family === 6))
  return { match: address => find(address.family === 4 ? v4 : v6, address.words) }
}
