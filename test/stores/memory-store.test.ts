import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MemoryStore, OptionsError } from '../../lib/index.ts'
import type { Bucket } from '../../lib/stores.ts'
import { cpuTime } from '../support/cpu-time.ts'
import { LeastLoaded } from '../support/reference/least-loaded.ts'
import { LimitZone } from '../support/reference/limit-zone.ts'
import { bucket, times } from '../support/reference/limits.ts'
import { runs } from '../support/runs.ts'

const limit = { rate: 1000, burst: 0, delay: Number.POSITIVE_INFINITY }
const withBurst = { ...limit, burst: 3000 }

/** Where clocks stand: of a process that began now, at what 31, 32 and 40 bits hold, today's date, before 1970. */
const epoch = fc.constantFrom(0, 2 ** 31 - 2_000_000, 2 ** 32 - 2_000_000, 2 ** 40, 1.8e12, -3e6, -(2 ** 33))
const clock = fc
  .tuple(epoch, times)
  .map(([start, at]) => at.map(ms => (start < 0 ? start + Math.floor(ms) : start + ms)))
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', '', '__proto__', 'ab', 'b\0', '\u0161')
const word = fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff)

describe('the same decisions as the simple ones', () => {
  test('where there is room: a zone of nginx', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 1000 }),
        bucket,
        clock,
        fc.infiniteStream(key),
        (maxKeys, limit, at, keys) => {
          const store = new MemoryStore(maxKeys)
          const zone = new LimitZone(1000)
          // More than eight could fill a set.
          const taken = new Set<string>()
          for (const now of at) {
            const { value } = keys.next()
            if (taken.size === 8 && !taken.has(value)) continue
            taken.add(value)
            assert.deepEqual(store.hit(value, limit, now), zone.hit(value, limit, now))
            assert.equal(store.size, zone.nodes.length)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('where there is none: in a set the least loaded leaves first', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.array(bucket, { minLength: 1, maxLength: 2 }),
        clock,
        fc.infiniteStream(key),
        (maxKeys, limits, at, keys) => {
          const store = new MemoryStore(maxKeys)
          const slots = new LeastLoaded(maxKeys)
          for (const [i, now] of at.entries()) {
            const { value } = keys.next()
            const limit = limits[i % limits.length] as Bucket
            assert.deepEqual(store.hit(value, limit, now), slots.hit(value, limit, now))
            assert.equal(store.size, slots.slots.length)
            assert.ok(store.size <= maxKeys)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('keys of two words, each a client of its own', () => {
    fc.assert(
      fc.property(
        bucket,
        clock,
        fc.infiniteStream(fc.tuple(word, word)),
        fc.boolean(),
        (limit, at, keys, signed) => {
          const store = new MemoryStore(7)
          const slots = new LeastLoaded(7)
          for (const now of at) {
            const { value } = keys.next()
            const [high, low] = value
            // Zero has its neighbour's slot.
            if (high === 0 && low === 1) continue
            const decision = signed
              ? store.hitWords(high | 0, low | 0, limit, now)
              : store.hitWords(high, low, limit, now)
            assert.deepEqual(decision, slots.hit(`${high} ${low}`, limit, now))
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

test('one bucket a key', () => {
  const store = new MemoryStore(10)
  assert.equal(store.hit('a', limit, 0).allowed, true)
  assert.equal(store.hit('b', limit, 0).allowed, true)
  assert.equal(store.hit('a', limit, 0).allowed, false)
})

test('a rejection protects until the next request that passes', () => {
  const store = new MemoryStore(2)
  store.hit('a', limit, 0)
  assert.equal(store.hit('a', limit, 1).allowed, false)
  assert.equal(store.hit('a', limit, 2999).allowed, true)
  store.hit('b', limit, 3000)
  store.hit('c', limit, 3000)
  assert.equal(store.hit('b', limit, 3000).allowed, false, 'a was the first to be idle')
})

test('an excess of more than 32 bits', () => {
  const store = new MemoryStore(10)
  const large = { rate: 16, burst: 2 ** 32 + 704, delay: Number.POSITIVE_INFINITY }
  let allowed = 0
  while (store.hit('a', large, 0).allowed) allowed++
  assert.equal(allowed, large.burst / 1000 + 1)
  assert.equal(store.hit('a', { ...large, burst: 0 }, 0).retryAfter, ((large.burst + 1000) * 1000) / 16)
})

test('an excess beyond what rateLimit can ask for stays as it is, and the key with it', () => {
  const store = new MemoryStore(10)
  // A rate below zero fills what would take a milliard requests.
  const filling = { rate: -1e15, burst: Number.POSITIVE_INFINITY, delay: Number.POSITIVE_INFINITY }
  store.hit('a', filling, 0)
  assert.equal(store.hit('a', filling, 1000).allowed, true)
  const most = 2 ** 40 - 1
  assert.equal(store.hit('a', limit, 1000).retryAfter, most + 1000)
  assert.equal(store.hit('a', limit, most + 1000).allowed, false)
  assert.equal(store.hit('a', limit, most + 2000).allowed, true)
})

test('a process that is up for months: who was limited then is not now, and the next year neither', () => {
  const day = 86_400_000
  for (const days of [24.8, 24.9, 49.7, 49.72, 60, 365]) {
    const store = new MemoryStore(10)
    assert.equal(store.hit('a', limit, 1000).allowed, true)
    assert.equal(store.hit('a', limit, 1001).allowed, false)
    assert.equal(store.hit('a', limit, days * day).allowed, true, `${days}`)
    assert.equal(store.hit('a', limit, days * day + 1).allowed, false)
  }
})

describe('a clock that is set back', () => {
  const H = 400 * 86_400_000
  for (const by of [1, 999, 30_000, 60_000, 60_001, 3_600_000, 86_400_000, 365 * 86_400_000]) {
    test(`by ${by} ms: who is limited waits for as long as the rate says`, () => {
      const store = new MemoryStore(10)
      const ways = {
        hit: (now: number) => store.hit('a', withBurst, now),
        hitWords: (now: number) => store.hitWords(1, 2, withBurst, now),
        hitAll: (now: number) => store.hitAll([{ key: 'b', bucket: withBurst }], now),
      }
      for (const ask of Object.values(ways)) {
        for (let i = 0; i < 4; i++) assert.equal(ask(H).allowed, true)
        assert.equal(ask(H).allowed, false)
        const { allowed, retryAfter } = ask(H - by)
        assert.deepEqual([allowed, retryAfter <= 1000], [false, true], `${retryAfter}`)
        assert.equal(ask(H - by + retryAfter - 1).allowed, false)
        assert.equal(ask(H - by + retryAfter).allowed, true)
        assert.equal(ask(H - by + 1001).allowed, false, 'and no more than that')
        assert.equal(ask(H - by + 2000).allowed, true)
      }
    })

    test(`by ${by} ms: a limit that only another one holds up runs off meanwhile`, () => {
      const store = new MemoryStore(10)
      const slow = { ...limit, rate: 10 }
      const both = (now: number) =>
        store.hitAll(
          [
            { key: 'slow', bucket: slow },
            { key: 'quick', bucket: withBurst },
          ],
          now,
        )
      for (let i = 0; i < 3; i++) store.hit('quick', withBurst, H)
      assert.equal(both(H).allowed, true)
      for (let wait = 0; wait < 99_990; wait += 9_999) assert.equal(both(H - by + wait).allowed, false)
      for (let i = 0; i < 4; i++) assert.equal(store.hit('quick', withBurst, H - by + 99_990).allowed, true)
      assert.equal(both(H - by + 103_000).allowed, true)
    })
  }
})

describe('a flood', () => {
  test('does not make it grow, in keys or in bytes', () => {
    const bytes = () => process.memoryUsage().arrayBuffers
    const before = bytes()
    const store = new MemoryStore(100_000)
    for (let i = 0; i < 400_000; i++) {
      if (i % 2) store.hit(`key ${i}`, limit, i)
      else store.hitWords(i * 7919, i, limit, i)
    }
    assert.ok(store.size > 149_000 && store.size <= 150_000, `${store.size}`)
    assert.ok(bytes() - before <= 32 * 100_000, `${bytes() - before}`)
  })

  test('of millions of IPv6 networks leaves memory where it was, and frees none of those who are limited', () => {
    const store = new MemoryStore(100_000)
    const slow = { rate: 16, burst: 5000, delay: Number.POSITIVE_INFINITY }
    const offenders = Array.from({ length: 1000 }, (_, i) => i)
    const hit = (i: number, now: number) => store.hitWords(0x20010db8, i, slow, now).allowed
    for (const i of offenders) while (hit(i, 0));
    const before = process.memoryUsage()
    for (let i = 0; i < runs(1e6); i++) store.hitWords(0x2a000000 + (i >>> 16), i << 8, slow, 1 + i / 1000)
    const after = process.memoryUsage()
    assert.ok(after.arrayBuffers <= before.arrayBuffers, `${after.arrayBuffers}`)
    assert.ok(after.heapUsed - before.heapUsed < 64e6, `${after.heapUsed - before.heapUsed}`)
    assert.ok(store.size <= 150_000, `${store.size}`)
    assert.deepEqual(
      offenders.filter(i => hit(i, 10_000)),
      [],
    )
  })

  for (const [what, high, low] of [
    ['addresses in a row', () => 0xffffffff, (i: number) => 0x0a000000 + i],
    ['the first of each /24', () => 0xffffffff, (i: number) => i << 8],
    ['the /64 of a /32', () => 0x20010db8, (i: number) => i << 16],
    ['the /32 of all', (i: number) => 0x20000000 + i, () => 0],
    ['words that are alike', (i: number) => i, (i: number) => i],
  ] as const) {
    test(`maxKeys keys find room, whatever they look like: ${what}`, () => {
      const store = new MemoryStore(10_000)
      const ask = (i: number) => store.hitWords(high(i), low(i), limit, 0).allowed
      for (let i = 0; i < 10_000; i++) ask(i)
      assert.ok(store.size > 9500, `${store.size}`)
    })
  }

  test('as do strings', () => {
    const store = new MemoryStore(10_000)
    for (let i = 0; i < 10_000; i++) store.hit(`session-${i}`, limit, 0)
    assert.ok(store.size > 9500, `${store.size}`)
  })

  for (const [what, rule] of [
    ['a burst', withBurst],
    ['none', limit],
  ] as const) {
    test(`pushes out who is idle, never who is being limited: with ${what}`, () => {
      for (let round = 0; round < 20; round++) {
        const store = new MemoryStore(800)
        store.hit('idle', rule, 0)
        while (store.hit('offender', rule, 10).allowed);
        for (let i = 0; i < 20_000; i++) store.hit(`fresh ${i}`, rule, 10 + i / 40)
        assert.equal(store.hit('offender', rule, 510).allowed, false)
        assert.equal(store.hit('idle', { ...rule, burst: 0 }, 510).allowed, true, 'forgotten')
      }
    })
  }

  for (const [what, hit] of [
    ['words', (store: MemoryStore, i: number) => store.hitWords(0xffffffff, i, limit, 0)],
    ['strings', (store: MemoryStore, i: number) => store.hit(`key ${i}`, limit, 0)],
  ] as const) {
    test(`which keys share a set is a secret of each store: ${what}`, () => {
      const all = Array.from({ length: 200 }, (_, i) => i)
      const forgotten = () => {
        const store = new MemoryStore(64)
        for (const i of all) hit(store, i)
        return all.map(i => Number(hit(store, i).allowed)).join('')
      }
      assert.notEqual(forgotten(), forgotten())
    })
  }
})

test('a store without a bound is none', () => {
  const bad = [0, -1, 1.5, 1e8 + 1, Number.NaN, Number.POSITIVE_INFINITY, '10', null, {}, Symbol('x')]
  for (const each of bad) assert.throws(() => new MemoryStore(each as number), OptionsError, String(each))
})

test('the largest is made in no time, as nothing is written; where there is no memory it is refused', t => {
  const ms = cpuTime(() => assert.equal(new MemoryStore(1e8).hit('a', limit, 0).allowed, true))
  assert.ok(ms < 1000, `${ms} ms`)
  const { Int32Array: Whole } = globalThis
  t.after(() => {
    globalThis.Int32Array = Whole
  })
  globalThis.Int32Array = class extends Whole {
    constructor(length: number) {
      if (length > 1000) throw new RangeError('Array buffer allocation failed')
      super(length)
    }
  } as unknown as Int32ArrayConstructor
  assert.throws(() => new MemoryStore(1e8), { name: 'OptionsError', code: 'DROP444_INVALID_OPTION' })
})

test('a limit that is only asked goes on from the time that a clock was set back to', () => {
  const store = new MemoryStore(10)
  const bucket = { rate: 1_000, burst: 2_000, delay: Number.POSITIVE_INFINITY }
  const later = 3_600_000
  store.hit('k', bucket, later)
  store.hit('k', bucket, later)
  assert.equal(store.peek('k', bucket, 0, 1).allowed, true)
  // A second behind the question a request has drained, so there is room for two.
  const allowed = [1, 2, 3].map(() => (store.hit('k', bucket, 1_000) as { allowed: boolean }).allowed)
  assert.deepEqual(allowed, [true, true, false])
})
