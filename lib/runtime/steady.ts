/** Follows a clock that may be set back. It never goes back itself: it goes on from where it was. */
export class Steady {
  #last = Number.NEGATIVE_INFINITY
  #ahead = 0

  /** How much later it is than the clock that it follows. */
  get ahead(): number {
    return this.#ahead
  }

  /** @param time what the clock says */
  follow(time: number): number {
    if (time < this.#last) this.#ahead += this.#last - time
    this.#last = time
    return time + this.#ahead
  }
}
