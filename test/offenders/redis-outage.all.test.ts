import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { OffenderStore } from '../../lib/offenders/offender-store.ts'
import { settle, uncaught } from '../support/events.ts'
import { freePort } from '../support/ports.ts'
import { requireTool } from '../support/tools.ts'
import { Fleet, type Member, within } from './fleet.ts'

/** A restart takes a client a while to notice, and more on a busy machine. */
const PATIENCE = 8_000
const who = '192.0.2.1'
const [second, third] = ['192.0.2.2', '192.0.2.3']

const lift = (each: Member, address: string) => each.lift(address)
const wentDownOnce = ({ states }: Member) => states.length === 1 && states[0] instanceof Error
const cameBackOnce = ({ states }: Member) => states.length === 2 && states[1] === undefined

describe('offenders without their Redis', { skip: requireTool('redis-server'), concurrency: 4 }, () => {
  after(() => assert.deepEqual(uncaught.splice(0), []))

  test('killed and back, empty: each goes on alone, then all know all bans, and what was lifted stays so', async t => {
    const fleet = new Fleet(t)
    const redis = await fleet.start()
    const [a, b] = [await fleet.join(redis.url), await fleet.join(redis.url)]
    a.offend(who, 4)
    a.offend(second, 4)
    await within(PATIENCE, () => b.isBanned(who) && b.isBanned(second))
    redis.signal('SIGKILL')
    await within(PATIENCE, () => wentDownOnce(a) && wentDownOnce(b))
    a.offend(third, 3)
    b.offend(third, 3)
    assert.deepEqual([a.isBanned(third), b.isBanned(third)], [false, false])
    a.offend(third)
    assert.deepEqual([a.isBanned(third), b.isBanned(third), a.isBanned(who)], [true, false, true])
    assert.equal(lift(b, second), true)
    await fleet.start({ port: redis.port })
    await within(PATIENCE, () => cameBackOnce(a) && cameBackOnce(b))
    await within(PATIENCE, () => b.isBanned(third) && !a.isBanned(second))
    const late = await fleet.join(redis.url)
    await within(PATIENCE, () => late.isBanned(who) && late.isBanned(third))
    await settle(1_000)
    for (const each of [a, b, late]) {
      assert.deepEqual(
        [who, second, third].map(address => each.isBanned(address)),
        [true, false, true],
      )
    }
    assert.deepEqual([a.states.length, b.states.length], [2, 2])
  })

  test('where Redis keeps its data, bans survive a kill -9 of everything', async t => {
    const fleet = new Fleet(t)
    const { mkdtemp, rm } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const dir = await mkdtemp(`${tmpdir()}/drop444-aof-`)
    try {
      const args = ['--appendonly', 'yes', '--appendfsync', 'always']
      const redis = await fleet.start({ args, dir })
      const a = await fleet.join(redis.url)
      a.offend(who, 4)
      await a.flush()
      a.sync?.close()
      redis.signal('SIGKILL')
      await settle(200)
      await fleet.start({ args, dir, port: redis.port })
      const b = await fleet.join(redis.url)
      await within(PATIENCE, () => b.isBanned(who))
      assert.equal(b.level(who), 1)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  test('what a restart lost of the last moment is told again, and nothing new is missed', async t => {
    const fleet = new Fleet(t)
    const redis = await fleet.start()
    const [a, b] = [await fleet.join(redis.url), await fleet.join(redis.url)]
    a.offend(who, 4)
    await within(PATIENCE, () => b.isBanned(who))
    // As an append-only file that was written a second ago.
    const seq = redis.cli('GET', 'test:{offenders}:repeatOffender:seq')
    const [last, born] = seq.split(' ')
    redis.cli('SET', 'test:{offenders}:repeatOffender:seq', `${Number(last) - 1_000_000} ${born}`)
    redis.cli('HDEL', 'test:{offenders}:repeatOffender:bans', who)
    redis.cli('ZREM', 'test:{offenders}:repeatOffender:changes', who)
    redis.cli('ZREM', 'test:{offenders}:repeatOffender:ends', who)
    redis.cli('ZREM', 'test:{offenders}:repeatOffender:forgets', who)
    await within(PATIENCE, () => redis.cli('HGET', 'test:{offenders}:repeatOffender:bans', who) !== '')
    b.offend(second, 4)
    await within(PATIENCE, () => a.isBanned(second))
    assert.deepEqual([a.states, b.states], [[], []])
  })

  test('back with an older snapshot, and something new in it: what it lost is told again', async t => {
    const fleet = new Fleet(t)
    const { mkdtemp, rm } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const dir = await mkdtemp(`${tmpdir()}/drop444-rdb-`)
    try {
      const args = ['--save', '3600', '1']
      const redis = await fleet.start({ args, dir })
      const real = await fleet.connect(redis.url)
      let isCutOff = false
      const unlessCutOff = <T>(call: () => Promise<T>) =>
        isCutOff ? Promise.reject(new Error('cut off')) : call()
      const gated: OffenderStore = {
        scope: () => gated,
        write: (...args) => unlessCutOff(() => real.write(...args)),
        read: cursor => unlessCutOff(() => real.read(cursor)),
        probe: () => unlessCutOff(() => real.probe()),
      }
      const a = fleet.add(gated)
      await a.flush()
      a.ban(who)
      await a.flush()
      redis.cli('SAVE')
      a.ban(second)
      await a.flush()
      isCutOff = true
      redis.signal('SIGKILL')
      await within(PATIENCE, () => wentDownOnce(a))
      await fleet.start({ args, dir, port: redis.port })
      const first = await fleet.join(redis.url)
      first.ban(third)
      await first.flush()
      assert.deepEqual(
        [who, second, third].map(each => first.isBanned(each)),
        [true, false, true],
      )
      isCutOff = false
      await within(PATIENCE, () => first.isBanned(second) && a.isBanned(third))
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  test('emptied behind our back, with the first word a write: every ban is told again', async t => {
    const fleet = new Fleet(t)
    const redis = await fleet.start()
    const [a, b] = [await fleet.join(redis.url), await fleet.join(redis.url)]
    a.offend(who, 4)
    await within(PATIENCE, () => b.isBanned(who))
    redis.cli('FLUSHALL')
    b.offend(second, 4)
    const late = await fleet.join(redis.url)
    await within(PATIENCE, () => late.isBanned(who) && late.isBanned(second))
    assert.deepEqual([a.states, b.states], [[], []])
  })

  test('frozen: nobody waits; one word when it goes, one when it is back', async t => {
    const fleet = new Fleet(t)
    const redis = await fleet.start()
    const [a, b] = [await fleet.join(redis.url), await fleet.join(redis.url)]
    redis.signal('SIGSTOP')
    const begun = performance.now()
    a.offend(who, 4)
    assert.ok(a.isBanned(who) && performance.now() - begun < 200)
    await within(PATIENCE, () => wentDownOnce(a) && wentDownOnce(b))
    await settle(1_500)
    redis.signal('SIGCONT')
    await within(PATIENCE, () => cameBackOnce(a) && cameBackOnce(b))
    await within(PATIENCE, () => b.isBanned(who))
    await settle(600)
    assert.deepEqual([a.states.length, b.states.length, a.level(who), b.level(who)], [2, 2, 1, 1])
  })

  for (const [what, begin, end] of [
    ['no memory left', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['a replica that only reads', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
  ] as const) {
    test(`${what}: down once, not with each try`, async t => {
      const fleet = new Fleet(t)
      const redis = await fleet.start()
      const [a, b] = [await fleet.join(redis.url), await fleet.join(redis.url)]
      redis.cli(...begin)
      a.offend(who, 4)
      assert.equal(a.isBanned(who), true)
      await within(PATIENCE, () => wentDownOnce(a))
      await settle(1_500)
      assert.deepEqual([a.states.length, b.isBanned(who)], [1, false])
      redis.cli(...end)
      await within(PATIENCE, () => cameBackOnce(a) && b.isBanned(who))
    })
  }

  test('not there when the process starts: it goes on alone, and joins later', async t => {
    const fleet = new Fleet(t)
    const port = await freePort()
    const sent: string[] = []
    let real: OffenderStore | undefined
    const absent = () => Promise.reject(new Error('not there'))
    const late: OffenderStore = {
      scope: () => late,
      write: (...args) => {
        sent.push('write')
        return real ? real.write(...args) : absent()
      },
      read: cursor => (real ? real.read(cursor) : absent()),
      probe: () => (real ? real.probe() : absent()),
    }
    const a = fleet.add(late)
    await a.flush()
    a.offend(who, 4)
    assert.deepEqual([a.isBanned(who), a.states.length, sent], [true, 1, []])
    const redis = await fleet.start({ port })
    const b = await fleet.join(redis.url)
    real = await fleet.connect(redis.url)
    await within(PATIENCE, () => cameBackOnce(a) && b.isBanned(who))
  })

  test('a store that answers nonsense, never, or by throwing, is one that is down', async t => {
    const fleet = new Fleet(t)
    // The timers of the exchange keep no process alive.
    const alive = setInterval(() => {}, 1_000)
    for (const fail of [
      () => Promise.resolve(undefined as never),
      () => {
        throw new Error('at once')
      },
      () => new Promise<never>(() => {}),
    ]) {
      const broken: OffenderStore = { scope: () => broken, write: fail, read: fail, probe: fail }
      const a = fleet.add(broken)
      a.offend(who, 4)
      await a.flush()
      assert.ok(a.isBanned(who))
      assert.ok(wentDownOnce(a))
      a.sync?.close()
    }
    clearInterval(alive)
  })
})
