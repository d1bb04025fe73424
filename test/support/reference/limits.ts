import fc from 'fast-check'

const Never = Number.POSITIVE_INFINITY

/** Limits as `rateLimit` makes them of `10r/s`, `1r/m` (16) and the like. */
export const bucket = fc.record({
  rate: fc.oneof(fc.constantFrom(16, 1000, 10_000, 500, 166), fc.integer({ min: 16, max: 100_000 })),
  burst: fc.nat(6).map(requests => requests * 1000),
  delay: fc.oneof(
    fc.constant(Never),
    fc.constant(0),
    fc.nat(7).map(requests => requests * 1000),
  ),
})

/** Milliseconds from one request to the next: mostly few, at times long (months too), at times back. */
const gap = fc.oneof(
  fc.nat(40),
  fc.nat(2000),
  fc.nat(200_000),
  fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 500, 3 * 2 ** 32),
  fc.integer({ min: -120_000, max: 0 }),
  fc.constantFrom(-59_999, -60_000, -60_001, -1, 0, 0.25, 0.75, 999.999),
)

/** The times of some requests, by a clock that may jump back but not below 0. */
export const times = fc.array(gap, { minLength: 1, maxLength: 60 }).map(gaps => {
  let now = 1_000_000
  return gaps.map(each => {
    now = Math.max(0, now + each)
    return now
  })
})
