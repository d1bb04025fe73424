import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseAddress } from '../../lib/match/addresses/address.ts'
import { Networks } from '../../lib/offenders/networks.ts'
import { type Offender, OffenderTable } from '../../lib/offenders/offender-table.ts'

const addressOf = (text: string) => parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>
const offender = (address: string, until: number): Offender => ({
  address,
  at: 0,
  since: 0,
  until,
  level: 1,
  reason: 'x',
  storeAt: undefined,
})

const textOf = (key: number) => (key % 2 ? `192.0.2.${key}` : `2001:db8:0:${key}::1`)

/** A map, searched from end to end. */
class Model {
  readonly untils = new Map<string, number>()
  readonly max: number

  constructor(max: number) {
    this.max = max
  }

  set(text: string, until: number): void {
    if (!this.untils.has(text) && this.untils.size === this.max) {
      const [first = ''] = [...this.untils].sort((a, b) => a[1] - b[1])[0] ?? []
      this.untils.delete(first)
    }
    this.untils.set(text, until)
  }
}

const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b)

describe('OffenderTable', () => {
  test('is a map that makes room by the first to end', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 30 }),
      until: fc.integer({ min: 0, max: 1_000_000 }),
      deletes: fc.boolean(),
    })
    // No two end together: which of them goes is anybody's guess.
    const steps = fc.uniqueArray(step, { selector: ({ until }) => until, maxLength: 200 })
    const run = fc.property(fc.integer({ min: 1, max: 20 }), steps, (max, all) => {
      const table = new OffenderTable(new Networks(32, 64), max)
      const model = new Model(max)
      for (const { key, until, deletes } of all) {
        if (deletes) {
          table.delete(addressOf(textOf(key)))
          model.untils.delete(textOf(key))
        } else {
          table.set(addressOf(textOf(key)), offender(textOf(key), until))
          model.set(textOf(key), until)
        }
        assert.equal(table.size, model.untils.size)
      }
      for (let key = 0; key <= 30; key++)
        assert.equal(table.find(addressOf(textOf(key)))?.until, model.untils.get(textOf(key)))
      assert.deepEqual(sorted([...table].map(({ until }) => until)), sorted(model.untils.values()))
    })
    fc.assert(run, { numRuns: 300 })
  })

  test('an address is its network', () => {
    const table = new OffenderTable(new Networks(24, 48), 10)
    table.set(addressOf('192.0.2.77'), offender('a', 5))
    table.set(addressOf('2001:db8:1:2::3'), offender('b', 5))
    const found = (text: string) => table.find(addressOf(text))?.address
    assert.deepEqual(
      ['192.0.2.1', '192.0.3.1', '2001:db8:1:ffff::', '2001:db8:2::', '::ffff:192.0.2.9'].map(found),
      ['a', undefined, 'b', undefined, 'a'],
    )
  })

  test('sweeping takes from the first to end as long as nothing is left of them', () => {
    const table = new OffenderTable(new Networks(32, 64), 10)
    for (const [i, until] of [30, 10, 20].entries())
      table.set(addressOf(`192.0.2.${i}`), offender('x', until))
    table.sweep(({ until }) => until <= 20)
    assert.deepEqual(
      [...table].map(({ until }) => until),
      [30],
    )
  })
})

describe('Networks', () => {
  const networks = new Networks(32, 64)

  test('names a network by its first address, and an address by itself', () => {
    assert.equal(networks.text(addressOf('192.0.2.1')), '192.0.2.1')
    assert.equal(networks.text(addressOf('2001:db8:0:1:2:3:4:5')), '2001:db8:0:1::/64')
    assert.equal(new Networks(24, 128).text(addressOf('192.0.2.77')), '192.0.2.0/24')
    assert.equal(new Networks(24, 128).text(addressOf('2001:db8::1')), '2001:db8::1')
  })

  test('reads what lies within one network, and nothing else', () => {
    const read = (text: string) => networks.parse(text)?.text
    assert.equal(read('192.0.2.1'), '192.0.2.1')
    assert.equal(read(' 192.0.2.1/32 '), '192.0.2.1')
    assert.equal(read('::ffff:192.0.2.1/128'), '192.0.2.1')
    assert.equal(read('2001:db8::/64'), '2001:db8::')
    for (const text of [
      '192.0.2.0/24',
      '2001:db8::/63',
      '192.0.2.1/33',
      '2001:db8::/129',
      'x',
      '',
      '/32',
      'fe80::1%eth0',
    ])
      assert.equal(read(text), undefined, text)
  })

  test('what is its text reads as itself', () => {
    const words = fc.array(fc.nat(0xffffffff), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(
        words,
        fc.boolean(),
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 1, max: 128 }),
        (all, isV4, v4, v6) => {
          const own = new Networks(v4, v6)
          const text = isV4
            ? `${all.map(word => word & 255).join('.')}`
            : all.map(word => `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`).join(':')
          const address = addressOf(text)
          const again = own.parse(own.text(address))
          assert.ok(again, own.text(address))
          const [a, b] = [new Int32Array(4), new Int32Array(4)]
          own.mask(address, a)
          own.mask(again, b)
          assert.deepEqual(a, b)
        },
      ),
    )
  })
})
