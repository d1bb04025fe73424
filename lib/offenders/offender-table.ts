import { mixWords, newSecret } from '../counting/keyed-hash.ts'
import type { Address } from '../match/addresses/address.ts'
import type { Networks } from './networks.ts'
import type { OffenderRecord } from './offender-store.ts'

/** What is known of one network: that it is banned, was, or was pardoned. Times are by this process's clock. */
export interface Offender extends OffenderRecord {
  /** Where a store has said so: `at` by the store's clock. */
  readonly storeAt: number | undefined
}

interface Entry {
  /** The words of the network: an array of its own would be most of an entry. */
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly hash: number
  offender: Offender
  /** The next of the same hash. */
  next: Entry | undefined
  /** Where it is in the heap. */
  index: number
}

/**
 * At most `max` networks: the one whose ban ends first makes room. Finding one allocates nothing; adding and removing takes
 * the logarithm of their number.
 */
export class OffenderTable {
  readonly #networks: Networks
  readonly #max: number
  readonly #secret = newSecret()
  readonly #byHash = new Map<number, Entry>()
  /** A binary heap: none ends before the one above it. */
  readonly #heap: Entry[] = []
  readonly #wanted = new Int32Array(4)

  constructor(networks: Networks, max: number) {
    this.#networks = networks
    this.#max = max
  }

  get size(): number {
    return this.#heap.length
  }

  /** What is known of an address's network. */
  find(address: Address): Offender | undefined {
    return this.#heap.length === 0 ? undefined : this.#find(address)?.offender
  }

  set(address: Address, offender: Offender): void {
    const known = this.#find(address)
    if (known) {
      known.offender = offender
      this.#reorder(known)
      return
    }
    if (this.#heap.length >= this.#max) this.#remove(this.#heap[0] as Entry)
    this.#networks.mask(address, this.#wanted)
    const [a, b, c, d] = this.#wanted as unknown as [number, number, number, number]
    const hash = this.#hash(this.#wanted)
    const entry = { a, b, c, d, hash, offender, next: this.#byHash.get(hash), index: this.#heap.length }
    this.#byHash.set(hash, entry)
    this.#heap.push(entry)
    this.#reorder(entry)
  }

  /** As {@link set}, but none that ends later makes room for it. */
  setIfRoom(address: Address, offender: Offender): void {
    const isFull = this.#heap.length >= this.#max && endOf(this.#heap, 0) > offender.until
    if (!isFull || this.#find(address)) this.set(address, offender)
  }

  delete(address: Address): void {
    const entry = this.#find(address)
    if (entry) this.#remove(entry)
  }

  /** Takes out those that ended first, as long as there is nothing to remember of them. */
  sweep(isOver: (offender: Offender) => boolean): void {
    for (let first = this.#heap[0]; first && isOver(first.offender); first = this.#heap[0])
      this.#remove(first)
  }

  *[Symbol.iterator](): Generator<Offender> {
    for (const { offender } of this.#heap) yield offender
  }

  #find(address: Address): Entry | undefined {
    const wanted = this.#wanted
    this.#networks.mask(address, wanted)
    let entry = this.#byHash.get(this.#hash(wanted))
    while (entry && !isOf(entry, wanted)) entry = entry.next
    return entry
  }

  #hash(words: Int32Array): number {
    const first = mixWords(this.#secret, words[0] as number, words[1] as number)
    // Signed, which is what V8 keeps without a box.
    return mixWords(this.#secret, first ^ (words[2] as number), words[3] as number) | 0
  }

  #remove(entry: Entry): void {
    const first = this.#byHash.get(entry.hash) as Entry
    if (first !== entry) {
      let before = first
      while (before.next !== entry) before = before.next as Entry
      before.next = entry.next
    } else if (entry.next) this.#byHash.set(entry.hash, entry.next)
    else this.#byHash.delete(entry.hash)
    const last = this.#heap.pop() as Entry
    if (last === entry) return
    this.#heap[entry.index] = last
    last.index = entry.index
    this.#reorder(last)
  }

  /** Moves an entry up or down the heap to where it belongs. */
  #reorder(entry: Entry): void {
    const heap = this.#heap
    const { until } = entry.offender
    let { index } = entry
    for (let up = (index - 1) >> 1; index > 0 && endOf(heap, up) > until; up = (index - 1) >> 1) {
      this.#put(heap[up] as Entry, index)
      index = up
    }
    for (;;) {
      const left = 2 * index + 1
      const down = left + 1 < heap.length && endOf(heap, left + 1) < endOf(heap, left) ? left + 1 : left
      if (down >= heap.length || endOf(heap, down) >= until) break
      this.#put(heap[down] as Entry, index)
      index = down
    }
    this.#put(entry, index)
  }

  #put(entry: Entry, index: number): void {
    this.#heap[index] = entry
    entry.index = index
  }
}

const endOf = (heap: readonly Entry[], index: number) => (heap[index] as Entry).offender.until

function isOf({ a, b, c, d }: Entry, words: Int32Array): boolean {
  return a === words[0] && b === words[1] && c === words[2] && d === words[3]
}
