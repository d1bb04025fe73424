/** Work in slices of less than a millisecond each: between two of them the caller may let the event loop turn. */
export type SlicedWork<T> = Generator<undefined, T>

const SLICE = 2048

/** Does the work on `count` items, a slice at a time. */
export function* inSlices(count: number, work: (from: number, to: number) => void): SlicedWork<void> {
  for (let from = 0; from < count; from += SLICE) {
    work(from, Math.min(from + SLICE, count))
    yield
  }
}

/** Does all slices at once. */
export function finish<T>(work: SlicedWork<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
