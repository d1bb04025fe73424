import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onDrop, repeatOffender, rule } from '../../lib/index.ts'
import { Networks } from '../../lib/offenders/networks.ts'
import { OffenceCounter } from '../../lib/offenders/offence-counter.ts'
import { makeClock } from '../../lib/offenders/offender-clock.ts'
import type { Offender } from '../../lib/offenders/offender-table.ts'
import { Offenders } from '../../lib/offenders/offenders.ts'
import { Outbox } from '../../lib/offenders/sync/outbox.ts'
import { ownText } from '../../lib/runtime/own-text.ts'
import { Rejects } from '../../lib/stores/redis/limits/recent-rejects.ts'
import { collect, judge } from '../support/judge.ts'

const TIMES = 1_000

/** A text of 16 kB, with this one in it, as a head that was read in one piece. */
const headWith = (text: string) =>
  Buffer.from(`${'x'.repeat(8_000)}${text}${'y'.repeat(8_000 - text.length)}`, 'latin1').toString('latin1')

/** A part of such a head: V8 keeps all of it with the part. */
const partOf = (text: string) => headWith(text).slice(8_000, 8_000 + text.length)

const address = (i: number) => `2001:db8:${(i + 4096).toString(16)}:ffff::`

/** Bytes of heap that each of many calls leaves behind. */
async function bytesEach(keep: (place: number) => unknown): Promise<number> {
  for (let i = 0; i < 20; i++) await keep(TIMES + i)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < TIMES; i++) await keep(i)
  await new Promise(resolve => setTimeout(resolve, 20))
  collect()
  return (process.memoryUsage().heapUsed - before) / TIMES
}

const terms = { limit: 1, window: 60_000, ban: 60_000, maxBan: 60_000, decay: 60_000 }

const offendersOf = () => {
  const networks = new Networks(32, 64)
  const counter = new OffenceCounter(1, 60_000, 10)
  return {
    networks,
    offenders: new Offenders({ terms, networks, counter, maxBans: 10_000, clock: makeClock() }),
  }
}

describe('what is kept holds no head of a request', () => {
  onDrop(() => {})

  it('a ban, by requests of 16 kB', async () => {
    const offenders = repeatOffender({ limit: 1, maxKeys: 10, trustProxy: 'loopback' })
    const said = rule('said', ({ headers }) => String(headers['x-why']).slice(8_000, 8_190), {
      trustProxy: 'loopback',
    })
    const bytes = await bytesEach(async i => {
      const head = {
        'x-why': headWith(`why ${i} ${'z'.repeat(500)}`),
        'x-forwarded-for': `${'x'.repeat(16_000)}, ${address(i)}`,
      }
      for (let times = 0; times < 3; times++) await judge(said, head)
    })
    assert.ok(offenders.list().length >= TIMES, `${offenders.list().length} bans`)
    assert.ok(bytes < 2_500, `${bytes} bytes a ban`)
  })

  it('a ban by hand, or of a store', async () => {
    const offenders = repeatOffender()
    const byHand = await bytesEach(i =>
      offenders.ban(partOf(address(i)), { reason: partOf(`called ${i} times`) }),
    )
    assert.ok(byHand < 2_500, `${byHand} bytes a ban`)
    const { offenders: others } = offendersOf()
    const now = others.now()
    const ofStore = await bytesEach(i =>
      others.adopt({
        address: partOf(address(i)),
        reason: partOf(`called ${i} times ${'z'.repeat(5_000)}`),
        at: now,
        since: now,
        until: now + 60_000,
        level: 1,
        storeAt: now,
      }),
    )
    assert.ok(ofStore < 2_500, `${ofStore} bytes a ban`)
    assert.ok([...others.list()].every(({ reason }) => reason.length <= 200))
  })

  it('what a store has yet to hear', async () => {
    const { networks, offenders } = offendersOf()
    offenders.journal = new Outbox(10_000, () => {})
    const parse = (text: string) => networks.parse(text) as NonNullable<ReturnType<Networks['parse']>>
    const bytes = await bytesEach(i => {
      offenders.offend(parse(partOf(address(i))), partOf(`said ${i} ${'z'.repeat(5_000)}`))
      offenders.forgive(parse(partOf(address(2 * TIMES + i))))
    })
    assert.ok(bytes < 2_000, `${bytes} bytes each`)
  })

  it('what Redis has rejected', async () => {
    const rejects = new Rejects(10_000)
    const bytes = await bytesEach(i =>
      rejects.add(`drop444:${partOf(`{account-${i}-of-somebody}`)}`, 0, 60_000, 0),
    )
    assert.ok(rejects.size >= TIMES)
    assert.ok(bytes < 1_000, `${bytes} bytes a key`)
  })

  it('and is the same text, of whatever letters', () => {
    for (const text of [
      '',
      'short',
      'a text that is longer',
      'é'.repeat(20),
      '🦄'.repeat(9),
      `${'a'.repeat(20)}\ud800`,
    ]) {
      assert.equal(ownText(text), text)
      assert.equal(ownText(text, 15), text.slice(0, 15))
    }
  })
})

describe('what a store has yet to hear, when there is much', () => {
  const offender = (i: number): Offender => ({
    ...{ address: address(i), at: 0, since: 0, until: 1e6, level: 1 },
    ...{ reason: '', storeAt: undefined },
  })
  const kinds = (outbox: Outbox) => {
    const seen: string[] = []
    for (let batch = outbox.take(0); batch.decisions.length > 0; batch = outbox.take(0)) {
      seen.push(...batch.actions.map(({ kind, address: of }) => `${kind} ${of}`))
      outbox.delivered(batch.decisions)
    }
    assert.ok(outbox.isEmpty)
    return seen
  }

  it('logins that succeed push out no ban, and no pardon of somebody who was banned', () => {
    const outbox = new Outbox(100, () => {})
    outbox.onBan(offender(0), false)
    outbox.onPardon(address(1), 'lift', 0, false)
    outbox.onPardon(address(2), 'forgive', 0, true)
    for (let i = 10; i < 1_000; i++) outbox.onPardon(address(i), 'forgive', 0, false)
    const seen = kinds(outbox)
    for (const each of [`ban ${address(0)}`, `lift ${address(1)}`, `forgive ${address(2)}`])
      assert.ok(seen.includes(each), each)
    assert.equal(seen.length, 103)
    assert.ok(seen.includes(`forgive ${address(999)}`) && !seen.includes(`forgive ${address(10)}`))
  })

  it('bans push out no pardon, nor pardons a ban', () => {
    const outbox = new Outbox(100, () => {})
    outbox.onPardon(address(1), 'lift', 0, false)
    for (let i = 10; i < 1_000; i++) outbox.onBan(offender(i), true)
    for (let i = 2_000; i < 2_099; i++) outbox.onPardon(address(i), 'lift', 0, true)
    const seen = kinds(outbox)
    assert.ok(seen.includes(`lift ${address(1)}`) && seen.includes(`ban ${address(999)}`))
    assert.equal(seen.length, 200)
  })

  it('is one decision of each network, the last', () => {
    const outbox = new Outbox(100, () => {})
    outbox.onPardon(address(1), 'forgive', 0, false)
    outbox.onBan(offender(1), true)
    outbox.onBan(offender(2), true)
    outbox.onPardon(address(2), 'lift', 0, true)
    outbox.onPardon(address(3), 'forgive', 0, false)
    outbox.onPardon(address(3), 'lift', 0, false)
    assert.deepEqual(kinds(outbox), [`lift ${address(2)}`, `lift ${address(3)}`, `ban ${address(1)}`])
  })
})
