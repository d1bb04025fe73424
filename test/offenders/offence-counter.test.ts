import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OffenceCounter } from '../../lib/offenders/offence-counter.ts'
import { OptionsError } from '../../lib/options/options-error.ts'

/** All that is to be counted, in the plainest way: a list of times a key. */
class Model {
  readonly #times = new Map<string, number[]>()
  readonly #limit: number
  readonly #window: number

  constructor(limit: number, window: number) {
    this.#limit = limit
    this.#window = window
  }

  count(key: string, now: number): boolean {
    const times = [...(this.#times.get(key) ?? []), now].filter(time => now - time < this.#window)
    const isTooMany = times.length > this.#limit
    this.#times.set(key, isTooMany ? [] : times)
    return isTooMany
  }

  clear(key: string): void {
    this.#times.delete(key)
  }
}

describe('OffenceCounter', () => {
  test('says so of the first offence beyond the limit in any window, and of no other', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 3 }),
      wait: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2 ** 31 })),
      clears: fc.integer({ min: 0, max: 19 }).map(die => die === 0),
    })
    const run = fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 2 ** 41 }),
      fc.array(step, { maxLength: 120 }),
      (limit, window, start, steps) => {
        const counter = new OffenceCounter(limit, window, 4)
        const model = new Model(limit, window)
        let now = start
        for (const { key, wait, clears } of steps) {
          now += wait
          if (clears) {
            counter.clear(key, key)
            model.clear(String(key))
          }
          assert.equal(counter.count(key, key, now), model.count(String(key), now))
        }
      },
    )
    fc.assert(run, { numRuns: 500 })
  })

  test('an offence leaves the window exactly when it is as old as the window', () => {
    for (const [gap, banned] of [
      [999, true],
      [1000, false],
    ] as const) {
      const counter = new OffenceCounter(1, 1000, 10)
      assert.equal(counter.count(1, 2, 5_000), false)
      assert.equal(counter.count(1, 2, 5_000 + gap), banned)
    }
  })

  test('a clock that goes back stands still', () => {
    const counter = new OffenceCounter(2, 1000, 10)
    assert.equal(counter.count(1, 2, 10_000), false)
    assert.equal(counter.count(1, 2, 1_000), false)
    assert.equal(counter.count(1, 2, 10_999), true)
  })

  test('the key whose words are all zero is one like the others', () => {
    const counter = new OffenceCounter(1, 1000, 10)
    assert.deepEqual(
      [counter.count(0, 0, 1), counter.size, counter.count(0, 0, 2), counter.size],
      [false, 1, true, 0],
    )
    assert.equal(counter.clear(0, 0), false)
  })

  test('two million addresses of one offence each leave memory as it is, and push out nobody with more', () => {
    const counter = new OffenceCounter(50, 600_000, 10_000)
    const { bytes } = counter
    assert.equal(bytes, 1875 * 8 * 54 * 4)
    const offenders = Array.from({ length: 500 }, (_, i) => i)
    for (let round = 0; round < 3; round++) for (const each of offenders) counter.count(7, each, 1_000)
    for (let i = 0; i < 2_000_000; i++) counter.count(0x20010db8, i * 2_654_435, 1_000 + i / 100_000)
    assert.equal(counter.bytes, bytes)
    assert.ok(counter.size <= 15_000, String(counter.size))
    for (let round = 0; round < 47; round++) for (const each of offenders) counter.count(7, each, 2_000)
    const banned = offenders.filter(each => counter.count(7, each, 2_000))
    assert.equal(banned.length, offenders.length)
  })

  test('more than there is memory for is refused by name', () => {
    assert.throws(
      () => new OffenceCounter(10_000, 1000, 1e7),
      (error: unknown) => error instanceof OptionsError && error.option === 'maxKeys',
    )
  })
})
