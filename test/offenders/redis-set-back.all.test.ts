import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { BanPolicy } from '../../lib/offenders/ban-policy.ts'
import type { OffenderStore } from '../../lib/offenders/offender-store.ts'
import { settle, uncaught } from '../support/events.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import type { TimeShift } from '../support/redis-time.ts'
import { requireTool } from '../support/tools.ts'
import { Fleet, Member, terms, within } from './fleet.ts'

const SECOND = 2_500
const HOUR = 3_600_000
const who = '192.0.2.1'
const other = '192.0.2.2'
/** What a busy machine may take for an answer, in milliseconds. */
const SLACK = 900

let redis: Redis

describe("offenders, where Redis's clock is set back", { skip: requireTool('redis-server') }, () => {
  before(async () => {
    redis = await startRedis()
  })
  afterEach(() => {
    redis.cli('FLUSHALL')
    assert.deepEqual(uncaught.splice(0), [])
  })
  after(() => redis.close())

  async function join(fleet: Fleet, shift: TimeShift, own?: Partial<BanPolicy>): Promise<Member> {
    const member = fleet.add(await fleet.connect(redis.url, undefined, shift), own)
    await member.flush()
    return member
  }

  const left = ({ offenders }: Member, address = who) => {
    const ban = offenders.list().find(each => each.address === address)
    return ban && ban.until - Date.now()
  }
  const assertLeft = (member: Member, atMost: number, address = who) => {
    const ms = left(member, address)
    assert.ok(ms !== undefined && Math.abs(ms - atMost) < SLACK, `${ms} is not ${atMost}`)
  }

  for (const by of [3_000, 61_000, HOUR, 24 * HOUR, 1_000 * 24 * HOUR]) {
    test(`by ${by / 1000} s: no ban is longer, in those who knew it and in those who hear of it`, async t => {
      const fleet = new Fleet(t)
      const shift = { by: 0 }
      const a = await join(fleet, shift)
      // One that began long before, too.
      const store = await fleet.connect(redis.url, undefined, shift)
      const { now } = await store.read(0)
      const old = {
        kind: 'ban',
        address: other,
        at: undefined,
        level: 1,
        reason: 'x',
        isCounted: false,
      } as const
      await store.write([{ ...old, age: 2 * HOUR, duration: 3 * HOUR }], terms, 100, now)
      const begun = Date.now()
      a.ban(who, HOUR)
      await a.flush()
      const b = await join(fleet, shift)
      shift.by -= by
      await Promise.all([a.flush(), b.flush()])
      const late = await join(fleet, shift)
      for (const each of [a, b, late]) {
        for (const address of [who, other]) assertLeft(each, begun + HOUR - Date.now(), address)
      }
      assert.deepEqual([a.states, b.states, late.states], [[], [], []])
      // Decisions go on as ever.
      late.lift(who)
      await late.flush()
      await within(SECOND, () => !a.isBanned(who) && !b.isBanned(who))
      b.ban(who, 2 * HOUR)
      await b.flush()
      await within(SECOND, () => a.isBanned(who) && late.isBanned(who))
      assertLeft(late, 2 * HOUR)
    })

    // The others wait for bans and windows to end.
    if (by !== 3_000 && by !== HOUR) continue

    test(`by ${by / 1000} s: a ban is over in time, and offences after it make the next`, async t => {
      const fleet = new Fleet(t)
      const shift = { by: 0 }
      const own = { ban: 1_500 }
      const [a, b] = [await join(fleet, shift, own), await join(fleet, shift, own)]
      a.offend(who, 4)
      await a.flush()
      const begun = performance.now()
      await within(SECOND, () => b.isBanned(who))
      shift.by -= by
      const late = await join(fleet, shift, own)
      await within(3_000, () => ![a, b, late].some(each => each.isBanned(who)))
      assert.ok(performance.now() - begun < 1_500 + SLACK)
      b.offend(who, 2)
      await b.flush()
      a.offend(who, 2)
      await a.flush()
      await within(SECOND, () => [a, b, late].every(each => each.level(who) === 2))
    })

    test(`by ${by / 1000} s: offences leave the window in time, and count until then`, async t => {
      const fleet = new Fleet(t)
      const shift = { by: 0 }
      const own = { window: 2_000 }
      const [a, b] = [await join(fleet, shift, own), await join(fleet, shift, own)]
      a.offend(who, 3)
      a.offend(other, 3)
      await a.flush()
      shift.by -= by
      await b.flush()
      b.offend(other)
      await within(SECOND, () => a.isBanned(other) && b.isBanned(other))
      await settle(2_100)
      b.offend(who)
      await b.flush()
      await a.flush()
      assert.deepEqual([a.isBanned(who), b.isBanned(who)], [false, false])
    })
  }

  test('where nobody is left who knew the time, a ban is as long as it was at most', async t => {
    const fleet = new Fleet(t)
    const shift = { by: 0 }
    const a = await join(fleet, shift)
    a.ban(other, 5_000)
    a.ban(who, HOUR)
    a.offend('192.0.2.3', 3)
    await a.flush()
    a.sync?.close()
    shift.by -= 24 * HOUR
    const b = await join(fleet, shift)
    const [ms, short] = [left(b) ?? 0, left(b, other) ?? 0]
    assert.ok(Math.abs(ms - HOUR) < SLACK, `${ms}`)
    assert.ok(short < 5_000 + SLACK, `${short}`)
    b.offend('192.0.2.3')
    await b.flush()
    b.ban('192.0.2.3', HOUR)
    await b.flush()
    assertLeft(await join(fleet, shift), HOUR, '192.0.2.3')
  })

  test('back and empty, as another machine may be: bans end when they would have', async t => {
    const fleet = new Fleet(t)
    const shift = { by: 0 }
    const a = await join(fleet, shift)
    a.ban(who, HOUR)
    await a.flush()
    const begun = Date.now()
    redis.cli('FLUSHALL')
    shift.by -= 3 * HOUR
    await within(SECOND, () => redis.cli('HLEN', 'test:{offenders}:repeatOffender:bans') === '1')
    await a.flush()
    const b = await join(fleet, shift)
    assertLeft(a, begun + HOUR - Date.now())
    assertLeft(b, begun + HOUR - Date.now())
  })

  test('again and again, and as it was in the end: no ban is longer, and none comes back', async t => {
    const fleet = new Fleet(t)
    const shift = { by: 0 }
    const [a, b] = [await join(fleet, shift), await join(fleet, shift)]
    a.ban(who, 24 * HOUR)
    await a.flush()
    const begun = Date.now()
    for (let i = 0; i < 3; i++) {
      shift.by -= HOUR
      await Promise.all([a.flush(), b.flush()])
      assertLeft(await join(fleet, shift), begun + 24 * HOUR - Date.now())
    }
    a.lift(who)
    await a.flush()
    shift.by = 0
    await Promise.all([a.flush(), b.flush()])
    assert.deepEqual([a.isBanned(who), b.isBanned(who)], [false, false])
    assert.deepEqual((await join(fleet, shift)).offenders.list(), [])
    assert.deepEqual([a.states, b.states], [[], []])
  })

  test('a store of another make whose clock goes back: a ban is as long as it was at most', async t => {
    const fleet = new Fleet(t)
    let now = Date.now()
    const ban = { address: who, at: now, since: now, until: now + HOUR, level: 1, reason: 'x' }
    const read = async () => ({ now, last: 1, cursor: 1, born: 'x', isLate: false, records: [ban] })
    const store: OffenderStore = { scope: () => store, write: read, read, probe: async () => {} }
    now -= 24 * HOUR
    const a = fleet.add(store)
    await a.flush()
    assertLeft(a, HOUR)
  })

  test('the clock of a process is no matter of the others', async t => {
    const fleet = new Fleet(t)
    const shift = { by: 0 }
    const a = await join(fleet, shift)
    a.ban(who, HOUR)
    await a.flush()
    let mine = Date.now()
    const store = await fleet.connect(redis.url, undefined, shift)
    const b = new Member(store, {}, 1_000, () => mine)
    t.after(() => b.sync?.close())
    await b.flush()
    for (const by of [24 * HOUR, -48 * HOUR]) {
      mine += by
      b.offend(other)
      await b.flush()
      await a.flush()
      assertLeft(a, HOUR)
      assertLeft(await join(fleet, shift), HOUR)
    }
  })
})
