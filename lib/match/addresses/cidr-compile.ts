import { CidrColumns, compareAt, RANGE } from './cidr-columns.ts'
import type { CidrList } from './cidr-entry.ts'
import { CidrSet } from './cidr-set.ts'
import { sortByStart } from './cidr-sort.ts'
import { CidrTable } from './cidr-table.ts'
import { finish, inSteps, type Steps } from './sliced-work.ts'

/** Compiles a list in steps. */
export function* compileSet({ v4, v6 }: CidrList): Steps<CidrSet> {
  return new CidrSet(yield* compileTable(v4), yield* compileTable(v6))
}

/** Compiles a list at once. */
export function compileNow(list: CidrList): CidrSet {
  return finish(compileSet(list))
}

/**
 * Sorts and merges entries. Where several hold an address, it is the one's that starts first; of those that start together
 * the longest's; of equal ones, the one's that was listed first.
 */
function* compileTable(listed: CidrColumns): Steps<CidrTable> {
  const table = new CidrTable(yield* merge(listed, yield* sortByStart(listed)))
  const { columns, index } = table
  let bucket = 0
  yield* inSteps(columns.count, (from, to) => {
    for (let i = from; i < to; i++) {
      const own = table.bucketOf(columns.starts, i * columns.width)
      while (bucket <= own) index[bucket++] = i
    }
  })
  index.fill(columns.count, bucket)
  return table
}

/** Drops what an earlier range holds already, and cuts off what it holds of the next one. */
function* merge(listed: CidrColumns, order: Uint32Array): Steps<CidrColumns> {
  const { starts, sizes, width, count, bits } = listed
  const merged = new CidrColumns(bits, width, count)
  /** The last address that is held so far, those of the entry in hand, and of one that starts where it does. */
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
  yield* inSteps(count, (from, to) => {
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

/** The next address; never asked of the last one there is. */
function after(words: Uint32Array): Uint32Array {
  const next = words.slice()
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = (next[i] as number) + 1
    if (next[i] !== 0) break
  }
  return next
}
