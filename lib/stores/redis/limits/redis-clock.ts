/** Clocks run apart by less. */
const SET_BACK = 50

/**
 * What Redis's clock says, by what its replies said. Between sending and reply there is one moment at which it was that time:
 * what is believed moves no further than into that gap, so that it follows where Redis's clock jumps.
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

  /** What it would say, had it not been set back; once it is as late again, nothing is of before that any more. */
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
