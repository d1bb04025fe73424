/**
 * The words of the last address scanned: unsigned, in network order, one for IPv4 and four for IPv6. One array for all, so
 * that a look-up allocates nothing; read it before the next scan.
 */
export const scanned = /* @__PURE__ */ new Uint32Array(4)

const groups = /* @__PURE__ */ new Uint16Array(8)

/** The value of each hexadecimal digit by its character code; -1 for the others. A table: the CPU mispredicts branches here. */
const hexDigits = /* @__PURE__ */ Int8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? -1 : digit
})

const DOT = 46
const COLON = 58

/**
 * Reads the address in `text` between `from` and `to` into {@link scanned}. IPv4-mapped IPv6 is IPv4; a zone is checked and
 * left out.
 *
 * @returns its family; 0 if it is no address
 */
export function scanAddress(text: string, from = 0, to = text.length): 0 | 4 | 6 {
  // Nearly all IPv6 in use has four digits before its first colon.
  const word = text.charCodeAt(from + 4) === COLON ? -1 : scanOctets(text, from, to)
  if (word >= 0) {
    scanned[0] = word
    return 4
  }
  if (!scanGroups(text, from, to)) {
    const zone = text.slice(from, to).search(/%[\w.~-]+$/)
    if (zone < 0 || !scanGroups(text, from, from + zone)) return 0
  }
  for (let i = 0; i < 4; i++) scanned[i] = ((groups[2 * i] as number) << 16) | (groups[2 * i + 1] as number)
  // RFC 4291 2.5.5.2
  if (scanned[0] !== 0 || scanned[1] !== 0 || scanned[2] !== 0xffff) return 6
  scanned[0] = scanned[3] as number
  return 4
}

/** Reads four decimal octets; -1 if there are none. Leading zeros (octal) and short forms are refused (CVE-2021-29921). */
function scanOctets(text: string, from: number, to: number): number {
  let word = 0
  let octet = -1
  let dots = 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      if (octet < 0 || ++dots > 3) return -1
      word = (word << 8) | octet
      octet = -1
      continue
    }
    const digit = code - 48
    if (digit < 0 || digit > 9 || octet === 0) return -1
    octet = octet < 0 ? digit : octet * 10 + digit
    if (octet > 255) return -1
  }
  return dots === 3 && octet >= 0 ? ((word << 8) | octet) >>> 0 : -1
}

/** Reads the eight groups of an IPv6 address (RFC 4291 2.2) into `groups`; false if it is none. */
function scanGroups(text: string, from: number, to: number): boolean {
  let count = 0
  /** How many groups stand before `::`. */
  let gap = text.charCodeAt(from) === COLON && text.charCodeAt(from + 1) === COLON ? 0 : -1
  let i = gap < 0 ? from : from + 2
  while (i < to) {
    const end = scanHex(text, i, to)
    if (text.charCodeAt(end) === DOT) return scanTail(text, i, to, count, gap)
    if (end === i || end > i + 4 || count === 8) return false
    groups[count++] = group
    if (end === to) break
    i = end + 1
    if (text.charCodeAt(end) !== COLON || i === to) return false
    if (text.charCodeAt(i) !== COLON) continue
    if (gap >= 0) return false
    gap = count
    i++
  }
  return spread(count, gap)
}

let group = 0

/** Reads hexadecimal digits into `group`, and returns where they end. */
function scanHex(text: string, from: number, to: number): number {
  let value = 0
  let i = from
  for (; i < to; i++) {
    const code = text.charCodeAt(i)
    const digit = code < 128 ? (hexDigits[code] as number) : -1
    if (digit < 0) break
    value = (value << 4) | digit
  }
  group = value
  return i
}

/** Reads dotted decimal at the end of an IPv6 address, which stands for the last two groups. */
function scanTail(text: string, from: number, to: number, count: number, gap: number): boolean {
  const word = scanOctets(text, from, to)
  if (word < 0 || count > 6) return false
  groups[count] = word >>> 16
  groups[count + 1] = word
  return spread(count + 2, gap)
}

/** Moves the groups after `::` to the end, and fills the gap with zeros. `::` stands for at least one group. */
function spread(count: number, gap: number): boolean {
  if (gap < 0 || count === 8) return gap < 0 && count === 8
  const missing = 8 - count
  let i = 7
  for (; i >= gap + missing; i--) groups[i] = groups[i - missing] as number
  for (; i >= gap; i--) groups[i] = 0
  return true
}
