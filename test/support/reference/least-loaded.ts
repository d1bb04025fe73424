import type { Bucket, Decision } from '../../../lib/stores.ts'
import { LimitZone } from './limit-zone.ts'

interface Slot {
  readonly key: string
  /** A zone of its own: forgetting a key takes its whole state along. */
  readonly zone: LimitZone
  wasRejected: boolean
}

/**
 * A zone of `maxKeys` slots, and a new key takes the place of the one that has the least left to run off (a request that was
 * rejected last included), or has had nothing for longest.
 */
export class LeastLoaded {
  readonly slots: Slot[] = []
  readonly #maxKeys: number

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  hit(key: string, bucket: Bucket, now: number): Decision {
    let slot = this.slots.find(each => each.key === key)
    if (!slot) {
      slot = { key, zone: new LimitZone(1), wasRejected: false }
      this.slots[this.#placeOfNew(bucket, now)] = slot
    }
    const decision = slot.zone.hit(key, bucket, now)
    slot.wasRejected = !decision.allowed
    return decision
  }

  #placeOfNew(bucket: Bucket, now: number): number {
    if (this.slots.length < this.#maxKeys) return this.slots.length
    const loads = this.slots.map(slot => loadOf(slot, bucket, now))
    return loads.indexOf(Math.min(...loads))
  }
}

function loadOf({ zone, wasRejected }: Slot, { rate }: Bucket, now: number): number {
  const { excess = 0, last = 0 } = zone.nodes[0] ?? {}
  const ms = Math.floor(now) - last
  const passed = ms < -60_000 ? 1 : Math.max(0, ms)
  return excess + (wasRejected ? 1000 : 0) - (rate * passed) / 1000
}
