import { type Address, maskWords, parseAddress } from '../../../lib/match/addresses/address.ts'

/*
 * The set of addresses as it was before it was made fast: objects, sorted by a comparison, and a binary search.
 */

/** An inclusive range of addresses of one family, and the text it was written as. */
interface AddressRange {
  readonly family: 4 | 6
  readonly start: readonly number[]
  readonly end: readonly number[]
  readonly text: string
}

/** Names for the ranges that nobody wants to spell, the same as Express's `trust proxy` has. */
const named: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Negative, zero or positive as `a` lies before, on or after `b`; both of one family. */
function compareWords(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * The ranges that one entry of a list means: an address, a CIDR (host bits may be set), `first-last`, or one of
 * `loopback`, `linklocal`, `uniquelocal`. A string where it means none: what is wrong with it.
 */
export function parseEntry(text: string): readonly AddressRange[] | string {
  if (text.includes('%')) return 'a zone names an interface of one machine'
  const group = Object.hasOwn(named, text) ? named[text] : undefined
  if (group) return group.map(entry => ({ ...(parseCidr(entry) as AddressRange), text }))
  const range = text.includes('-') ? parseRange(text) : parseCidr(text)
  if (typeof range === 'string') return range
  const whole = range.start.every(word => word === 0) && range.end.every(word => word === 0xffffffff)
  return whole ? 'it covers every address there is' : [range]
}

function parseRange(text: string): AddressRange | string {
  const [first, last, ...rest] = text.split('-').map(part => parseAddress(part.trim()))
  if (!first || !last || rest.length > 0) return 'it is no range of two addresses'
  if (first.family !== last.family) return 'its ends are of two families'
  if (compareWords(first.words, last.words) > 0) return 'it ends before it starts'
  return { family: first.family, start: first.words, end: last.words, text }
}

function parseCidr(text: string): AddressRange | string {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address) return 'it is no address, CIDR or range'
  const full = address.family === 4 ? 32 : 128
  const mapped = address.family === 4 && text.includes(':') ? 96 : 0
  const prefix = slash < 0 ? full : parsePrefix(text.slice(slash + 1), text, address)
  if (prefix < 0) return `its prefix length is not from ${mapped} to ${mapped + full}`
  const start = maskWords(address.words, prefix)
  const hostBits = maskWords([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], prefix)
  const end = start.map((word, i) => (word | ~(hostBits[i] as number)) >>> 0)
  return { family: address.family, start, end, text }
}

/** A prefix length, or -1. That of a mapped CIDR (`::ffff:192.0.2.0/120`) counts the 96 bits before the IPv4 address. */
function parsePrefix(digits: string, text: string, address: Address): number {
  if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return -1
  const prefix = Number(digits) - (address.family === 4 && text.includes(':') ? 96 : 0)
  return prefix >= 0 && prefix <= (address.family === 4 ? 32 : 128) ? prefix : -1
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

/** The text of an entry that holds the address, or undefined. All entries have to be valid. */
export function simpleSet(entries: readonly string[]): (address: Address) => string | undefined {
  const ranges = entries.flatMap(entry => parseEntry(entry) as readonly AddressRange[])
  const v4 = compileTable(ranges.filter(range => range.family === 4))
  const v6 = compileTable(ranges.filter(range => range.family === 6))
  return address => find(address.family === 4 ? v4 : v6, address.words)
}
