import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RecentTargets } from '../../lib/offenders/recent-targets.ts'

describe('recent targets', () => {
  test('a target is new again when its time is over, counted from when it was new', () => {
    const recent = new RecentTargets(10_000)
    const times = [1_000_000, 1_000_001, 1_009_999, 1_010_000, 1_019_999, 1_020_000]
    assert.deepEqual(
      times.map(now => recent.isNew('GET /a', now)),
      [true, false, false, true, false, true],
    )
  })

  test('targets are told apart, also the empty one', () => {
    const recent = new RecentTargets(10_000)
    const targets = ['', 'a', 'a ', 'ab', 'ba', 'aa', 'aaa', 'ä', '\u0000']
    for (const target of targets) assert.equal(recent.isNew(target, 5), true, target)
    for (const target of targets) assert.equal(recent.isNew(target, 6), false, target)
  })

  test('a clock that is set back makes what it knew new again, and nothing else lasts longer', () => {
    const recent = new RecentTargets(10_000)
    assert.equal(recent.isNew('a', 1_000_000), true)
    assert.equal(recent.isNew('a', 400_000), true)
    assert.equal(recent.isNew('a', 409_999), false)
    assert.equal(recent.isNew('a', 410_000), true)
  })

  test('two thousand of one moment are remembered, a million take no more memory, and the newest is known', () => {
    const recent = new RecentTargets(10_000)
    const names = Array.from({ length: 2_000 }, (_, i) => `192.0.2.1 example.com /${i}`)
    for (const name of names) recent.isNew(name, 1)
    const forgotten = names.filter(name => recent.isNew(name, 2)).length
    // A set of four that gets a fifth: a Poisson distribution of 2000/2048 says 7 in all.
    assert.ok(forgotten < 40, `${forgotten}`)
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 1_000_000; i++) {
      assert.equal(recent.isNew(`/${i}`, 100_000 + i), true)
      if (i % 1000 === 0) assert.equal(recent.isNew(`/${i}`, 100_001 + i), false)
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  })
})
