import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bucket, firstRequest, nextRequest } from '../../lib/counting/leaky-bucket.ts'
import { LimitZone } from '../support/reference/limit-zone.ts'
import { bucket, times } from '../support/reference/limits.ts'

const nodelay = Number.POSITIVE_INFINITY

function begin(limit: Bucket, now: number) {
  const state = { excess: 5, last: 5 }
  return { state, decision: firstRequest(limit, state, now) }
}

/** What a bucket decides at these times, and what it keeps. */
function run(limit: Bucket, at: readonly number[]) {
  const [first = 0, ...later] = at
  const { state, decision } = begin(limit, first)
  return { state, decisions: [decision, ...later.map(now => nextRequest(limit, state, now))] }
}

const allowed = (limit: Bucket, at: readonly number[]) => run(limit, at).decisions.map(each => each.allowed)

test('the same decisions, delays and waits as limit_req, whatever the clock does', () => {
  fc.assert(
    fc.property(bucket, times, (limit, at) => {
      const zone = new LimitZone(1)
      const { state, decisions } = run(limit, at)
      assert.deepEqual(
        decisions,
        at.map(now => zone.hit('k', limit, now)),
      )
      assert.deepEqual(state, { excess: zone.nodes[0]?.excess, last: zone.nodes[0]?.last })
    }),
    { numRuns: 2000 },
  )
})

test('retryAfter is the first millisecond at which it passes', () => {
  fc.assert(
    fc.property(bucket, times, (limit, at) => {
      const [first = 0, ...later] = at
      const { state } = begin(limit, first)
      for (const now of later) {
        const { allowed, retryAfter } = nextRequest(limit, state, now)
        if (allowed) continue
        const would = (ms: number) => nextRequest(limit, { ...state }, now + ms).allowed
        assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1)
        assert.deepEqual([would(retryAfter - 1), would(retryAfter)], [false, true], `${now} + ${retryAfter}`)
      }
    }),
    { numRuns: 1000 },
  )
})

test('a reject writes nothing', () => {
  const limit = { rate: 1000, burst: 0, delay: nodelay }
  const { state } = begin(limit, 0)
  for (const now of [0, 1, 500, 999]) {
    assert.equal(nextRequest(limit, state, now).allowed, false)
    assert.deepEqual(state, { excess: 0, last: 0 })
  }
  assert.equal(nextRequest(limit, state, 1000).allowed, true)
})

test('burst=2 nodelay lets three through at once, then one for each turn of the rate', () => {
  const limit = { rate: 1000, burst: 2000, delay: nodelay }
  assert.deepEqual(allowed(limit, [0, 0, 0, 0, 0, 999, 1000, 1000, 2000]), [
    ...[true, true, true, false, false],
    ...[false, true, false, true],
  ])
})

test('1r/m is 16 thousandths a second: 62.5 s, not 60', () => {
  const limit = { rate: 16, burst: 0, delay: nodelay }
  assert.deepEqual(allowed(limit, [0, 60_000, 62_499, 62_500]), [true, false, false, true])
  assert.equal(run(limit, [0, 30_000]).decisions[1]?.retryAfter, 32_500)
})

test('what is above delay waits until its turn', () => {
  const delays = (delay: number) =>
    run({ rate: 2000, burst: 4000, delay }, [0, 0, 0, 0, 0]).decisions.map(d => d.delay)
  assert.deepEqual(delays(0), [0, 500, 1000, 1500, 2000])
  assert.deepEqual(delays(2000), [0, 0, 0, 500, 1000])
  assert.deepEqual(delays(nodelay), [0, 0, 0, 0, 0])
})

test('a clock that jumps back: a minute and more counts as 1 ms, less as none, and it goes on from there', () => {
  const limit = { rate: 1000, burst: 5000, delay: nodelay }
  const after = (jump: number) => {
    const { state } = begin(limit, 100_000)
    nextRequest(limit, state, 100_000 + jump)
    return state
  }
  assert.deepEqual(after(-1), { excess: 1000, last: 99_999 })
  assert.deepEqual(after(-60_000), { excess: 1000, last: 40_000 })
  assert.deepEqual(after(-60_001), { excess: 999, last: 39_999 })
})

test('a clock that jumps back by whatever it is makes nobody wait longer than the rate says', () => {
  const jump = fc.oneof(
    fc.integer({ min: 1, max: 130_000 }),
    fc.constantFrom(1, 60_000, 60_001, 3_600_000, 1e12),
  )
  fc.assert(
    fc.property(bucket, times, jump, fc.nat(5_000), (limit, at, by, wait) => {
      const { state } = run(limit, at)
      const now = (at.at(-1) as number) + wait - by
      const before = { ...state }
      const { allowed, retryAfter } = nextRequest(limit, state, now)
      if (allowed) return
      // As if it had been counted at this moment, or a millisecond ago.
      const fresh = { excess: before.excess, last: Math.min(before.last, now) }
      assert.ok(retryAfter <= nextRequest(limit, fresh, now).retryAfter)
      assert.equal(nextRequest(limit, state, now + retryAfter).allowed, true)
    }),
  )
})

test('a clock between two milliseconds is at the earlier one', () => {
  const limit = { rate: 1000, burst: 0, delay: nodelay }
  assert.deepEqual(allowed(limit, [0.9, 999.95, 1000]), [true, false, true])
})
