/*
 * The longest of a limiter's calls, in milliseconds, with many keys in turn. Arguments: the limiter, keys, calls, runs.
 * Of each call the shortest of the runs counts: what the machine adds by chance hits another one each time, what the store
 * does (growing) the same one.
 */
import { keyOf, limiterOf } from '../data/limiters.ts'
import { heldBytes } from '../support/memory.ts'
import { packTexts, textAt } from '../support/texts.ts'

const [name = '', ...numbers] = process.argv.slice(2)
const [count = 0, calls = 0, runs = 0] = numbers.map(Number)
const keys = Array.from({ length: count }, (_, i) => keyOf(i))
const texts = packTexts(keys)
const shortest = new Float64Array(calls).fill(Number.POSITIVE_INFINITY)

async function ask() {
  const { decide, awaited } = limiterOf(name, count, keys)
  heldBytes()
  for (let i = 0; i < calls; i++) {
    const key = 'text' in decide ? textAt(texts, i % count) : ''
    const start = performance.now()
    const answer = 'text' in decide ? decide.text(key) : decide.index(i % count)
    if (awaited) await answer
    const spent = performance.now() - start
    if (spent < (shortest[i] as number)) shortest[i] = spent
  }
}

for (let run = 0; run < runs; run++) await ask()
console.log(JSON.stringify(shortest.reduce((longest, each) => Math.max(longest, each))))
