import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { onDrop } from '../../lib/index.ts'
import { read } from '../support/docs.ts'
import { rows } from './rows.ts'
import { measure } from './table.ts'

/** Milliseconds of CPU: one, and room for a slow or busy machine. */
const LIMIT = 5

/** The rows of the page: rule, list, input, milliseconds. */
const told = read('docs/worst-inputs.md')
  .split('\n')
  .filter(line => /^\| (?!rule|-).*\| \d+\.\d \|$/.test(line))
  .map(line => line.slice(2, -2).split(' | '))

describe('the worst inputs of docs/worst-inputs.md', () => {
  let unsubscribe: () => void
  before(() => {
    unsubscribe = onDrop(() => {})
  })
  after(() => unsubscribe())

  it('are those that are measured, and the page says of none that it takes more than a millisecond', () => {
    assert.deepEqual(
      told.map(([rule, list]) => [rule, list]),
      rows.map(({ rule, list }) => [rule, list]),
    )
    for (const row of told) assert.ok(Number(row.at(-1)) <= 1, row.join(' | '))
  })

  for (const row of rows) {
    it(`${row.rule}, ${row.list}: a bound`, async () => {
      const { worst, time } = await measure(row)
      assert.ok(time < LIMIT, `${worst}: ${time.toFixed(2)} ms`)
    })
  }
})
