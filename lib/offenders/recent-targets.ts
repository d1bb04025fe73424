import { fingerprint, newSecret, takeFingerprint } from '../match/keyed-hash.ts'

const SETS = 2_048
const WAYS = 4

/**
 * Remembers which targets were asked for lately: 8,192 of them in 128 kB, by a keyed hash of 64
 * bits. In a full set the oldest makes room, and is then new again.
 */
export class RecentTargets {
  readonly #time: number
  readonly #keys = new Int32Array(SETS * WAYS * 2)
  /** When each was new; 0 is long ago. */
  readonly #since = new Float64Array(SETS * WAYS)
  readonly #secret = newSecret()

  /** @param time milliseconds for which a target is not new again */
  constructor(time: number) {
    this.#time = time
  }

  /**
   * Notes a target; true unless it was new less than `time` ago. The time runs from then on, however often it is asked for.
   *
   * @param now milliseconds; where a clock was set back what it knew is new again
   */
  isNew(target: string, now: number): boolean {
    takeFingerprint(this.#secret, target)
    const high = fingerprint[0] as number
    const low = fingerprint[1] as number
    const first = (low >>> 0) % SETS
    let oldest = first * WAYS
    for (let at = first * WAYS; at < (first + 1) * WAYS; at++) {
      const since = this.#since[at] as number
      if (this.#keys[2 * at] === high && this.#keys[2 * at + 1] === low) {
        if (now >= since && now - since < this.#time) return false
        oldest = at
        break
      }
      if (since < (this.#since[oldest] as number)) oldest = at
    }
    this.#keys[2 * oldest] = high
    this.#keys[2 * oldest + 1] = low
    this.#since[oldest] = now
    return true
  }
}
