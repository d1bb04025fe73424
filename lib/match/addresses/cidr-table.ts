import { hostMask } from './address.ts'
import { type CidrColumns, compareAt, RANGE } from './cidr-columns.ts'
import { scanned } from './scan-address.ts'

/**
 * Sorted, disjoint ranges of one family. The index divides the span between the first start and the last into buckets of
 * equal size, about one range each, so that a binary search has few ranges to look at.
 */
export class CidrTable {
  readonly columns: CidrColumns
  /** For each bucket: how many ranges start before it. One entry more than there are buckets. */
  readonly index: Uint32Array
  readonly #first: number
  readonly #scale: number

  constructor(columns: CidrColumns) {
    const { count, width, starts } = columns
    this.columns = columns
    this.index = new Uint32Array(count + 1)
    this.#first = rank(starts, 0, width)
    const span = rank(starts, Math.max(0, count - 1) * width, width) - this.#first
    this.#scale = span > 0 ? (count - 1) / span : 0
  }

  /** The bucket of the address at `at`; negative if it lies before all ranges. Never decreases from one address to a higher one. */
  bucketOf(words: Uint32Array, at: number): number {
    const { count, width } = this.columns
    return Math.min(Math.floor((rank(words, at, width) - this.#first) * this.#scale), count - 1)
  }

  /** The range that holds the address in {@link scanned}, or -1. */
  find(): number {
    const { starts, width } = this.columns
    const bucket = this.bucketOf(scanned, 0)
    if (bucket < 0) return -1
    let low = this.index[bucket] as number
    let high = this.index[bucket + 1] as number
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareAt(starts, middle * width, scanned, 0, width) <= 0) low = middle + 1
      else high = middle
    }
    return low > 0 && this.#holds(low - 1) ? low - 1 : -1
  }

  /** Whether the range contains the address in {@link scanned}, which is not before the range's start. */
  #holds(index: number): boolean {
    const { starts, sizes, width, oddities } = this.columns
    const size = sizes[index] as number
    if (size === RANGE) {
      const end = oddities.get(index)?.end
      return end !== undefined && compareAt(scanned, 0, end, 0, width) <= 0
    }
    for (let i = 0; i < width; i++) {
      const different = (starts[index * width + i] as number) ^ (scanned[i] as number)
      if ((different & ~hostMask(size, i)) !== 0) return false
    }
    return true
  }
}

/** An address as one number that keeps their order. For IPv6 it is the first 64 bits, rounded. */
function rank(words: Uint32Array, at: number, width: number): number {
  const first = words[at] as number
  return width === 1 ? first : first * 2 ** 32 + (words[at + 1] as number)
}
