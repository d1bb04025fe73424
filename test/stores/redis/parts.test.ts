import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { safeName, slotOf } from '../../../lib/stores/redis/cluster-slot.ts'
import { Rejects } from '../../../lib/stores/redis/limits/recent-rejects.ts'
import { RedisClock } from '../../../lib/stores/redis/limits/redis-clock.ts'

describe('names in keys', () => {
  test('no two have the same, and none has a brace or is long', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ minLength: 60, maxLength: 70 }),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, text, (one, other) => {
        assert.match(safeName(one), /^#?[\w.:@/-]{1,64}$/)
        if (one !== other) assert.notEqual(safeName(one), safeName(other))
        // Who sends what another's hash looks like does not meet it.
        assert.notEqual(safeName(safeName(` ${one}`)), safeName(` ${one}`))
      }),
    )
    assert.equal(safeName('2001:db8::'), '2001:db8::')
    assert.notEqual(safeName(`${'a'.repeat(65)}`), safeName(`${'a'.repeat(66)}`))
  })

  test('slots: the test value of the Cluster specification', () => {
    assert.equal(slotOf('{123456789}'), 0x31c3)
    assert.equal(slotOf('drop444:1:{123456789}:x'), 0x31c3)
  })
})

describe("Redis's clock", () => {
  test('is known to within the time between sending and reply, wherever it jumps', () => {
    const step = fc.record({
      gap: fc.nat(5000),
      there: fc.nat(100),
      back: fc.nat(100),
      jump: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -1e7, max: 1e7 }) },
      ),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), fc.integer({ min: 1e12, max: 2e12 }), (steps, epoch) => {
        const clock = new RedisClock()
        let now = 1000
        let ahead = epoch + 0.4
        for (const { gap, there, back, jump } of steps) {
          now += gap
          ahead += jump
          const sentAt = now
          const time = Math.floor(now + there + ahead)
          now += there + back
          clock.learn(time, sentAt, now)
          const wrong = clock.at(now) - (now + ahead)
          assert.ok(wrong >= -back - 1.01 && wrong <= there + 1.01, `${wrong} with ${there} and ${back}`)
        }
      }),
    )
  })

  test('a slow reply does not spoil what a quick one has told', () => {
    const clock = new RedisClock()
    clock.learn(1_000_010, 10, 11)
    clock.learn(1_000_500, 100, 900)
    assert.ok(Math.abs(clock.at(1000) - 1_001_000) < 2, String(clock.at(1000)))
  })
})

describe('what was rejected', () => {
  test('is known until it can pass, of who has as little room or less', () => {
    const rejects = new Rejects(100)
    assert.equal(rejects.left('a', 0, 1000, 50), 0)
    rejects.add('a', 1000, 5000, 100)
    assert.equal(rejects.left('a', 1000, 1000, 100), 5000)
    assert.equal(rejects.left('a', 1000, 1000, 2100.5), 3000)
    assert.equal(rejects.left('a', 0, 1000, 2100), 4000, 'less room, a second more at 1r/s')
    assert.equal(rejects.left('a', 2000, 1000, 2100), 0)
    assert.equal(rejects.left('a', 1000, 1000, 5100), 0)
    assert.equal(rejects.left('b', 1000, 1000, 100), 0)
  })

  test('what rejects less does not replace what rejects more, until it can pass', () => {
    const rejects = new Rejects(100)
    rejects.add('a', 5000, 1000, 0)
    rejects.add('a', 1000, 9000, 10)
    assert.equal(rejects.left('a', 5000, 1000, 20), 980)
    rejects.add('a', 1000, 9000, 1000)
    assert.equal(rejects.left('a', 1000, 1000, 1000), 9000)
  })

  test('for a minute at most, and then Redis is asked: it may have been told to forget', () => {
    const rejects = new Rejects(100)
    rejects.add('a', 0, 3_600_000, 0)
    assert.equal(rejects.left('a', 0, 1000, 59_999), 3_540_001)
    assert.equal(rejects.left('a', 0, 1000, 60_000), 0)
  })

  test('never more keys than there is room for, and who still asks stays', () => {
    const rejects = new Rejects(100)
    rejects.add('flood', 0, 1000, 0)
    for (let i = 0; i < 100_000; i++) {
      rejects.add(`k${i}`, 0, 1000, 0)
      if (i % 20 === 0) assert.ok(rejects.left('flood', 0, 1000, 1) > 0)
      assert.ok(rejects.size <= 100, String(rejects.size))
    }
    assert.ok(rejects.size >= 50)
  })
})
