import { formatWord4, formatWords6, hostMask } from './address.ts'

/** What of an entry its numbers don't tell: its text, where it is not the one made of them, and the end of a range. */
export interface Oddity {
  readonly text: string
  readonly end?: ArrayLike<number>
}

/** The size of what was written `first-last`, or of what another range left over: no prefix length. */
export const RANGE = 255

/**
 * Ranges of addresses of one family in columns of numbers: a million strings, or objects, would be ten times as much
 * memory. `sizes` has the length of the prefix as written; one more than there can be for an address without any; or
 * {@link RANGE}.
 */
export class CidrColumns {
  readonly bits: 32 | 128
  /** How many words of an address are kept: where all networks end within the first 64 bits, two of four. */
  width: number
  readonly oddities = new Map<number, Oddity>()
  starts = new Uint32Array(0)
  sizes = new Uint8Array(0)
  count = 0
  readonly #capacity: number

  /** `capacity`: for how many there is room from the first one on. To make more later is to copy them. */
  constructor(bits: 32 | 128, width: number, capacity: number) {
    this.bits = bits
    this.width = width
    this.#capacity = capacity
  }

  push(start: ArrayLike<number>, at: number, size: number, oddity?: Oddity): void {
    if (size > 64 && this.width === 2) this.#widen()
    if (this.count === this.sizes.length) this.resize(Math.max(this.#capacity, 2 * this.count, 1))
    const first = this.count * this.width
    for (let i = 0; i < this.width; i++) this.starts[first + i] = start[at + i] as number
    this.sizes[this.count] = size
    if (oddity) this.oddities.set(this.count, oddity)
    this.count++
  }

  /** From networks of the first 64 bits to all of IPv6. */
  #widen(): void {
    const { starts, sizes } = this
    this.width = 4
    this.starts = new Uint32Array(sizes.length * 4)
    for (let i = 0; i < this.count; i++) {
      this.starts[4 * i] = starts[2 * i] as number
      this.starts[4 * i + 1] = starts[2 * i + 1] as number
    }
  }

  resize(capacity: number): void {
    const { starts, sizes } = this
    this.starts = new Uint32Array(capacity * this.width)
    this.sizes = new Uint8Array(capacity)
    this.starts.set(starts.subarray(0, this.starts.length))
    this.sizes.set(sizes.subarray(0, capacity))
  }

  /** Keeps the text of the entry that was pushed last, where its numbers don't tell it. */
  keepText(text: string): void {
    const last = this.count - 1
    if (this.plainText(last) !== text) this.oddities.set(last, { text })
  }

  /** The entry as it was written. */
  textOf(index: number): string {
    return this.oddities.get(index)?.text ?? this.plainText(index)
  }

  /** The entry as most write it: without host bits, IPv6 by RFC 5952. */
  plainText(index: number): string {
    const first = index * this.width
    const { bits, starts, width } = this
    const size = this.sizes[index] as number
    const text = bits === 32 ? formatWord4(starts[first] as number) : formatWords6(starts, first, width)
    return size > bits ? text : `${text}/${size}`
  }

  /** Writes the last address of an entry into `end`. */
  readEnd(index: number, end: Uint32Array): void {
    const size = this.sizes[index] as number
    const odd = size === RANGE ? (this.oddities.get(index) as Oddity).end : undefined
    for (let i = 0; i < this.width; i++) {
      end[i] = odd ? (odd[i] as number) : (this.starts[index * this.width + i] as number) | hostMask(size, i)
    }
  }
}

/** Negative, zero or positive as the `width` words from `a[i]` on come before, are, or come after those from `b[j]` on. */
export function compareAt(
  a: ArrayLike<number>,
  i: number,
  b: ArrayLike<number>,
  j: number,
  width: number,
): number {
  for (let k = 0; k < width; k++) {
    const left = a[i + k] as number
    const right = b[j + k] as number
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}
