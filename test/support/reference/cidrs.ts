import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { groups, octets } from './addresses.ts'

type Ip = ipaddr.IPv4 | ipaddr.IPv6

/** An entry of a list, and what it means by ipaddr.js alone. */
export interface ReferenceEntry {
  readonly text: string
  contains(address: Ip): boolean
  /** Addresses in and around the entry, where a search goes wrong if it does. */
  readonly edges: readonly string[]
}

/** The text of the entry that holds the address: every entry is looked at. */
export function linearScan(entries: readonly ReferenceEntry[], address: string): ReferenceEntry[] {
  const ip = ipaddr.process(address)
  return entries.filter(entry => entry.contains(ip))
}

const toNumber = (ip: Ip) => ip.toByteArray().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)

function fromNumber(kind: Ip['kind'], value: bigint): Ip {
  const size = kind() === 'ipv4' ? 4 : 16
  const bytes = Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 255n))
  return ipaddr.fromByteArray(bytes)
}

/** The first, the last, one before and one after, where there are such. */
function edgesOf(first: Ip, last: Ip): string[] {
  const kind = first.kind.bind(first)
  const top = (1n << (kind() === 'ipv4' ? 32n : 128n)) - 1n
  const [from, to] = [toNumber(first), toNumber(last)]
  return [from, to, from - 1n, to + 1n, (from + to) / 2n]
    .filter(value => value >= 0n && value <= top)
    .map(value => fromNumber(kind, value).toString())
}

/** `address/prefix` as ipaddr.js reads it; `text` where it is written another way. */
function cidrEntry(address: Ip, prefix: number, text = `${address}/${prefix}`): ReferenceEntry {
  const kind = address instanceof ipaddr.IPv4 ? ipaddr.IPv4 : ipaddr.IPv6
  const cidr = `${address}/${prefix}`
  return {
    text,
    contains: ip => ip.kind() === address.kind() && ip.match(address, prefix),
    edges: edgesOf(kind.networkAddressFromCIDR(cidr), kind.broadcastAddressFromCIDR(cidr)),
  }
}

function rangeEntry(a: Ip, b: Ip): ReferenceEntry {
  const [first, last] = toNumber(a) <= toNumber(b) ? [a, b] : [b, a]
  return {
    text: `${first}-${last}`,
    contains: ip =>
      ip.kind() === first.kind() && toNumber(ip) >= toNumber(first) && toNumber(ip) <= toNumber(last),
    edges: edgesOf(first, last),
  }
}

const v4 = octets.map(bytes => new ipaddr.IPv4([...bytes]))
/** Those that are no IPv4 in disguise. */
const v6 = groups.map(parts => new ipaddr.IPv6(parts)).filter(ip => !ip.isIPv4MappedAddress())

/** ipaddr.js knows the named groups by its own names. */
const rangeNames: Record<string, readonly string[]> = {
  loopback: ['loopback'],
  linklocal: ['linkLocal'],
  uniquelocal: ['private', 'uniqueLocal'],
}

const named = fc.constantFrom(...Object.keys(rangeNames)).map(name => ({
  text: name,
  contains: (ip: Ip) => (rangeNames[name] as string[]).includes(ip.range()),
  edges: [
    '127.0.0.0',
    '::1',
    '169.254.255.255',
    'fe80::',
    'febf:ffff::1',
    '172.31.255.255',
    'fdff::',
    'fe00::',
  ],
}))

/** An entry of every kind that a list may hold; none covers a whole family. */
export const entry: fc.Arbitrary<ReferenceEntry> = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 1, max: 32 })).map(([ip, prefix]) => cidrEntry(ip, prefix)),
  fc.tuple(v6, fc.integer({ min: 1, max: 128 })).map(([ip, prefix]) => cidrEntry(ip, prefix)),
  fc
    .tuple(v4, fc.integer({ min: 1, max: 32 }))
    .map(([ip, prefix]) => cidrEntry(ip, prefix, `${ip.toIPv4MappedAddress()}/${prefix + 96}`)),
  fc.tuple(v4, v4).map(([a, b]) => rangeEntry(a, b)),
  fc.tuple(v6, v6).map(([a, b]) => rangeEntry(a, b)),
  fc.oneof(v4, v6).map(ip => ({ ...cidrEntry(ip, ip.toByteArray().length * 8), text: ip.toString() })),
  named,
)

export const probe = fc.oneof(v4, v6).map(ip => ip.toString())
