import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryStore as Engine } from 'express-rate-limit'
import {
  fromExpressRateLimit,
  MemoryStore,
  onDrop,
  onStoreChange,
  type Rule,
  rateLimit,
  repeatOffender,
  shedLoad,
} from '../../lib/index.ts'
import type { OffenderNews, OffenderStore } from '../../lib/offenders/offender-store.ts'
import { redisStore } from '../../lib/redis.ts'
import { collectDrops, settle } from '../support/events.ts'
import { collect, judge } from '../support/judge.ts'
import { allowed, pending } from './outage-stub-store.ts'

/** What a store does of which nothing but answers is known. */
const stores: Record<string, () => object> = {
  'no store': () => ({}),
  MemoryStore: () => ({ store: new MemoryStore(1000) }),
  'a store that answers at once': () => ({ store: { hit: () => allowed } }),
  'a store that promises': () => ({ store: { hit: async () => allowed } }),
  'a store that is down': () => ({ store: { hit: () => Promise.reject(new Error('gone')) } }),
  'a store that is down, with a probe': () => ({
    store: { hit: () => Promise.reject(new Error('gone')), probe: () => Promise.reject(new Error('gone')) },
  }),
  'a store that never answers': () => {
    const kept: unknown[] = []
    const never = () => {
      const promise = pending()
      // As a client that waits for a server.
      kept.push(promise)
      return promise
    }
    return { store: { hit: never, probe: never, kept }, timeout: 5 }
  },
  redisStore: () => ({
    store: redisStore({ sendCommand: async (...args) => [Date.now(), ...Array(Number(args[2])).fill(0)] }),
  }),
  'redisStore that is down': () => ({
    store: redisStore({ sendCommand: () => Promise.reject(new Error('gone')) }),
  }),
  fromExpressRateLimit: () => ({ store: fromExpressRateLimit(new Engine(), { limit: 1e6 }) }),
}

const nothing: OffenderNews = { now: Date.now(), last: 0, born: '', records: [] }
const offenderStore: OffenderStore = {
  scope: () => offenderStore,
  write: async () => ({ ...nothing, isLate: false }),
  read: async () => ({ ...nothing, cursor: 0 }),
  probe: async () => {},
}

/** Makes so many, uses each once, lets go of all; how many of them are still there once they could be gone. */
async function remaining(times: number, make: (place: number) => Rule): Promise<number> {
  let left = times
  const gone = new FinalizationRegistry(() => void left--)
  for (let i = 0; i < times; i++) {
    const rule = make(i)
    gone.register(rule, undefined)
    await judge(rule)
    await settle(0)
  }
  for (let tries = 0; left > 1 && tries < 100; tries++) {
    collect()
    await settle(10)
  }
  return left
}

/** That no more than so many MB of array buffers were added, once what is to go is gone. */
async function holdsLittle(before: number): Promise<void> {
  const grown = () => (process.memoryUsage().arrayBuffers - before) / 2 ** 20
  for (let tries = 0; grown() > 15 && tries < 200; tries++) {
    collect()
    await settle(10)
  }
  assert.ok(grown() < 15, `${grown()} MB are left`)
}

const timers = () => process.getActiveResourcesInfo().filter(each => each === 'Timeout').length

describe('a rule that is thrown away', () => {
  const stop = onStoreChange(() => {})
  onDrop(() => {})

  for (const [name, make] of Object.entries(stores)) {
    for (const onStoreError of ['memory', 'drop'] as const) {
      it(`is freed with its memory: rateLimit, ${name}, '${onStoreError}'`, async () => {
        const options = make()
        const before = process.memoryUsage().arrayBuffers
        const other = rateLimit({ rate: '10r/s', onStoreError, ...options })
        // One that stays holds none of the others.
        await judge(other)
        const left = await remaining(30, i =>
          rateLimit({ rate: '10r/s', onStoreError, timeout: 5 + (i % 3), ...options }),
        )
        assert.ok(left <= 1, `${left} of 30 are left`)
        await holdsLittle(before)
        await judge(other)
      })
    }
  }

  for (const [name, options] of [
    ['no store', {}],
    ['a store', { store: offenderStore }],
    [
      'redisStore that is down',
      { store: redisStore({ sendCommand: () => Promise.reject(new Error('gone')) }) },
    ],
  ] as const) {
    it(`is freed with its memory: repeatOffender, ${name}`, async () => {
      const before = process.memoryUsage().arrayBuffers
      const left = await remaining(20, i => {
        const rule = repeatOffender({ name: `made ${i}`, maxKeys: 10_000, ...options })
        rule.ban('192.0.2.7')
        return rule
      })
      assert.ok(left <= 1, `${left} of 20 are left`)
      await holdsLittle(before)
    })
  }

  it('is freed: shedLoad, and its timer', async () => {
    const before = timers()
    const left = await remaining(20, () => shedLoad({ interval: 10 }))
    assert.ok(left <= 1, `${left} of 20 are left`)
    for (let tries = 0; timers() > before + 1 && tries < 100; tries++) await settle(10)
    assert.ok(timers() <= before + 1, `${timers() - before} timers`)
  })

  it('ends the outage of a store that nobody uses any more', async () => {
    const events: string[] = []
    const end = onStoreChange(({ state, store }) => void events.push(`${store} ${state}`))
    const store = {
      hit: () => Promise.reject(new Error('gone')),
      probe: () => Promise.reject(new Error('gone')),
    }
    const left = await remaining(2, () => rateLimit({ name: 'discarded', rate: '1r/s', store }))
    for (let tries = 0; !events.includes('discarded up') && tries < 100; tries++) {
      collect()
      await settle(10)
      await remaining(1, () => rateLimit({ rate: '1r/s' }))
    }
    end()
    assert.deepEqual(
      [left <= 1, events.filter(each => each.startsWith('discarded'))],
      [true, ['discarded down', 'discarded up']],
    )
  })

  it('rules its store no longer, nor before: another one waits by its own timeout', async () => {
    const hit = () => settle(40).then(() => allowed)
    const store = { hit, probe: hit }
    const patient = rateLimit({ rate: '1r/s', burst: 100, store, timeout: 20_000, onStoreError: 'drop' })
    const passes = async () => {
      const events = collectDrops()
      await judge(patient)
      events.stop()
      assert.deepEqual(events.events, [])
    }
    await remaining(3, () => rateLimit({ name: 'hasty', rate: '1r/s', store, timeout: 2 }))
    for (let i = 0; i < 5; i++) await passes()
  })

  it('is no user of its store: hundreds leave no more behind than ten', { timeout: 60_000 }, async () => {
    const store = { hit: () => allowed }
    const used = async (times: number) => {
      await remaining(times, i => rateLimit({ name: `rule ${i}`, rate: '1r/s', store, onStoreError: 'pass' }))
      collect()
      return process.memoryUsage().heapUsed
    }
    const kept = rateLimit({ name: 'kept', rate: '1r/s', store })
    await used(100)
    const before = await used(10)
    const grown = (await used(400)) - before
    await judge(kept)
    assert.ok(grown < 200_000, `${grown} bytes more`)
  })

  it('and nobody listens any longer', stop)
})
