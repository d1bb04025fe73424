/**
 * What Redis's clock says, by what its replies said. Between sending and reply there is one moment at which it was that time:
 * what is believed moves no further than into that gap, so that it follows where Redis's clock jumps.
 */
export class RedisClock {
  /** Until there was a reply: as if its clock were ours. */
  #ahead = Date.now() - performance.now()

  /** @param now and `sentAt`, `receivedAt`: of `performance.now()` */
  at(now: number): number {
    return now + this.#ahead
  }

  learn(time: number, sentAt: number, receivedAt: number): void {
    // Its milliseconds are rounded down.
    this.#ahead = Math.min(Math.max(this.#ahead, time - receivedAt), time + 1 - sentAt)
  }
}
