import fc from 'fast-check'
import ipaddr from 'ipaddr.js'

/** An address as ipaddr.js has it, with IPv4-mapped IPv6 taken as the IPv4 address that it is. */
export interface ReferenceAddress {
  readonly family: 4 | 6
  readonly text: string
}

export function canonical(address: ipaddr.IPv4 | ipaddr.IPv6): ReferenceAddress {
  if (address instanceof ipaddr.IPv4) return { family: 4, text: address.toString() }
  if (address.isIPv4MappedAddress()) return canonical(address.toIPv4Address())
  return { family: 6, text: new ipaddr.IPv6(address.parts).toRFC5952String() }
}

/**
 * What a text means, by ipaddr.js but for three things: short, octal and hexadecimal IPv4 is none, alone or as the tail of
 * IPv6; a group has at most four digits; `::1.2.3.4` is `::102:304` (ipaddr.js makes it a mapped address, RFC 4291 2.5.5.1
 * and WHATWG URL do not).
 */
export function referenceAddress(text: string): ReferenceAddress | undefined {
  if (!text.includes(':')) {
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? canonical(ipaddr.IPv4.parse(text)) : undefined
  }
  const [address = '', zone, ...more] = text.split('%')
  if (more.length > 0 || (zone !== undefined && !/^[\w.~-]+$/.test(zone))) return undefined
  const plain = withoutDottedTail(address)
  if (plain === undefined || /[^:]{5}/.test(plain) || !ipaddr.IPv6.isValid(plain)) return undefined
  return canonical(ipaddr.IPv6.parse(plain))
}

function withoutDottedTail(text: string): string | undefined {
  const at = text.lastIndexOf(':') + 1
  const tail = text.slice(at)
  if (!tail.includes('.')) return text
  if (!ipaddr.IPv4.isValidFourPartDecimal(tail)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(tail).octets
  return `${text.slice(0, at)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

const octet = fc.oneof(fc.constantFrom(0, 1, 10, 127, 128, 255), fc.integer({ min: 0, max: 255 }))

export const octets = fc.tuple(octet, octet, octet, octet)

const group = fc.oneof(fc.constantFrom(0, 0, 0, 1, 0xffff), fc.integer({ min: 0, max: 0xffff }))

/** The eight groups of an IPv6 address; runs of zeros and mapped addresses come oftener than by chance. */
export const groups = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }),
  fc.tuple(group, group).map(([a, b]) => [0, 0, 0, 0, 0, 0xffff, a, b]),
)

/** One of the many ways to write an IPv6 address, and its groups. */
export const spelledV6 = fc
  .record({
    groups,
    pads: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 8, maxLength: 8 }),
    upper: fc.boolean(),
    dotted: fc.boolean(),
    from: fc.nat(8),
    length: fc.nat(8),
    zone: fc.constantFrom('', '', '', '%eth0', '%1', '%en0'),
  })
  .map(({ groups, pads, upper, dotted, from, length, zone }) => {
    const hex = groups.map((value, i) => value.toString(16).padStart(pads[i] as number, '0'))
    const parts = dotted ? [...hex.slice(0, 6), dottedTail(groups)] : hex
    const zeros = groups.slice(0, parts.length === 7 ? 6 : 8)
    let text = parts.join(':')
    let run = 0
    while (run < length && zeros[from + run] === 0) run++
    if (run > 0) text = `${parts.slice(0, from).join(':')}::${parts.slice(from + run).join(':')}`
    return { groups, text: (upper ? text.toUpperCase() : text) + zone }
  })

function dottedTail(groups: readonly number[]): string {
  const [a = 0, b = 0] = groups.slice(6)
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`
}

/** A valid address, in any spelling. */
export const spelled = fc.oneof(
  octets.map(bytes => bytes.join('.')),
  spelledV6.map(({ text }) => text),
)
