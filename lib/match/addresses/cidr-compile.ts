import { CidrColumns, compareAt, RANGE } from './cidr-columns.ts'
import type { CidrList } from './cidr-entry.ts'
import { CidrSet } from './cidr-set.ts'
import { sortByStart } from './cidr-sort.ts'
import { CidrTable } from './cidr-table.ts'
import { finish, inSlices, type SlicedWork } from './sliced-work.ts'

/** Compiles a list in slices. */
export function* compileSet({ v4, v6 }: CidrList): SlicedWork<CidrSet> {
  return new CidrSet(yield* compileTable(v4), yield* compileTable(v6))
}

/** Compiles a list at once. */
export function compileNow(list: CidrList): CidrSet {
  return finish(compileSet(list))
}

/**
 * Sorts and merges entries. If several entries contain an address, the match names the one that starts first; on a tie the
 * longest; on a further tie the first listed.
 */
function* compileTable(listed: CidrColumns): SlicedWork<CidrTable> {
  const table = new CidrTable(yield* merge(listed, yield* sortByStart(listed)))
  const { columns, index } = table
  let bucket = 0
  yield* inSlices(columns.count, (from, to) => {
    for (let i = from; i < to; i++) {
      const own = table.bucketOf(columns.starts, i * columns.width)
      while (bucket <= own) index[bucket++] = i
    }
  })
  index.fill(columns.count, bucket)
  return table
}

/** Makes the ranges disjoint: a range inside an earlier one is dropped, and an overlapping one loses its first part. */
function* merge(listed: CidrColumns, order: Uint32Array): SlicedWork<CidrColumns> {
  const { starts, sizes, width, count, bits } = listed
  const merged = new CidrColumns(bits, width, count)
  /** Last addresses: of all ranges merged so far, of the current entry, and of a candidate with the same start. */
  let open = new Uint32Array(width)
  let end = new Uint32Array(width)
  let rival = new Uint32Array(width)

  function take(entry: number): void {
    const at = entry * width
    const overlap = merged.count > 0 && compareAt(starts, at, open, 0, width) <= 0
    if (overlap && compareAt(end, 0, open, 0, width) <= 0) return
    if (overlap) merged.push(after(open), 0, RANGE, { text: listed.textOf(entry), end: [...end] })
    else merged.push(starts, at, sizes[entry] as number, listed.oddities.get(entry))
    ;[open, end] = [end, open]
  }

  let entry = -1
  yield* inSlices(count, (from, to) => {
    for (let i = from; i < to; i++) {
      const candidate = order[i] as number
      listed.readEnd(candidate, rival)
      const together = entry >= 0 && compareAt(starts, candidate * width, starts, entry * width, width) === 0
      if (together && compareAt(rival, 0, end, 0, width) <= 0) continue
      if (!together && entry >= 0) take(entry)
      ;[end, rival] = [rival, end]
      entry = candidate
    }
  })
  if (entry >= 0) take(entry)
  if (merged.count < count) merged.resize(merged.count)
  return merged
}

/** The next address. Never called with the highest one: no range starts after it. */
function after(words: Uint32Array): Uint32Array {
  const next = words.slice()
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = (next[i] as number) + 1
    if (next[i] !== 0) break
  }
  return next
}
