import type { CidrColumns } from './cidr-columns.ts'
import { inSlices, type SlicedWork } from './sliced-work.ts'

/** The indices of the entries, sorted by start address. A radix sort: linear, stable, and easy to do in slices. */
export function* sortByStart({ starts, width, count }: CidrColumns): SlicedWork<Uint32Array> {
  let order = new Uint32Array(count)
  let other = new Uint32Array(count)
  yield* inSlices(count, (from, to) => {
    for (let i = from; i < to; i++) order[i] = i
  })
  for (let byte = 4 * width - 1; byte >= 0; byte--) {
    const word = byte >> 2
    const shift = 24 - 8 * (byte & 3)
    const next = new Uint32Array(257)
    yield* inSlices(count, (from, to) => {
      for (let i = from; i < to; i++) {
        const digit = ((starts[i * width + word] as number) >>> shift) & 255
        next[digit + 1] = (next[digit + 1] as number) + 1
      }
    })
    if (next.includes(count)) continue
    for (let i = 1; i < 256; i++) next[i] = (next[i] as number) + (next[i - 1] as number)
    yield* inSlices(count, (from, to) => {
      for (let i = from; i < to; i++) {
        const entry = order[i] as number
        const digit = ((starts[entry * width + word] as number) >>> shift) & 255
        const place = next[digit] as number
        other[place] = entry
        next[digit] = place + 1
      }
    })
    ;[order, other] = [other, order]
  }
  return order
}
