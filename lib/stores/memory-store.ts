import { refuse } from '../errors.ts'
import {
  type Bucket,
  type BucketState,
  type Decision,
  firstRequest,
  nextRequest,
} from '../match/leaky-bucket.ts'
import type { RateLimitStore } from './rate-limit-store.ts'

/** Keeps at most `maxKeys` keys in this process; the least recently seen goes first, as in a full zone of nginx. */
export class MemoryStore implements RateLimitStore {
  // A Map keeps the order of insertion: a key that is seen again is put in anew, so the first one is the oldest.
  readonly #states = new Map<string, BucketState>()
  readonly #maxKeys: number

  /** @throws OptionsError where `maxKeys` is no whole number from 1 */
  constructor(maxKeys: number) {
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
      refuse('MemoryStore', 'maxKeys', maxKeys, 'a whole number from 1')
    }
    this.#maxKeys = maxKeys
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#states.size
  }

  hit(key: string, bucket: Bucket, now: number): Decision {
    const known = this.#states.get(key)
    if (known) {
      this.#states.delete(key)
      this.#states.set(key, known)
      return nextRequest(bucket, known, now)
    }
    const { state, decision } = firstRequest(now)
    this.#states.set(key, state)
    if (this.#states.size > this.#maxKeys) {
      this.#states.delete(this.#states.keys().next().value as string)
    }
    return decision
  }
}
