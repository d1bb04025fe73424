/**
 * An IP address in its one canonical form. IPv4-mapped IPv6 (`::ffff:a.b.c.d`, RFC 4291 2.5.5.2) is IPv4 here, so that
 * no rule can be passed by writing an address another way.
 */
export interface Address {
  readonly family: 4 | 6
  /** One 32-bit word for IPv4, four for IPv6, unsigned, in network order. */
  readonly words: readonly number[]
  /** Dotted decimal, or IPv6 as RFC 5952 writes it. */
  readonly text: string
}

const octets = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

/** Four decimal octets without leading zeros, or -1. Octal and short forms are no addresses here (CVE-2021-29921). */
function parseWord4(text: string): number {
  const match = octets.exec(text)
  if (!match) return -1
  let word = 0
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i])
    if (octet > 255) return -1
    word = word * 256 + octet
  }
  return word
}

/** The groups between two colons-in-a-row (or an end); only the last may be dotted decimal, which makes two. */
function parseRun(run: string, isLast: boolean): number[] | undefined {
  if (run === '') return []
  const parts = run.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const word = isLast && index === parts.length - 1 ? parseWord4(part) : -1
    if (word < 0) return undefined
    groups.push(word >>> 16, word & 0xffff)
  }
  return groups
}

/** The eight 16-bit groups of an IPv6 address (RFC 4291 2.2), or undefined. */
function parseGroups(text: string): number[] | undefined {
  const [before = '', after, ...more] = text.split('::')
  if (text.length > 45 || more.length > 0) return undefined
  const head = parseRun(before, after === undefined)
  const tail = after === undefined ? [] : parseRun(after, true)
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (after === undefined ? missing !== 0 : missing < 1) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

/** Dotted decimal of a 32-bit word. */
export function formatWord4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function formatGroups(groups: readonly number[]): string {
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > bestLength) {
      best = i
      bestLength = length
    }
    i += length
  }
  const hex = groups.map(group => group.toString(16))
  if (best < 0) return hex.join(':')
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`
}

/** The address of four IPv6 words; IPv4 where they are a mapped one. */
export function addressOfWords(words: readonly number[]): Address {
  const [a = 0, b = 0, c = 0, d = 0] = words
  if (a === 0 && b === 0 && c === 0xffff) return { family: 4, words: [d], text: formatWord4(d) }
  return {
    family: 6,
    words: [a, b, c, d],
    text: formatGroups(words.flatMap(word => [word >>> 16, word & 0xffff])),
  }
}

/**
 * The canonical form of an IPv4 or IPv6 address, or undefined if `text` is none. A zone (`fe80::1%eth0`) is cut off: it
 * names an interface of this machine, not the peer.
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const word = parseWord4(text)
    return word < 0 ? undefined : { family: 4, words: [word], text }
  }
  const zone = text.indexOf('%')
  if (zone >= 0 && !/^[\w.~-]+$/.test(text.slice(zone + 1))) return undefined
  const groups = parseGroups(zone < 0 ? text : text.slice(0, zone))
  if (!groups) return undefined
  const words: number[] = []
  for (let i = 0; i < 8; i += 2)
    words.push(((groups[i] as number) * 0x10000 + (groups[i + 1] as number)) >>> 0)
  return addressOfWords(words)
}

/** As {@link parseAddress}, for what proxies write: `[2001:db8::1]`, `[2001:db8::1]:443` and `192.0.2.1:443` too. */
export function parseForwardedAddress(text: string): Address | undefined {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)
  if (bracketed) return parseAddress(bracketed[1] as string)
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)
  return parseAddress(withPort ? (withPort[1] as string) : text)
}

/** The address with all but the first `prefix` bits zero. `prefix` is 0 to 32 for IPv4, 0 to 128 for IPv6. */
export function maskWords(words: readonly number[], prefix: number): number[] {
  return words.map((word, i) => {
    const bits = Math.min(32, Math.max(0, prefix - 32 * i))
    return bits === 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0
  })
}
