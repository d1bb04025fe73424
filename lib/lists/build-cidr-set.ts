import { compileSet } from '../match/addresses/cidr-compile.ts'
import { CidrList } from '../match/addresses/cidr-entry.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import { addChecked } from '../options/address-list.ts'
import { refuse } from '../options/options-error.ts'
import { isIterable, reading, refuseUnread } from '../options/read-options.ts'

/** Milliseconds of work between two turns of the event loop. */
const SLICE = 4
/** Entries read between two looks at the clock. They take a fraction of a millisecond. */
const ENTRIES = 256

/**
 * Compiles a long list of addresses while the server goes on serving: a million entries take about a second, in slices of
 * about 4 ms. The set is for `denyCidr`, `allowCidr` and `except`; they also take the list itself, but compile it in one go.
 *
 * @param list the entries that {@link denyCidr} takes; also a stream of them; it may be empty
 *
 * @example
 * app.use(denyCidr(await cidrSet(blocked)))
 *
 * @throws OptionsError (the promise rejects with it) that names the bad entry; a stream's own error is passed on unchanged
 */
export async function cidrSet(list: (Iterable<string> & object) | AsyncIterable<string>): Promise<CidrSet> {
  const isSync = reading('cidrSet', 'list', list, () => isIterable(list))
  if (!isSync && !reading('cidrSet', 'list', list, () => isAsyncIterable(list)))
    refuse('cidrSet', 'list', list, 'an array, or something else to iterate over')
  const read = new CidrList(Array.isArray(list) ? list.length : undefined)
  const breathe = breather()
  let index = 0
  const add = (entry: unknown) => addChecked(read, 'cidrSet', 'list', entry, index++)
  // No `for await` for a plain iterable: a million promises cost a second, and garbage collection.
  if (isSync) {
    try {
      for (const entry of list as Iterable<string>) {
        add(entry)
        if (index % ENTRIES === 0) await breathe()
      }
    } catch (error) {
      refuseUnread('cidrSet', 'list', list, error)
    }
  } else {
    for await (const entry of list) {
      add(entry)
      if (index % ENTRIES === 0) await breathe()
    }
  }
  const steps = compileSet(read)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await breathe()
  }
}

/** Returns a function that gives a promise of the event loop's next turn once the slice is used up, and undefined before. */
function breather(): () => Promise<void> | undefined {
  let sliceEnd = performance.now() + SLICE
  const start = () => {
    sliceEnd = performance.now() + SLICE
  }
  return () =>
    performance.now() < sliceEnd ? undefined : new Promise(resolve => void setImmediate(resolve)).then(start)
}

function isAsyncIterable(value: unknown): boolean {
  return typeof (value as AsyncIterable<unknown> | null | undefined)?.[Symbol.asyncIterator] === 'function'
}
