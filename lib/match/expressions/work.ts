/** The most steps, of some nanoseconds each, that are spent on one path: less than half a millisecond. */
const MOST = 64_000
/** A path as short as this, or shorter, is judged whatever it takes: it can't take long. */
const SHORT = 256

/** The steps that one path has left. What would take more is not judged. */
export class Work {
  #left = MOST

  begin(path: string): void {
    this.#left = path.length > SHORT ? MOST : Number.POSITIVE_INFINITY
  }

  /** Takes so many steps; false where there are not so many left. */
  takes(steps: number): boolean {
    this.#left -= steps
    return this.#left >= 0
  }
}
