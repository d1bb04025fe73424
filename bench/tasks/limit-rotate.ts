/*
 * Nanoseconds a decision of a flood from many addresses that take turns: a new store meets each of them, and once again.
 * Arguments: the limiter (or `alone`, for making the strings), keys, room.
 */
import { keyOf, limiterOf } from '../data/limiters.ts'
import { batchOf, stringAlone } from '../support/candidate.ts'
import { heldBytes } from '../support/memory.ts'
import { packTexts } from '../support/texts.ts'

const [name = '', keyCount = '', room = ''] = process.argv.slice(2)
const count = Number(keyCount)
const keys = Array.from({ length: count }, (_, i) => keyOf(i))
const candidateFor = (room: number) => (name === 'alone' ? stringAlone : limiterOf(name, room, keys))
const texts = packTexts(keys)
// The engine compiles what it needs with another store, of the same room: what is compiled knows how large its arrays are.
await batchOf(candidateFor(Number(room)), texts)(20_000)
const batch = batchOf(candidateFor(Number(room)), texts)
heldBytes()
const start = performance.now()
await batch(2 * count)
console.log(JSON.stringify(((performance.now() - start) * 1e6) / (2 * count)))
// Its timers are to keep nobody waiting.
process.exit()
