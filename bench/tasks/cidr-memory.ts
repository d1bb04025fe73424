/* Bytes that the process holds for each range of a compiled list. Arguments: who compiles, the family, how many. */
import { blockList, entriesOf, type Family, matchers } from '../data/cidrs.ts'
import { heldBytes } from '../support/memory.ts'

const [name = '', family, count = ''] = process.argv.slice(2)
const compile = matchers[name]
if (!compile) throw new Error(`no matcher ${name}`)
// Parsed, so that each is a plain string: one that is pieced together shrinks when it is first read.
const entries: string[] = JSON.parse(JSON.stringify(entriesOf(family as Family, Number(count))))
/** Node doesn't know what a BlockList allocates: only the system does. */
function held(): number {
  const known = heldBytes()
  return name === blockList ? process.memoryUsage.rss() : known
}
compile(entries.slice(0, 1000))('192.0.2.1')
const before = held()
const matches = compile(entries)
console.log(JSON.stringify((held() - before) / entries.length))
// What is measured must not be collected before.
matches('192.0.2.1')
