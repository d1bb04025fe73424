/** A range of code points; both ends belong to it. */
export type CodeRange = readonly [from: number, to: number]

/** The last code point. */
export const LAST = 0x10ffff

/** Sorts ranges and joins those that touch or overlap. */
export function union(ranges: readonly CodeRange[]): CodeRange[] {
  const joined: [number, number][] = []
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = joined.at(-1)
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined
}

/** All other code points. `ranges` have to be sorted and disjoint. */
export function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const others: CodeRange[] = []
  let next = 0
  for (const [from, to] of ranges) {
    if (from > next) others.push([next, from - 1])
    next = to + 1
  }
  if (next <= LAST) others.push([next, LAST])
  return others
}

/** The parts of ranges between two code points. */
export const within = (ranges: readonly CodeRange[], low: number, high: number): CodeRange[] =>
  ranges
    .map(([from, to]): CodeRange => [Math.max(from, low), Math.min(to, high)])
    .filter(([from, to]) => from <= to)

const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`
const unitRange = ([from, to]: CodeRange) => (from === to ? unit(from) : `${unit(from)}-${unit(to)}`)

/** A class with the code points below 0x10000, for an expression without the flag `u`. */
export const classOf = (ranges: readonly CodeRange[], isNegated = false): string =>
  `[${isNegated ? '^' : ''}${within(ranges, 0, 0xffff).map(unitRange).join('')}]`

/** Expressions that match the code points from 0x10000 on, as surrogate pairs. */
export const pairsOf = (ranges: readonly CodeRange[]): string[] =>
  within(ranges, 0x10000, LAST).flatMap(([from, to]) => {
    const [low, high] = [String.fromCodePoint(from), String.fromCodePoint(to)]
    const [first, last] = [low.charCodeAt(0), high.charCodeAt(0)]
    const pair = (leads: CodeRange, trails: CodeRange) => `[${unitRange(leads)}][${unitRange(trails)}]`
    if (first === last) return [pair([first, last], [low.charCodeAt(1), high.charCodeAt(1)])]
    return [
      pair([first, first], [low.charCodeAt(1), 0xdfff]),
      ...(first + 1 < last ? [pair([first + 1, last - 1], [0xdc00, 0xdfff])] : []),
      pair([last, last], [0xdc00, high.charCodeAt(1)]),
    ]
  })
