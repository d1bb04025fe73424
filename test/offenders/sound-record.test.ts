import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { onDrop, repeatOffender } from '../../lib/index.ts'
import type { OffenderRecord, OffenderStore } from '../../lib/offenders/offender-store.ts'
import { soundRecord } from '../../lib/offenders/sync/sound-record.ts'
import { judge } from '../support/judge.ts'

const YEAR = 365 * 86_400_000
const odd = [
  1e20,
  1e300,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  -1e20,
  8.64e15 + 1,
  -1,
  0,
]

/** A store that says one thing of one network. */
function storeOf(record: Partial<OffenderRecord>): OffenderStore {
  const now = Date.now()
  const whole = {
    address: '192.0.2.1',
    at: now,
    since: now,
    until: now + 60_000,
    level: 1,
    reason: 'x',
    ...record,
  }
  const news = { now, last: 1, born: 'b', records: [whole] }
  const store: OffenderStore = {
    scope: () => store,
    write: async () => ({ ...news, isLate: false }),
    read: async () => ({ ...news, cursor: 1 }),
    probe: async () => {},
  }
  return store
}

describe('a ban of a store with odd numbers', () => {
  const stop = onDrop(() => {})

  for (const field of ['at', 'since', 'until', 'level'] as const) {
    for (const value of odd) {
      it(`${field} ${value}: list, events and dates go on`, async () => {
        const offenders = repeatOffender({ store: storeOf({ [field]: value }) })
        await offenders.flush()
        for (const { until, since } of offenders.list()) {
          assert.ok(until < Date.now() + 201 * YEAR, new Date(until).toISOString())
          assert.ok(new Date(since).toISOString())
        }
        const details: unknown[] = []
        const end = onDrop(({ detail }) => details.push(detail))
        await judge(offenders, {}, '192.0.2.1')
        end()
        const isBanned = offenders.isBanned('192.0.2.1')
        assert.equal(details.length, isBanned ? 1 : 0)
        // Whoever writes a ban without end means one.
        if (field === 'until' && value > Date.now()) assert.equal(isBanned, true)
        offenders.close()
      })
    }
  }

  it('is bounded whatever it says', () => {
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(...odd))
    fc.assert(
      fc.property(number, number, number, number, (at, since, until, level) => {
        const now = 1_800_000_000_000
        const sound = soundRecord({ address: 'a', at, since, until, level, reason: '' }, now)
        if (!sound) return
        for (const time of [sound.at, sound.since, sound.until]) assert.ok(new Date(time).toISOString())
        assert.ok(sound.until <= now + 201 * YEAR && sound.level <= 100 && sound.level >= 0)
      }),
    )
  })

  it('is refused by hand where it is longer than 100 years', () => {
    const offenders = repeatOffender()
    for (const duration of [1e20, Number.POSITIVE_INFINITY, Number.NaN, -1, 0, '101000d', '1e20'])
      assert.throws(
        () => offenders.ban('192.0.2.1', { duration }),
        { code: 'DROP444_INVALID_OPTION' },
        String(duration),
      )
    assert.deepEqual(offenders.list(), [])
    offenders.ban('192.0.2.1', { duration: '36525d' })
    assert.equal(offenders.list().length, 1)
  })

  it('and nobody listens any longer', stop)
})
