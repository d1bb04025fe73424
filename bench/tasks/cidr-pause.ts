/*
 * How long the asynchronous builder keeps the event loop from its next turn, and takes. Arguments: the family, how many, how
 * often. Of all runs the one with the shortest pause: what the machine adds by chance is not the builder's.
 */
import { cidrSet } from '../../lib/lists/build-cidr-set.ts'
import { entriesOf, type Family } from '../data/cidrs.ts'
import { heldBytes } from '../support/memory.ts'

const [family, count = '', runs = ''] = process.argv.slice(2)
const entries = entriesOf(family as Family, Number(count))

async function build() {
  heldBytes()
  const start = performance.now()
  let pause = 0
  let last = start
  let next = setImmediate(turn)
  function turn() {
    const now = performance.now()
    pause = Math.max(pause, now - last)
    last = now
    next = setImmediate(turn)
  }
  const set = await cidrSet(entries)
  const end = performance.now()
  clearImmediate(next)
  return { pause: Math.max(pause, end - last), total: end - start, bytes: set.bytes / set.size }
}

let best = await build()
for (let run = 1; run < Number(runs); run++) {
  const again = await build()
  if (again.pause < best.pause) best = again
}
console.log(JSON.stringify(best))
