import type { Bucket, Decision } from '../../counting/leaky-bucket.ts'
import { decideAll } from '../../counting/several-limits.ts'
import { MemoryStore } from '../memory-store.ts'
import type { Hit } from '../rate-limit-store.ts'

/**
 * The limits of one rule, counted in this process. Each rate has a memory of its own, because a full memory decides what to forget by the
 * rate of the request at hand.
 */
export class LocalLimits {
  readonly #maxKeys: number
  readonly #stores = new Map<number, MemoryStore>()

  /** @param maxKeys of each rate */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  hit(key: string, bucket: Bucket, now: number, cost: number): Decision {
    return this.#storeOf(bucket).hit(key, bucket, now, cost)
  }

  hitAll(hits: readonly Hit[], now: number): Decision {
    return decideAll(hits.length, (i, counts) => {
      const { key, bucket, cost = 1 } = hits[i] as Hit
      const store = this.#storeOf(bucket)
      return counts ? store.hit(key, bucket, now, cost) : store.peek(key, bucket, now, cost)
    })
  }

  #storeOf({ rate }: Bucket): MemoryStore {
    let store = this.#stores.get(rate)
    if (!store) {
      store = new MemoryStore(this.#maxKeys)
      this.#stores.set(rate, store)
    }
    return store
  }
}
