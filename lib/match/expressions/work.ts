/** The most steps spent on one path. A step takes some nanoseconds, so that is less than half a millisecond. */
const MOST = 64_000
/** Paths up to this length have no limit: they can't take long. */
const SHORT = 256

/** The steps left for one path. A test that would take more is not made. */
export class Work {
  #left = MOST

  begin(path: string): void {
    this.#left = path.length > SHORT ? MOST : Number.POSITIVE_INFINITY
  }

  /** Takes steps off; false if not enough were left. */
  takes(steps: number): boolean {
    this.#left -= steps
    return this.#left >= 0
  }
}
