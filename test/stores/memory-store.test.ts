import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryStore, OptionsError } from '../../lib/index.ts'
import { LimitZone } from '../support/reference/limit-zone.ts'
import { bucket, times } from '../support/reference/limits.ts'

const limit = { rate: 1000, burst: 0, delay: Number.POSITIVE_INFINITY }

test("the store is a list of nodes with nginx's arithmetic, the least recently seen leaving first", () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', '', '__proto__')
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      bucket,
      times,
      fc.infiniteStream(key),
      (maxKeys, limit, at, keys) => {
        const store = new MemoryStore(maxKeys)
        const zone = new LimitZone(maxKeys)
        for (const now of at) {
          const { value } = keys.next()
          assert.deepEqual(store.hit(value, limit, now), zone.hit(value, limit, now))
          assert.equal(store.size, zone.nodes.length)
          assert.ok(store.size <= maxKeys)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('one bucket a key', () => {
  const store = new MemoryStore(10)
  assert.equal(store.hit('a', limit, 0).allowed, true)
  assert.equal(store.hit('b', limit, 0).allowed, true)
  assert.equal(store.hit('a', limit, 0).allowed, false)
})

test('who is seen stays, also when rejected; who is not is forgotten first', () => {
  const store = new MemoryStore(2)
  store.hit('a', limit, 0)
  store.hit('b', limit, 0)
  assert.equal(store.hit('a', limit, 0).allowed, false)
  store.hit('c', limit, 0)
  assert.equal(store.hit('a', limit, 0).allowed, false, 'a was seen after b')
  assert.equal(store.hit('b', limit, 0).allowed, true, 'b was forgotten')
})

test('a flood of new keys does not grow it', () => {
  const store = new MemoryStore(1000)
  for (let i = 0; i < 50_000; i++) {
    store.hit(`key ${i}`, limit, i)
    if (i % 1000 === 0) assert.ok(store.size <= 1000)
  }
  assert.equal(store.size, 1000)
  assert.equal(store.hit('key 49999', limit, 49_999).allowed, false)
  assert.equal(store.hit('key 48999', limit, 48_999).allowed, true, 'forgotten')
})

test('a store without a bound is none', () => {
  for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', null, {}, Symbol('x')])
    assert.throws(() => new MemoryStore(bad as number), OptionsError, String(bad))
})
