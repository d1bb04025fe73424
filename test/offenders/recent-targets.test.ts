import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RecentTargets } from '../../lib/offenders/recent-targets.ts'

describe('recent targets', () => {
  test('a target is new again when its time is over, counted from when it was new', () => {
    const recent = new RecentTargets(10_000)
    const times = [1_000_000, 1_000_001, 1_009_999, 1_010_000, 1_019_999, 1_020_000]
    assert.deepEqual(
      times.map(now => recent.count('GET /a', now)),
      [1, 2, 3, 1, 2, 1],
    )
  })

  test('targets are told apart, also the empty one', () => {
    const recent = new RecentTargets(10_000)
    const targets = ['', 'a', 'a ', 'ab', 'ba', 'aa', 'aaa', 'ä', '\u0000']
    for (const target of targets) assert.equal(recent.count(target, 5), 1, target)
    for (const target of targets) assert.equal(recent.count(target, 6), 2, target)
  })

  test('a clock that is set back makes what it knew new again, and nothing else lasts longer', () => {
    const recent = new RecentTargets(10_000)
    assert.equal(recent.count('a', 1_000_000), 1)
    assert.equal(recent.count('a', 400_000), 1)
    assert.equal(recent.count('a', 409_999), 2)
    assert.equal(recent.count('a', 410_000), 1)
  })

  test('two thousand of one moment are remembered, a million take no more memory, and the newest is known', () => {
    const recent = new RecentTargets(10_000)
    const names = Array.from({ length: 2_000 }, (_, i) => `192.0.2.1 example.com /${i}`)
    for (const name of names) recent.count(name, 1)
    const forgotten = names.filter(name => recent.count(name, 2) === 1).length
    // A set of four that gets a fifth: a Poisson distribution of 2000/2048 says 7 in all.
    assert.ok(forgotten < 40, `${forgotten}`)
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 1_000_000; i++) {
      assert.equal(recent.count(`/${i}`, 100_000 + i), 1)
      if (i % 1000 === 0) assert.equal(recent.count(`/${i}`, 100_001 + i), 2)
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  })
})
