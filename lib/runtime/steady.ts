/** A clock that follows another one, but never goes back: if the other is set back, it goes on from its last time. */
export class Steady {
  #last = Number.NEGATIVE_INFINITY
  #ahead = 0

  /** How far it is ahead of the clock that it follows. */
  get ahead(): number {
    return this.#ahead
  }

  /** @param time the time of the clock that it follows */
  follow(time: number): number {
    if (time < this.#last) this.#ahead += this.#last - time
    this.#last = time
    return time + this.#ahead
  }
}
