import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { Calls } from '../../lib/offenders/sync/timed-calls.ts'

describe('calls of the store of offenders', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  const never = () => new Promise<never>(() => {})
  const lose = async (calls: Calls) => {
    const lost = assert.rejects(calls.inTime(never), /no answer within 1000 ms/)
    mock.timers.tick(1_000)
    await lost
  }

  it('wait a while once three were given up', async () => {
    const calls = new Calls()
    for (let i = 0; i < 3; i++) {
      assert.equal(calls.isClogged, false)
      await lose(calls)
    }
    assert.equal(calls.isClogged, true)
  })

  it('wait no longer once one was answered: what a cut connection has lost never comes back', async () => {
    const calls = new Calls()
    for (let i = 0; i < 3; i++) await lose(calls)
    assert.equal(await calls.inTime(async () => 7), 7)
    assert.equal(calls.isClogged, false)
    for (let i = 0; i < 2; i++) await lose(calls)
    assert.equal(calls.isClogged, false)
  })
})
