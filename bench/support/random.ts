/** Numbers that are the same on every run: mulberry32. Returns whole numbers from 0 to below `limit`. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** The same texts in an order that is the same on every run: the first few are as good a sample as all. */
export function shuffled<T>(values: readonly T[]): T[] {
  const pick = seeded(values.length)
  const order = [...values]
  for (let i = order.length - 1; i > 0; i--) {
    const other = pick(i + 1)
    ;[order[i], order[other]] = [order[other] as T, order[i] as T]
  }
  return order
}
