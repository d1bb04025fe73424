import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseAddress } from '../../lib/match/addresses/address.ts'
import type { BanPolicy } from '../../lib/offenders/ban-policy.ts'
import { Networks } from '../../lib/offenders/networks.ts'
import { OffenceCounter } from '../../lib/offenders/offence-counter.ts'
import { Offenders } from '../../lib/offenders/offenders.ts'

const who = parseAddress('192.0.2.1') as NonNullable<ReturnType<typeof parseAddress>>

function make(terms: BanPolicy, maxBans = 100) {
  let now = 0
  const offenders = new Offenders({
    terms,
    networks: new Networks(32, 64),
    counter: new OffenceCounter(terms.limit, terms.window, 100),
    maxBans,
    clock: { now: () => now, dateOf: time => time },
  })
  const at = (time: number) => {
    now = time
  }
  return { offenders, at }
}

/** The terms, in the words of the documentation. */
class Model {
  times: number[] = []
  until = 0
  level = 0
  readonly terms: BanPolicy

  constructor(terms: BanPolicy) {
    this.terms = terms
  }

  get top(): number {
    let level = 1
    while (this.terms.ban * 2 ** (level - 1) < this.terms.maxBan) level++
    return level
  }

  offend(now: number): void {
    if (this.until > now) return
    this.times = [...this.times, now].filter(time => now - time < this.terms.window)
    if (this.times.length <= this.terms.limit) return
    let level = this.level
    for (let calm = this.until + this.terms.decay; level > 0 && calm <= now; calm += this.terms.decay) level--
    this.level = Math.min(this.top, level + 1)
    this.until = now + Math.min(this.terms.maxBan, this.terms.ban * 2 ** (this.level - 1))
    this.times = []
  }
}

describe('Offenders', () => {
  test('ban exactly who passes the limit within a window; bans grow, are capped, and decay', () => {
    const terms = fc.record({
      limit: fc.integer({ min: 1, max: 3 }),
      window: fc.integer({ min: 1, max: 100 }),
      ban: fc.integer({ min: 1, max: 50 }),
      maxBan: fc.integer({ min: 50, max: 500 }),
      decay: fc.integer({ min: 1, max: 400 }),
    })
    const waits = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2_000 })), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(terms, waits, (given, steps) => {
        const { offenders, at } = make(given)
        const model = new Model(given)
        let now = 1
        for (const wait of steps) {
          now += wait
          at(now)
          offenders.offend(who, 'x')
          model.offend(now)
          const banned = offenders.banned(who)
          assert.deepEqual(
            [banned?.until, banned?.level],
            model.until > now ? [model.until, model.level] : [undefined, undefined],
          )
        }
      }),
      { numRuns: 500 },
    )
  })

  test('what others have told of a ban that is over takes the place of none in force', () => {
    const { offenders, at } = make({ limit: 1, window: 10, ban: 1_000, maxBan: 1_000, decay: 10_000 }, 2)
    const tell = (address: string, until: number) =>
      offenders.adopt({ address, at: 0, since: 0, until, level: 1, reason: 'x', storeAt: 0 })
    const known = () => [...offenders.known()].map(({ address }) => address).sort()
    at(100)
    tell('192.0.2.1', 50)
    offenders.ban(who, 'x')
    offenders.ban({ ...who, words: [1], text: '0.0.0.1' }, 'x')
    assert.deepEqual(known(), ['0.0.0.1', '192.0.2.1'])
    tell('192.0.2.2', 90)
    assert.deepEqual(known(), ['0.0.0.1', '192.0.2.1'])
    at(2_000)
    tell('192.0.2.3', 1_500)
    assert.equal(known().includes('192.0.2.3'), true)
  })

  test('ten bans in a row: 10 minutes, doubled up to a day; a quiet day takes one step off', () => {
    const minute = 60_000
    const day = 1440 * minute
    const { offenders, at } = make({ limit: 1, window: minute, ban: 10 * minute, maxBan: day, decay: day })
    let now = 0
    const lengths: number[] = []
    const pass = (time: number) => {
      now += time
      at(now)
    }
    const offendTwice = () => {
      offenders.offend(who, 'x')
      offenders.offend(who, 'x')
      const left = offenders.timeLeft(offenders.banned(who) as never)
      lengths.push(left / minute)
      pass(left)
      assert.equal(offenders.banned(who), undefined)
    }
    for (let i = 0; i < 10; i++) offendTwice()
    assert.deepEqual(lengths.splice(0), [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440])
    pass(day)
    offendTwice()
    assert.deepEqual(lengths.splice(0), [1440])
    pass(2 * day)
    offendTwice()
    assert.deepEqual(lengths.splice(0), [1280])
    pass(20 * day)
    offendTwice()
    assert.deepEqual(lengths, [10])
  })
})
