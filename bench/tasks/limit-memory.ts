/* Bytes that a store holds for each key that it was to keep. Arguments: the limiter, how many keys, how many come. */
import { keyOf, limiterOf } from '../data/limiters.ts'
import { heldBytes } from '../support/memory.ts'

const [name = '', kept = '', coming = ''] = process.argv.slice(2)
const before = heldBytes()
const { decide } = limiterOf(name, Number(kept))
if (!('text' in decide)) throw new Error('to be measured by its string key')
for (let i = 0; i < Number(coming); i++) await decide.text(keyOf(i))
console.log(JSON.stringify((heldBytes() - before) / Number(kept)))
// What is measured must not be collected before.
if (!decide.text(keyOf(0))) process.exitCode = 1
