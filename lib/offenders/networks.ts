import { fingerprint, newSecret, takeFingerprint } from '../counting/keyed-hash.ts'
import {
  type Address,
  addressOfWords,
  hostMask,
  maskWords,
  parseAddress,
  standsFor,
} from '../match/addresses/address.ts'

const ALL = -1

/** Reduces addresses to networks of a fixed prefix length: each network counts as one offender. */
export class Networks {
  readonly ipv4: number
  readonly ipv6: number
  readonly #mask4: number
  readonly #masks6: readonly number[]
  readonly #secret = newSecret()

  /** Prefix lengths: 1 to 32 and 1 to 128. */
  constructor(ipv4: number, ipv6: number) {
    this.ipv4 = ipv4
    this.ipv6 = ipv6
    this.#mask4 = ~hostMask(ipv4, 0)
    this.#masks6 = [0, 1, 2, 3].map(i => ~hostMask(ipv6, i))
  }

  /**
   * Writes the network of an address into four words. IPv4 is [-1, word, 0, 0]: no client's IPv6 network begins so. Allocates
   * nothing.
   */
  mask(address: Address, into: Int32Array): void {
    const { family, words } = standsFor(address)
    if (family === 4) {
      into[0] = ALL
      into[1] = (words[0] as number) & this.#mask4
      into[2] = 0
      into[3] = 0
      return
    }
    for (let i = 0; i < 4; i++) into[i] = (words[i] as number) & (this.#masks6[i] as number)
  }

  /** The network as text: an address if the prefix is the whole address, else a CIDR. */
  text(address: Address): string {
    const { family, words, text } = standsFor(address)
    const size = family === 4 ? this.ipv4 : this.ipv6
    if (size === (family === 4 ? 32 : 128)) return text
    const masked = maskWords(words, size)
    const first = addressOfWords(family === 4 ? [0, 0, 0xffff, ...masked] : masked)
    return `${first.text}/${size}`
  }

  /** An address of the network that `text` names: an address, or a CIDR that lies within one network. */
  parse(text: string): Address | undefined {
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? []
    const seen = address.includes('%') ? undefined : parseAddress(address)
    const parsed = seen && standsFor(seen)
    if (!parsed || bits === undefined) return parsed
    const whole = parsed.family === 4 ? 32 : 128
    // The prefix length of a mapped or translated CIDR counts the 96 bits before the IPv4 address.
    const size = Number(bits) - (parsed.family === 4 && address.includes(':') ? 96 : 0)
    const least = parsed.family === 4 ? this.ipv4 : this.ipv6
    return size >= least && size <= whole ? parsed : undefined
  }

  /** Reduces the four words of {@link mask} to two: the first two, or a keyed hash if the network has more than 64 bits. */
  fold(masked: Int32Array, into: Int32Array): void {
    if ((masked[2] as number) === 0 && (masked[3] as number) === 0) {
      into[0] = masked[0] as number
      into[1] = masked[1] as number
      return
    }
    takeFingerprint(this.#secret, masked.join())
    into[0] = fingerprint[0] as number
    into[1] = fingerprint[1] as number
  }
}
