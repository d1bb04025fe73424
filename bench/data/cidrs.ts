import { BlockList } from 'node:net'
import { IpFilter } from 'express-ipfilter'
import ipRangeCheck from 'ip-range-check'
import ipaddr from 'ipaddr.js'
import { addressOfWords, maskWords } from '../../lib/match/addresses/address.ts'
import { addressList } from '../../lib/options/address-list.ts'
import { seeded } from '../support/random.ts'

export const families = ['IPv4', 'IPv6', 'mixed'] as const
export type Family = (typeof families)[number]

export const ours = 'drop444'
export const blockList = 'net.BlockList'
export const parsedOnce = 'ipaddr.js, parsed once'
export const rangeCheck = 'ip-range-check'
export const ipFilter = 'express-ipfilter'

type Pick = ReturnType<typeof seeded>
const randomWord = (pick: Pick) => pick(2 ** 32)

/** Of IPv4 up to a /24, of IPv6 from an operator's /32 to a subscriber's /64: what lists are full of. */
function randomEntry(family: 4 | 6, pick: Pick): string {
  if (family === 4) {
    const prefix = 24 + pick(9)
    return `${textOf(maskWords([randomPublicWord(pick)], prefix))}/${prefix}`
  }
  const prefix = [32, 40, 44, 48, 56, 64][pick(6)] as number
  return `${textOf(maskWords(randomWords6(pick), prefix))}/${prefix}`
}

const randomPublicWord = (pick: Pick) => (11 * 2 ** 24 + pick(200 * 2 ** 24)) >>> 0
const randomWords6 = (pick: Pick) => [(2 ** 29 + pick(2 ** 29)) >>> 0, randomWord(pick), 0, 0]

const textOf = (words: readonly number[]) =>
  addressOfWords(words.length === 1 ? [0, 0, 0xffff, words[0] as number] : words).text

const familyOf = (family: Family, i: number) =>
  family === 'mixed' ? (i % 2 === 0 ? 4 : 6) : family === 'IPv4' ? 4 : 6

/** So many CIDRs, the same ones on every run. */
export function entriesOf(family: Family, count: number): string[] {
  const pick = seeded(count)
  return Array.from({ length: count }, (_, i) => randomEntry(familyOf(family, i), pick))
}

/** A random address within a CIDR; half of the IPv6 ones number their hosts from one, as servers are. */
function addressWithin(entry: string, pick: Pick): string {
  const [address, bits] = ipaddr.parseCIDR(entry)
  const bytes = address.toByteArray()
  const last = bytes.length === 16 && pick(2) === 0 ? 8 : bytes.length
  for (let i = 0; i < last; i++) {
    const free = Math.min(8, Math.max(0, 8 * (i + 1) - bits))
    bytes[i] = (bytes[i] as number) | pick(2 ** free)
  }
  if (last === 8 && bits <= 112) bytes[15] = 1 + pick(200)
  return ipaddr.fromByteArray(bytes).toString()
}

/** Addresses, every other one of which is in the list. */
export function addressesFor(family: Family, entries: readonly string[], count: number): string[] {
  const pick = seeded(count + 1)
  return Array.from({ length: count }, (_, i) => {
    const isHit = pick(2) === 0
    const of = familyOf(family, i)
    const entry = isHit ? (entries[pick(entries.length)] as string) : randomEntry(of, pick)
    return addressWithin(entry, pick)
  })
}

/** Whether a text is an address of the list. */
type Matcher = (address: string) => unknown

/** Who is compared: each makes of a list what it can make before the first question. */
export const matchers: Record<string, (entries: string[]) => Matcher> = {
  [ours](entries) {
    const set = addressList('denyCidr', 'list', entries)
    return address => set.has(address)
  },
  [blockList](entries) {
    const list = new BlockList()
    for (const entry of entries) {
      const [network = '', prefix] = entry.split('/')
      list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4')
    }
    return address => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  },
  [parsedOnce](entries) {
    const ranges = entries.map(entry => ipaddr.parseCIDR(entry))
    return text => {
      const address = ipaddr.process(text)
      for (const [network, bits] of ranges)
        if (network.kind() === address.kind() && address.match(network, bits)) return true
      return false
    }
  },
  [rangeCheck]: entries => address => ipRangeCheck(address, entries),
  [ipFilter](entries) {
    const middleware = IpFilter(entries, { log: false })
    let denied = false
    const next = (error?: unknown) => {
      denied = error !== undefined
    }
    return remoteAddress => {
      const socket = { remoteAddress }
      const req = { url: '/', headers: {}, socket, connection: socket }
      middleware(req as never, {} as never, next)
      return denied
    }
  },
}
