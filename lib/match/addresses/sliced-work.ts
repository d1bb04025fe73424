/** Work in steps: whoever drives it may do something else between two of them. A step takes less than a millisecond. */
export type Steps<T> = Generator<undefined, T>

const STEP = 2048

/** Does the work on `count` things, a step at a time. */
export function* inSteps(count: number, work: (from: number, to: number) => void): Steps<void> {
  for (let from = 0; from < count; from += STEP) {
    work(from, Math.min(from + STEP, count))
    yield
  }
}

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
