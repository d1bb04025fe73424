import { scanAddress, scanned } from './scan-address.ts'
import type { SetMemo } from './set-memo.ts'

/**
 * An IP address in its one canonical form. IPv4-mapped IPv6 (`::ffff:a.b.c.d`, RFC 4291 2.5.5.2) is IPv4 here, so that
 * another spelling of an address gets past no rule.
 */
export interface Address {
  readonly family: 4 | 6
  /** One 32-bit word for IPv4, four for IPv6, unsigned, in network order. */
  readonly words: readonly number[]
  /** Dotted decimal, or IPv6 as RFC 5952 writes it. */
  readonly text: string
  /** Results of earlier look-ups. Only the peer of a connection has one: its address never changes. */
  readonly setMemo?: SetMemo
}

/** Dotted decimal of a 32-bit word. */
export function formatWord4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
}

/** Every byte in hexadecimal, with and without a leading zero. A table, as `toString(16)` dominated the time of a long list. */
const hex = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) => byte.toString(16))
const hexPair = /* @__PURE__ */ Array.from(hex, digits => digits.padStart(2, '0'))
const hexGroup = (group: number) => (group < 256 ? hex[group] : `${hex[group >> 8]}${hexPair[group & 255]}`)

/**
 * Writes an IPv6 address as RFC 5952 does: lower case, no leading zeros, the first longest run of two or more zero groups as
 * `::`. Reads `width` words from `at` on; the other words of the address are zero.
 */
export function formatWords6(words: ArrayLike<number>, at = 0, width = 4): string {
  const groupAt = (i: number) =>
    i < 2 * width ? ((words[at + (i >> 1)] as number) >>> (i & 1 ? 0 : 16)) & 0xffff : 0
  let best = 8
  let longest = 1
  for (let i = 0, run = 0; i < 8; i++) {
    run = groupAt(i) === 0 ? run + 1 : 0
    if (run <= longest) continue
    longest = run
    best = i + 1 - run
  }
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === best) {
      text += '::'
      i += longest - 1
    } else text += (i > 0 && i !== best + longest ? ':' : '') + hexGroup(groupAt(i))
  }
  return text
}

/** Builds an address from four IPv6 words. IPv4-mapped words give an IPv4 address. */
export function addressOfWords(words: readonly number[]): Address {
  const [a = 0, b = 0, c = 0, d = 0] = words
  if (a === 0 && b === 0 && c === 0xffff) return { family: 4, words: [d], text: formatWord4(d) }
  return { family: 6, words: [a, b, c, d], text: formatWords6(words) }
}

/** The first word of `64:ff9b::/96`; the next two are zero. */
const NAT64 = 0x0064_ff9b

/**
 * The address by which a client is denied, limited and banned. A NAT64 translator shows an IPv4 client as `64:ff9b::a.b.c.d`,
 * which becomes `a.b.c.d` (RFC 6052 2.1); any other address stays as it is. Whatever grants something (trust, `except`,
 * `allowCidr`) must not use it: RFC 6052 3.1 allows no private address behind the prefix, so `64:ff9b::127.0.0.1` is not this machine.
 */
export function standsFor(address: Address): Address {
  const { family, words } = address
  if (family === 4 || words[0] !== NAT64 || words[1] !== 0 || words[2] !== 0) return address
  const word = words[3] as number
  return { family: 4, words: [word], text: formatWord4(word) }
}

/**
 * Parses an IPv4 or IPv6 address; undefined if `text` is none. A zone (`fe80::1%eth0`) is cut off: it names an interface
 * of the machine that wrote the address (this one or a proxy), and says nothing of the peer.
 */
export function parseAddress(text: string): Address | undefined {
  const family = scanAddress(text)
  if (family === 0) return undefined
  if (family === 6) return { family, words: [...scanned], text: formatWords6(scanned) }
  const word = scanned[0] as number
  // Dotted decimal without leading zeros has one spelling. A mapped address has many, so its text is made anew.
  return { family, words: [word], text: text.includes(':') ? formatWord4(word) : text }
}

/** {@link parseAddress} that also takes the forms of proxies: `[2001:db8::1]`, `[2001:db8::1]:443` and `192.0.2.1:443`. */
export function parseForwardedAddress(text: string): Address | undefined {
  const address = parseAddress(text)
  if (address) return address
  const [, bracketed, beforePort] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? []
  return parseAddress(bracketed ?? beforePort ?? '')
}

/** A mask of the host bits (those after the prefix) in the word at `index`. */
export function hostMask(prefix: number, index: number): number {
  const hostBits = 32 * (index + 1) - prefix
  if (hostBits <= 0) return 0
  return hostBits < 32 ? (1 << hostBits) - 1 : -1
}

/** The address with all but the first `prefix` bits zero. `prefix` is 0 to 32 for IPv4, 0 to 128 for IPv6. */
export function maskWords(words: readonly number[], prefix: number): number[] {
  return words.map((word, i) => (word & ~hostMask(prefix, i)) >>> 0)
}
