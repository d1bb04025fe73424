import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileAutomaton, type Needle } from '../../../lib/match/agents/word-automaton.ts'

/** Every place where a needle ends, found by looking at each. */
function placesOf(needles: readonly Needle[], text: string): string[] {
  const places = needles.flatMap(({ text: needle, owner }) =>
    Array.from({ length: text.length + 1 }, (_, end) => end)
      .filter(end => end >= needle.length && text.slice(end - needle.length, end).toLowerCase() === needle)
      .map(end => `${owner} ends at ${end}`),
  )
  return places.sort()
}

const needle = fc.string({ unit: fc.constantFrom(...'aaabc-'), minLength: 1, maxLength: 5 })
const text = fc.string({ unit: fc.constantFrom(...'aaAabBC-é\u212a\u0161'), maxLength: 20 })

test('each place of each needle is told, in either case, also of needles within needles', () => {
  fc.assert(
    fc.property(fc.array(needle, { minLength: 1, maxLength: 8 }), text, (texts, agent) => {
      const needles = texts.map((each, owner) => ({ text: each, owner }))
      const told: string[] = []
      const scan = compileAutomaton(needles, (given, owner, end) => {
        assert.equal(given, agent)
        told.push(`${owner} ends at ${end}`)
        return false
      })
      assert.equal(scan(agent), -1)
      assert.deepEqual(told.sort(), placesOf(needles, agent))
    }),
    { numRuns: 3000 },
  )
})

test('the first place that counts ends it, and its owner is returned', () => {
  const needles = ['bot', 'o', 'robot'].map((each, owner) => ({ text: each, owner }))
  const asked: number[] = []
  const scan = compileAutomaton(needles, (_, owner) => {
    asked.push(owner)
    return owner === 0
  })
  assert.equal(scan('a robot, a bot'), 0)
  assert.deepEqual(asked, [1, 1, 2, 0])
})
