import { hostMask, parseAddress } from './address.ts'
import { CidrColumns, compareAt, RANGE } from './cidr-columns.ts'
import { scanAddress, scanned } from './scan-address.ts'

/** The entries of a list, as numbers. */
export class CidrList {
  readonly v4: CidrColumns
  readonly v6: CidrColumns

  /** `capacity`: how many entries will come, if that is known. */
  constructor(capacity = 16) {
    this.v4 = new CidrColumns(32, 1, capacity)
    this.v6 = new CidrColumns(128, 2, capacity)
  }
}

/** The names that Express's `trust proxy` has for ranges. */
const named = /* @__PURE__ */ new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
])

const WHOLE = 'it covers every address there is'

/**
 * Adds one entry to a list: an address, a CIDR (host bits may be set), `first-last`, or one of `loopback`, `linklocal`,
 * `uniquelocal`.
 *
 * @returns what is wrong with it; then nothing is added. Undefined if it was added
 */
export function addEntry(list: CidrList, text: string): string | undefined {
  if (text.includes('%')) return 'a zone names an interface of one machine'
  return text.includes('-') ? addRange(list, text) : addCidr(list, text, 1)
}

/**
 * Adds one entry of Express's `trust proxy` to a list: an address, a CIDR (also `0.0.0.0/0`), an IPv4 network with its mask
 * (`10.0.0.0/255.0.0.0`), or a name.
 *
 * @returns what is wrong with it; undefined if it was added
 */
export function addProxy(list: CidrList, text: string): string | undefined {
  const slash = text.indexOf('/')
  const isMasked = slash > 0 && !text.includes(':') && scanAddress(text, slash + 1) === 4
  if (!isMasked) return addCidr(list, text, 0)
  const rest = ~(scanned[0] as number)
  return addCidr(list, rest & (rest + 1) ? text : `${text.slice(0, slash)}/${Math.clz32(rest)}`, 0)
}

function addRange(list: CidrList, text: string): string | undefined {
  const [first, last, ...rest] = text.split('-').map(part => parseAddress(part.trim()))
  if (!first || !last || rest.length > 0) return 'it is no range of two addresses'
  if (first.family !== last.family) return 'its ends are of two families'
  const { words } = first
  if (compareAt(words, 0, last.words, 0, words.length) > 0) return 'it ends before it starts'
  if (words.every(word => word === 0) && last.words.every(word => word === 0xffffffff)) return WHOLE
  const columns = first.family === 4 ? list.v4 : list.v6
  columns.push(words, 0, RANGE, { text, end: last.words })
  return undefined
}

/** Adds an address, a CIDR whose prefix has at least `least` bits, or the networks of a name. */
function addCidr(list: CidrList, text: string, least: 0 | 1, written = text): string | undefined {
  const slash = text.indexOf('/')
  const family = scanAddress(text, 0, slash < 0 ? text.length : slash)
  if (family === 0) {
    const networks = named.get(text)
    for (const network of networks ?? []) addCidr(list, network, least, text)
    return networks ? undefined : 'it is no address, CIDR or range'
  }
  const columns = family === 4 ? list.v4 : list.v6
  const { bits } = columns
  // The prefix length of a mapped CIDR (`::ffff:192.0.2.0/120`) counts the 96 bits before the IPv4 address.
  const mapped = family === 4 && text.includes(':') ? 96 : 0
  const size = slash < 0 ? bits + 1 : readPrefix(text.slice(slash + 1)) - mapped
  if (!(size >= 0 && (size <= bits || slash < 0)))
    return `its prefix length is not from ${mapped} to ${mapped + bits}`
  if (size < least) return WHOLE
  for (let i = 0; i < bits / 32; i++) scanned[i] = (scanned[i] as number) & ~hostMask(size, i)
  columns.push(scanned, 0, size)
  columns.keepText(written)
  return undefined
}

const readPrefix = (digits: string) => (/^(0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) : Number.NaN)
