/** Milliseconds. Smaller differences are drift between two clocks. */
const SET_BACK = 50

/**
 * Estimates Redis's clock from its replies. Redis read its clock at some moment between sending and reply: the estimate moves just
 * far enough to fit into that gap, so that it follows if Redis's clock jumps.
 */
export class RedisClock {
  /** Until there was a reply: as if its clock were ours. */
  #ahead = Date.now() - performance.now()
  /** By how much it was set back last, and the time that it had been then. */
  #back = 0
  #reached = Number.NEGATIVE_INFINITY

  /** @param now and `sentAt`, `receivedAt`: of `performance.now()` */
  at(now: number): number {
    return now + this.#ahead
  }

  /** The time that Redis's clock would show if it had not been set back. Once it has caught up, the two are the same. */
  unmovedAt(now: number): number {
    const time = this.at(now)
    return time < this.#reached ? time + this.#back : time
  }

  learn(time: number, sentAt: number, receivedAt: number): void {
    const before = this.#ahead
    // Its milliseconds are rounded down.
    this.#ahead = Math.min(Math.max(before, time - receivedAt), time + 1 - sentAt)
    if (before - this.#ahead < SET_BACK) return
    // The most that it may have been.
    this.#back = before + receivedAt - time
    this.#reached = receivedAt + before
  }
}
