import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import type { OffenderChanges, OffenderStore, WriteNews } from '../../lib/offenders/offender-store.ts'
import { Member } from './fleet.ts'

const news: OffenderChanges = { now: 0, last: 0, born: 'once', records: [], cursor: 0 }
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>(resolve => process.nextTick(resolve))
}
const never = () => new Promise<never>(() => {})

describe('the exchange of offenders, in an outage', () => {
  let time: number
  let reads: number[]
  let read: () => Promise<OffenderChanges>
  let write: () => Promise<WriteNews>
  let probes: number
  let member: Member
  beforeEach(async () => {
    time = 0
    reads = []
    probes = 0
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'setInterval'] })
    mock.method(performance, 'now', () => time)
    const store: OffenderStore = {
      scope: () => store,
      write: () => write(),
      read: () => {
        reads.push(time)
        return read()
      },
      probe: async () => void probes++,
    }
    write = never
    read = async () => news
    member = new Member(store)
    await turns()
  })
  afterEach(() => {
    member.sync?.close()
    mock.restoreAll()
    mock.timers.reset()
  })

  /** Lets the time go on; what promises say is heard in between. */
  async function wait(ms: number, step = 50): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      time += step
      mock.timers.tick(step)
      await turns()
    }
  }

  it('asks every 400 ms, and ever more rarely while the store is down: every 2 s at last', async () => {
    await wait(1_000)
    assert.deepEqual(reads, [0, 400, 800])
    read = () => Promise.reject(new Error('gone'))
    reads = []
    await wait(20_000)
    assert.deepEqual(member.states.map(String), ['Error: gone'])
    const pauses = reads.map((at, i) => at - (reads[i - 1] ?? at))
    assert.ok(reads.length < 16, `${reads.length} reads`)
    for (const pause of pauses.slice(-4))
      assert.ok(pause >= 2_000 && pause <= 2_400, `a pause of ${pause} ms`)
    read = async () => news
    await wait(2_500)
    assert.equal(probes, 1)
    assert.deepEqual(member.states.length, 2)
  })

  it('gives up what takes longer than a second, and says so', async () => {
    await wait(100)
    read = never
    await wait(2_000)
    assert.deepEqual(member.states.map(String), ['Error: the store did not answer within 1000 ms'])
  })

  it('leaves no more than ten calls of an outage with a client that does not answer, then one a minute', async () => {
    const answers: ((given: OffenderChanges) => void)[] = []
    await wait(100)
    read = () => new Promise(resolve => answers.push(resolve))
    await wait(60_000)
    // One more began the outage.
    assert.equal(answers.length, 11)
    await wait(60_000)
    assert.equal(answers.length, 12)
    for (const answer of answers.splice(0)) answer(news)
    for (let ms = 0; ms < 3_500 && answers.length === 0; ms += 50) await wait(50)
    assert.equal(answers.length, 1)
    answers[0]?.(news)
    await wait(100)
    assert.equal(member.states.length, 2)
  })

  it('does not believe an answer that is late', async () => {
    const answers: ((given: OffenderChanges) => void)[] = []
    await wait(100)
    read = () => new Promise(resolve => answers.push(resolve))
    await wait(1_600)
    const record = { address: '192.0.2.1', at: 0, since: 0, until: 1e6, level: 1, reason: 'late' }
    for (const answer of answers.splice(0)) answer({ ...news, last: 1, cursor: 1, records: [record] })
    await wait(50)
    assert.equal(member.states.length, 1)
    assert.equal(member.isBanned('192.0.2.1'), false)
  })

  it('does not wait for what a client has lost in an outage that is over', async () => {
    for (let i = 0; i < 12; i++) {
      await wait(11_000)
      assert.equal(member.states.length, 2 * i, `outage ${i}`)
      read = never
      // The call that begins the outage, and one that tries.
      await wait(3_000)
      assert.equal(member.states.length, 2 * i + 1)
      read = async () => news
      await wait(3_000)
    }
  })
  it('tries again after an outage that began while flush() was reading', async () => {
    await wait(100)
    read = () => new Promise(resolve => setTimeout(resolve, 700, news))
    const flushed = member.flush()
    await wait(50)
    write = () => Promise.reject(new Error('read only'))
    member.ban('192.0.2.1')
    await wait(800)
    await flushed
    assert.deepEqual(member.states.map(String), ['Error: read only'])
    read = async () => news
    write = async () => ({ ...news, isLate: false })
    await wait(3_000)
    assert.equal(member.states.length, 2)
  })
})
