import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { OffenderAction, OffenderStore } from '../../lib/offenders/offender-store.ts'
import { settle, uncaught } from '../support/events.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { requireTool } from '../support/tools.ts'
import { addressOf, Fleet, Member, terms, within } from './fleet.ts'

/** What the documentation promises, and what a busy machine of two cores needs on top. */
const SECOND = 1_000 + 1_500
const who = '192.0.2.1'

/** Writes at the time that it is in Redis. */
async function tell(store: OffenderStore, action: OffenderAction, own = terms) {
  const { now } = await store.read(0)
  return store.write([action], own, 100, now)
}

let redis: Redis
async function flushAll(all: readonly Member[]): Promise<void> {
  for (const each of all) await each.flush()
}

describe('offenders in Redis', { skip: requireTool('redis-server') }, () => {
  before(async () => {
    redis = await startRedis()
  })
  afterEach(() => {
    redis.cli('FLUSHALL')
    assert.deepEqual(uncaught.splice(0), [])
  })
  after(() => redis.close())

  test('offences of several processes add up: one beyond the limit bans in all of them, within a second', async t => {
    const fleet = new Fleet(t)
    const all = await fleet.joinAll(4, redis.url)
    for (const each of all.slice(0, 3)) each.offend(who)
    await Promise.all(all.map(each => each.flush()))
    await settle(500)
    assert.deepEqual(
      all.map(each => each.isBanned(who)),
      [false, false, false, false],
    )
    all[3]?.offend(who)
    await within(SECOND, () => all.every(each => each.isBanned(who)))
    assert.deepEqual(
      all.map(each => each.level(who)),
      [1, 1, 1, 1],
    )
  })

  test('offences that left the window do not count', async t => {
    const fleet = new Fleet(t)
    const [a, b] = (await fleet.joinAll(2, redis.url, { window: 300 })) as [Member, Member]
    a.offend(who, 3)
    await a.flush()
    await settle(400)
    b.offend(who)
    await b.flush()
    assert.deepEqual([a.isBanned(who), b.isBanned(who)], [false, false])
    b.offend(who, 3)
    assert.equal(b.isBanned(who), true)
  })

  test('a lift takes effect everywhere within a second, and stays; the next ban is the first again', async t => {
    const fleet = new Fleet(t)
    const [a, b, c] = (await fleet.joinAll(3, redis.url)) as [Member, Member, Member]
    a.offend(who, 4)
    assert.equal(a.isBanned(who), true)
    await within(SECOND, () => b.isBanned(who) && c.isBanned(who))
    assert.equal(b.lift(who), true)
    assert.equal(b.isBanned(who), false)
    await within(SECOND, () => !a.isBanned(who) && !c.isBanned(who))
    await settle(1_000)
    await Promise.all([a, b, c].map(each => each.flush()))
    assert.deepEqual([a.isBanned(who), b.isBanned(who), c.isBanned(who)], [false, false, false])
    c.offend(who, 3)
    await c.flush()
    assert.equal(c.isBanned(who), false)
    b.offend(who)
    await within(SECOND, () => a.level(who) === 1 && b.level(who) === 1 && c.level(who) === 1)
  })

  test('forgiveness takes the offences off everywhere, and leaves a ban that is in force', async t => {
    const fleet = new Fleet(t)
    const [a, b] = (await fleet.joinAll(2, redis.url)) as [Member, Member]
    a.offend(who, 3)
    await a.flush()
    b.forgive(who)
    await b.flush()
    await a.flush()
    a.offend(who, 3)
    await a.flush()
    assert.equal(a.isBanned(who), false)
    b.offend(who)
    await within(SECOND, () => a.isBanned(who) && b.isBanned(who))
    const since = b.offenders.list()[0]?.since as number
    a.forgive(who)
    await within(SECOND, () => b.level(who) === 0)
    await settle(500)
    assert.deepEqual([a.isBanned(who), b.isBanned(who)], [true, true])
    assert.ok(Math.abs((b.offenders.list()[0]?.since as number) - since) < 500)
  })

  test('bans by hand, of IPv6 networks too, are listed everywhere with their end and reason', async t => {
    const fleet = new Fleet(t)
    const [a, b] = (await fleet.joinAll(2, redis.url)) as [Member, Member]
    const network = { family: 6, words: [0x20010db8, 1, 5, 5], text: '2001:db8:0:1:0:5:0:5' } as const
    a.offenders.ban(network, 'said "no" twice\nto us', 7_200_000)
    await within(SECOND, () => b.offenders.list().length === 1)
    const [ours, theirs] = [a.offenders.list()[0], b.offenders.list()[0]]
    assert.equal(theirs?.address, '2001:db8:0:1::/64')
    assert.equal(theirs?.reason, 'said "no" twice\nto us')
    assert.ok(Math.abs((theirs?.until as number) - (ours?.until as number)) < 500)
  })

  test('bans survive the processes, and grow from where they were', async t => {
    const fleet = new Fleet(t)
    const a = await fleet.join(redis.url, { ban: 100 })
    a.offend(who, 4)
    await a.flush()
    await within(SECOND, () => !a.isBanned(who))
    a.sync?.close()
    const b = await fleet.join(redis.url, { ban: 100 })
    assert.equal(b.isBanned(who), false)
    b.offend(who, 4)
    assert.equal(b.level(who), 2)
    await b.flush()
    const c = await fleet.join(redis.url, { ban: 100 })
    const ban = c.offenders.list()[0] ?? b.offenders.list()[0]
    assert.equal(ban?.level, 2)
    assert.equal((ban?.until as number) - (ban?.since as number), 200)
  })

  test('levels decay by the clock of Redis', async t => {
    const fleet = new Fleet(t)
    const store = (await fleet.connect(redis.url)).scope('decay')
    const ban = (age: number) => ({
      kind: 'ban' as const,
      address: who,
      age,
      at: undefined,
      duration: 1_000,
      level: 3,
      reason: 'x',
      isCounted: false,
    })
    const own = { ...terms, ban: 1_000, decay: 10_000 }
    const offence = { kind: 'offend', address: who, times: 4, reason: 'x' } as const
    for (const [age, level] of [
      [500, undefined],
      [5_000, 4],
      [10_500, 4],
      [11_500, 3],
      [21_500, 2],
      [35_000, 1],
    ] as const) {
      await tell(store, { kind: 'lift', address: who, age: 1_000_000 }, own)
      redis.cli('FLUSHALL')
      await tell(store, ban(age), own)
      const { now } = await store.read(0)
      const { records } = await store.write([offence], own, 100, now)
      // Of who is banned the store only says so.
      assert.equal(records[0]?.level, level ?? 3, String(age))
      const { until = 0, since = 0 } = records[0] ?? {}
      if (level !== undefined) assert.equal(until - since, 1_000 * 2 ** (level - 1))
    }
  })

  test('of two decisions the later one holds, in whatever order they arrive', async t => {
    const fleet = new Fleet(t)
    const store = (await fleet.connect(redis.url)).scope('order')
    const ban = {
      kind: 'ban',
      address: who,
      at: undefined,
      duration: 600_000,
      level: 1,
      reason: 'x',
    } as const
    const read = async () => {
      const { records, now } = await store.read(0)
      return records.map(({ until }) => until > now)
    }
    await tell(store, { kind: 'lift', address: who, age: 1_000 })
    await tell(store, { ...ban, age: 5_000, isCounted: true })
    await tell(store, { ...ban, age: 5_000, isCounted: false })
    assert.deepEqual(await read(), [false])
    await tell(store, { ...ban, age: 500, isCounted: true })
    assert.deepEqual(await read(), [true])
    await tell(store, { kind: 'lift', address: who, age: 800 })
    assert.deepEqual(await read(), [true])
    await tell(store, { kind: 'lift', address: who, age: 100 })
    assert.deepEqual(await read(), [false])
  })

  test('a counted ban does not replace one that was in force; one by hand does', async t => {
    const fleet = new Fleet(t)
    const store = (await fleet.connect(redis.url)).scope('force')
    const ban = { kind: 'ban', address: who, at: undefined, level: 1, reason: 'x' } as const
    const left = async () => {
      const { records, now } = await store.read(0)
      return Math.round(((records[0]?.until ?? 0) - now) / 60_000)
    }
    await tell(store, { ...ban, age: 1_000, duration: 3_600_000, isCounted: false })
    await tell(store, { ...ban, age: 100, duration: 600_000, isCounted: true })
    assert.equal(await left(), 60)
    await tell(store, { ...ban, age: 50, duration: 600_000, isCounted: false })
    assert.equal(await left(), 10)
  })

  test('what arrives seconds late is not done', async t => {
    const fleet = new Fleet(t)
    const store = (await fleet.connect(redis.url)).scope('late')
    const { now } = await store.read(0)
    const offence = { kind: 'offend', address: who, times: 4, reason: 'x' } as const
    const late = await store.write([offence, { kind: 'lift', address: who, age: 0 }], terms, 100, now - 6_000)
    assert.deepEqual([late.isLate, late.records, (await store.read(0)).records], [true, [], []])
    assert.equal((await store.write([offence], terms, 100, now)).records.length, 1)
  })

  test('every key is in one slot, and goes by itself', async t => {
    const fleet = new Fleet(t)
    const a = await fleet.join(redis.url, { ban: 2_000, maxBan: 2_000, decay: 2_000, window: 2_000 })
    a.offend(who, 4)
    a.offend('192.0.2.2', 2)
    await a.flush()
    const keys = redis.cli('KEYS', '*').split('\n')
    assert.equal(keys.length, 6)
    for (const key of keys) {
      assert.match(key, /^test:\{offenders\}:repeatOffender:/)
      const life = Number(redis.cli('PTTL', key))
      assert.ok(life > 0 && life < 70_000, `${key} ${life}`)
    }
    const offences = () => redis.cli('KEYS', '*:of:*')
    assert.notEqual(offences(), '')
    for (let tries = 0; offences() !== '' && tries < 200; tries++) await settle(50)
    assert.equal(offences(), '')
  })

  test('Redis keeps maxBans, and forgets those that end first', async t => {
    const fleet = new Fleet(t)
    const a = await fleet.join(redis.url, {}, 10)
    for (let i = 0; i < 30; i++) {
      a.offenders.ban({ family: 4, words: [i], text: `0.0.0.${i}` }, 'x', 60_000 * (i + 1))
      await a.flush()
    }
    assert.equal(redis.cli('ZCARD', 'test:{offenders}:repeatOffender:ends'), '10')
    assert.equal(redis.cli('HLEN', 'test:{offenders}:repeatOffender:bans'), '10')
    const b = await fleet.join(redis.url, {}, 10)
    assert.deepEqual(
      b.offenders.list().map(({ address }) => address),
      Array.from({ length: 10 }, (_, i) => `0.0.0.${i + 20}`),
    )
  })

  test('more than a page of bans is read whole', async t => {
    const fleet = new Fleet(t)
    const a = await fleet.join(redis.url, {}, 5_000)
    for (let i = 0; i < 1_234; i++)
      a.offenders.ban({ family: 4, words: [i], text: `0.0.${i >> 8}.${i & 255}` }, 'x')
    await a.flush()
    const b = await fleet.join(redis.url, {}, 5_000)
    assert.equal(b.offenders.list().length, 1_234)
  })

  test('a script that Redis forgot is sent again', async t => {
    const fleet = new Fleet(t)
    const [a, b] = (await fleet.joinAll(2, redis.url)) as [Member, Member]
    redis.cli('SCRIPT', 'FLUSH')
    a.offend(who, 4)
    await within(SECOND, () => b.isBanned(who))
    assert.deepEqual([...a.states, ...b.states], [])
  })

  test('a decision on the heels of another, within the same millisecond, is the last word', async t => {
    const fleet = new Fleet(t)
    const [a, b] = (await fleet.joinAll(2, redis.url)) as [Member, Member]
    const seen = new Set<string>()
    for (let i = 0; i < 60; i++) {
      const address = `192.0.2.${i}`
      a.ban(address)
      await a.flush()
      a.lift(address)
      await a.flush()
      const lifted = a.isBanned(address)
      a.ban(address)
      await a.flush()
      const banned = a.isBanned(address)
      await b.flush()
      b.lift(address)
      await b.flush()
      await a.flush()
      seen.add([lifted, banned, b.isBanned(address), a.isBanned(address)].join())
    }
    assert.deepEqual([...seen], ['false,true,false,false'])
  })

  test('a decision while an older one is under way is the last word', async t => {
    const fleet = new Fleet(t)
    const store = await fleet.connect(redis.url)
    const slow: OffenderStore = {
      ...store,
      write: async (...args) => {
        await settle(20)
        const news = await store.write(...args)
        await settle(20)
        return news
      },
    }
    const [a, b] = [fleet.add(slow), await fleet.join(redis.url)]
    await a.flush()
    for (const wait of [0, 10, 30]) {
      const decide = async (act: () => unknown) => {
        act()
        await settle(wait)
      }
      await decide(() => a.ban(who))
      assert.equal(a.lift(who), true)
      await flushAll([a, b])
      assert.deepEqual([a.isBanned(who), b.isBanned(who)], [false, false], `lift after ${wait} ms`)
      await decide(() => a.lift(who))
      a.ban(who)
      await flushAll([a, b])
      assert.deepEqual([a.isBanned(who), b.isBanned(who)], [true, true], `ban after ${wait} ms`)
      await decide(() => a.ban(who, 3_600_000))
      a.forgive(who)
      await flushAll([a, b])
      assert.deepEqual([a.level(who), b.level(who)], [0, 0], `forgiveness after ${wait} ms`)
    }
  })

  test('a run of the server that may not be asked for is done without', async t => {
    const fleet = new Fleet(t)
    const own = await fleet.start()
    own.cli('ACL', 'SETUSER', 'default', '-info')
    const [a, b] = (await fleet.joinAll(2, own.url)) as [Member, Member]
    a.ban(who)
    await within(SECOND, () => b.isBanned(who))
    assert.deepEqual([a.states, b.states], [[], []])
  })

  test('where maxBans are kept, those who were banned make room, and strangers who were lifted', async t => {
    const fleet = new Fleet(t)
    const a = await fleet.join(redis.url, {}, 3)
    for (let round = 0; round < 3; round++) {
      for (const last of [1, 2, 3]) a.ban(`192.0.2.${last}`, 20)
      await a.flush()
      await settle(40)
    }
    // Forgotten in three days, while this one is in a day and an hour.
    a.ban('198.51.100.1', 3_600_000)
    await a.flush()
    for (let i = 0; i < 5; i++) a.lift(`203.0.113.${i}`)
    await a.flush()
    const b = await fleet.join(redis.url, {}, 3)
    assert.deepEqual([a.isBanned('198.51.100.1'), b.isBanned('198.51.100.1')], [true, true])
    assert.equal(redis.cli('HLEN', 'test:{offenders}:repeatOffender:bans'), '3')
  })

  test('any order of offences, bans and pardons, by whichever process: the same as in one', async t => {
    const fleet = new Fleet(t)
    const all = await fleet.joinAll(3, redis.url)
    const addresses = [who, '192.0.2.2', '2001:db8::1']
    const act = fc.record({
      by: fc.integer({ min: 0, max: 2 }),
      on: fc.constantFrom(...addresses),
      what: fc.constantFrom('offend', 'offend', 'offend', 'offend', 'lift', 'forgive', 'ban', 'blip'),
    })
    const told = ({ offenders }: Member) =>
      addresses.map(address => offenders.banned(addressOf(address))?.level ?? 'free')
    const run = fc.asyncProperty(fc.array(act, { minLength: 30, maxLength: 60 }), async acts => {
      const alone = new Member(undefined)
      for (const address of addresses) all[0]?.lift(address)
      await flushAll(all)
      for (const { by, on, what } of acts) {
        const one = all[by] as Member
        for (const each of [one, alone]) {
          if (what === 'blip') each.ban(on, 1)
          else each[what](on)
        }
        // Others know when it ends as exactly as they know the clock of Redis: by the time that an answer takes.
        await settle(what === 'blip' ? 60 : 4)
        await flushAll([one, ...all])
        assert.deepEqual(all.map(told), Array(3).fill(told(alone)))
      }
    })
    await fc.assert(run, { numRuns: 4 })
  })

  test('rules of other names, and prefixes, know nothing of one another', async t => {
    const fleet = new Fleet(t)
    const other = async (store: OffenderStore) => {
      const made = fleet.add(store)
      await made.flush()
      return made
    }
    const a = await fleet.join(redis.url)
    const named = await other((await fleet.connect(redis.url)).scope('other'))
    const prefixed = await other(await fleet.connect(redis.url, 'another:'))
    a.offend(who, 4)
    await a.flush()
    await Promise.all([named.flush(), prefixed.flush()])
    assert.deepEqual([a.isBanned(who), named.isBanned(who), prefixed.isBanned(who)], [true, false, false])
  })

  test('a tick makes one call, and nobody offending none but the polls', async t => {
    const fleet = new Fleet(t)
    const store = await fleet.connect(redis.url)
    let writes = 0
    const counting: OffenderStore = {
      ...store,
      write: (...args) => {
        writes++
        return store.write(...args)
      },
    }
    const a = fleet.add(counting)
    await a.flush()
    for (let i = 0; i < 100; i++) a.offend(`192.0.2.${i}`, 2)
    await a.flush()
    assert.equal(writes, 1)
    await settle(600)
    assert.equal(writes, 1)
  })
})

describe('offenders in a Redis Cluster', { skip: requireTool('redis-server') }, () => {
  test('every call is of one slot', async t => {
    const fleet = new Fleet(t)
    const cluster = await fleet.start({ args: ['--cluster-enabled', 'yes'] })
    cluster.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    for (let i = 0; i < 100 && !/cluster_state:ok/.test(cluster.cli('CLUSTER', 'INFO')); i++) await settle(50)
    const a = await fleet.join(cluster.url)
    a.offend(who, 4)
    a.offend('2001:db8::1', 2)
    await a.flush()
    const b = await fleet.join(cluster.url)
    assert.deepEqual([b.isBanned(who), a.states, b.states], [true, [], []])
  })
})
