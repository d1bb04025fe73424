import { formatWord4, formatWords6, hostMask } from './address.ts'

/** What the numbers of an entry can't rebuild: the user's own spelling, if it differs from the canonical one, and the end of a range. */
export interface Oddity {
  readonly text: string
  readonly end?: ArrayLike<number>
}

/** In place of a prefix length: the entry was written `first-last`, or is the rest of an entry that overlaps an earlier one. */
export const RANGE = 255

/**
 * Address ranges of one family, in columns of numbers: a million strings or objects would take ten times the memory.
 * `sizes` holds the prefix length as written; `bits + 1` for an address without a prefix; or {@link RANGE}.
 */
export class CidrColumns {
  readonly bits: 32 | 128
  /** Words kept of each address. Two of IPv6's four are enough while every network ends within the first 64 bits. */
  width: number
  readonly oddities = new Map<number, Oddity>()
  starts = new Uint32Array(0)
  sizes = new Uint8Array(0)
  count = 0
  readonly #capacity: number

  /** `capacity`: how many entries the first allocation has room for. More room later means copying them. */
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

  /** Goes from two words for each address to all four. */
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

  /** Keeps the text of the last entry pushed, unless its numbers give the same text. */
  keepText(text: string): void {
    const last = this.count - 1
    if (this.plainText(last) !== text) this.oddities.set(last, { text })
  }

  /** The entry as the user wrote it. */
  textOf(index: number): string {
    return this.oddities.get(index)?.text ?? this.plainText(index)
  }

  /** The canonical text of an entry: without host bits, IPv6 by RFC 5952. */
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

/** Compares `width` words from `a[i]` on with those from `b[j]` on: negative, zero or positive, as `Array.sort` has it. */
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
