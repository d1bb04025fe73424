import { fingerprint, newSecret, takeFingerprint } from '../counting/keyed-hash.ts'

const SETS = 2_048
const WAYS = 4

/**
 * Remembers how often targets were asked for lately: 8,192 of them in 160 kB, by a keyed hash of 64 bits. In a full set the
 * oldest makes room, and is then new again.
 */
export class RecentTargets {
  readonly #time: number
  readonly #keys = new Int32Array(SETS * WAYS * 2)
  /** When each was new; 0 is long ago. */
  readonly #since = new Float64Array(SETS * WAYS)
  readonly #times = new Uint32Array(SETS * WAYS)
  readonly #secret = newSecret()

  /** @param time milliseconds for which a target is not new again */
  constructor(time: number) {
    this.#time = time
  }

  /**
   * How often a target was asked for, this time included, since it was new: 1, once `time` has passed since then.
   *
   * @param now milliseconds; where a clock was set back what it knew is new again
   */
  count(target: string, now: number): number {
    takeFingerprint(this.#secret, target)
    const high = fingerprint[0] as number
    const low = fingerprint[1] as number
    const first = (low >>> 0) % SETS
    let oldest = first * WAYS
    for (let at = first * WAYS; at < (first + 1) * WAYS; at++) {
      const since = this.#since[at] as number
      if (this.#keys[2 * at] === high && this.#keys[2 * at + 1] === low) {
        const times = (this.#times[at] as number) + 1
        if (now >= since && now - since < this.#time) {
          this.#times[at] = times
          return times
        }
        oldest = at
        break
      }
      if (since < (this.#since[oldest] as number)) oldest = at
    }
    this.#keys[2 * oldest] = high
    this.#keys[2 * oldest + 1] = low
    this.#since[oldest] = now
    this.#times[oldest] = 1
    return 1
  }
}
