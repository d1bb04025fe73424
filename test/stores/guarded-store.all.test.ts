import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { onStoreChange, type StoreEvent, storeDown, storeUp } from '../../lib/events/store-outages.ts'
import type { GuardOptions } from '../../lib/stores/guarded/guard-options.ts'
import { GuardedStore } from '../../lib/stores/guarded/guarded-store.ts'
import { MemoryStore } from '../../lib/stores/memory-store.ts'
import type { RateLimitStore } from '../../lib/stores/rate-limit-store.ts'
import { settle, uncaught } from '../support/events.ts'
import { allowed, bucketOf, pending, rejected, StubStore } from './outage-stub-store.ts'

/** One a second, and five more at once. */
const bucket = bucketOf(1, 5)
const now = () => performance.now()

/** A rule that is thrown away while its store is down is an event: here none is. */
const kept: unknown[] = []
const guardStore = (...args: ConstructorParameters<typeof GuardedStore>) => {
  const guard = new GuardedStore(...args)
  kept.push(guard)
  return guard
}

let events: StoreEvent[]
let stop: () => void
beforeEach(() => {
  events = []
  stop = onStoreChange(event => events.push(event))
})
afterEach(() => {
  stop()
  assert.deepEqual(uncaught.splice(0), [])
})
const states = () => events.map(({ state }) => state)

/** Asks so many times at once; the decisions, and how long the last one took. */
async function ask(store: RateLimitStore, options: GuardOptions = {}, times = 1) {
  const guarded = guardStore(store, options)
  return askGuarded(guarded, times)
}

async function askGuarded(guarded: ReturnType<typeof guardStore>, times = 1) {
  const started = now()
  const decisions = await Promise.all(Array.from({ length: times }, () => guarded.hit('key', bucket, now())))
  return { decisions, passed: decisions.filter(each => each.allowed).length, ms: now() - started }
}

describe('guarded store: as long as the store works', () => {
  it('leaves a synchronous decision as it is', () => {
    const decision = { allowed: false, delay: 0, retryAfter: 12 }
    const seen: unknown[] = []
    const store = {
      hit: (...args: unknown[]) => {
        seen.push(args)
        return decision
      },
    }
    assert.equal(guardStore(store).hit('key', bucket, 7, 3), decision)
    assert.deepEqual(seen, [['key', bucket, 7, 3]])
  })

  it('hands on what the store promises, of any thenable', async () => {
    const decision = { allowed: true, delay: 5, retryAfter: 0 }
    assert.equal(await guardStore({ hit: async () => decision }).hit('key', bucket, 0), decision)
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise, and settles twice
      then(resolve: (value: typeof decision) => void, reject: (error: Error) => void) {
        resolve(decision)
        reject(new Error('twice'))
      },
    } as PromiseLike<typeof decision>
    assert.equal(await guardStore({ hit: () => thenable }).hit('key', bucket, 0), decision)
    assert.deepEqual(states(), [])
  })

  it('asks on, however often the store rejects requests', async () => {
    const store = new StubStore(async () => rejected)
    assert.equal((await ask(store, {}, 20)).passed, 0)
    assert.equal(store.asked, 20)
  })

  it('calls it an error of the store, and no outage, where it returns no decision', async () => {
    for (const value of [undefined, null, 1, {}, { allowed: 1 }]) {
      const guarded = guardStore({ hit: () => value as never })
      const message = { name: 'TypeError', message: 'rateLimit: the store must return a decision' }
      assert.throws(() => guarded.hit('key', bucket, 0), message)
      const promising = guardStore({ hit: async () => value as never })
      await assert.rejects(async () => promising.hit('key', bucket, 0), message)
    }
    assert.deepEqual(states(), [])
  })

  it('runs one timer for all that waits, and none while nothing does', async () => {
    const timers = () => process.getActiveResourcesInfo().filter(each => each === 'Timeout').length
    const before = timers()
    const answers: (() => void)[] = []
    const store = { hit: () => new Promise<typeof allowed>(resolve => answers.push(() => resolve(allowed))) }
    const guarded = guardStore(store, { timeout: 60_000 })
    const all = Array.from({ length: 100 }, () => guarded.hit('key', bucket, 0))
    assert.equal(timers(), before + 1)
    for (const answer of answers) answer()
    await Promise.all(all)
    assert.equal(timers(), before)
  })
})

describe('guarded store: a store that fails', () => {
  it('is waited for no longer than the timeout, and not at all after that', async () => {
    const store = new StubStore(pending)
    const guarded = guardStore(store, { timeout: 200 })
    const first = await askGuarded(guarded, 3)
    assert.ok(first.ms > 150 && first.ms < 600, `${first.ms} ms`)
    assert.equal(store.asked, 3)
    assert.equal((guarded.hit('key', bucket, now()) as { allowed: boolean }).allowed, true)
    assert.equal(store.asked, 3)
  })

  it('has 50 ms, or what the store says, or the rule', async () => {
    for (const [ofStore, ofRule, from, to] of [
      [undefined, undefined, 40, 450],
      [600, undefined, 500, 1100],
      [60_000, 20, 10, 400],
    ] as const) {
      const store = Object.assign(new StubStore(pending), { timeout: ofStore })
      const { ms } = await ask(store, { timeout: ofRule })
      assert.ok(ms > from && ms < to, `${ms} ms, not from ${from} to ${to}`)
    }
  })

  it('has nobody wait any longer once it is known', async () => {
    let calls = 0
    const store = new StubStore(() => (++calls === 10 ? Promise.reject(new Error('gone')) : pending()))
    const { ms, passed } = await ask(store, { timeout: 60_000 }, 10)
    assert.ok(ms < 1000, `${ms} ms`)
    assert.equal(passed, 6)
    assert.deepEqual(states(), ['down'])
  })

  for (const [how, fail] of [
    ['throws', (): never => assert.fail('gone')],
    ['rejects', () => Promise.reject(new Error('gone'))],
    ['does not answer', pending],
  ] as const) {
    describe(`that ${how}`, () => {
      it('is replaced by memory, which counted what was let through before', async () => {
        const store = new StubStore(async () => allowed)
        const guarded = guardStore(store)
        assert.equal((await askGuarded(guarded, 4)).passed, 4)
        store.answer = fail
        const { decisions, passed } = await askGuarded(guarded, 10)
        assert.equal(passed, 2)
        const last = decisions[9]
        assert.ok(last && last.retryAfter > 0 && last.retryAfter <= 1000, JSON.stringify(last))
        assert.equal(last.isUnknown, undefined)
        assert.deepEqual(states(), ['down'])
      })

      it("lets everything pass with 'pass'", async () => {
        assert.equal((await ask(new StubStore(fail), { onStoreError: 'pass' }, 20)).passed, 20)
        assert.deepEqual(states(), ['down'])
      })

      it("drops everything with 'drop', until the next probe", async () => {
        const { decisions, passed } = await ask(new StubStore(fail), { onStoreError: 'drop' }, 20)
        assert.equal(passed, 0)
        for (const { isUnknown, delay, retryAfter } of decisions) {
          assert.deepEqual([isUnknown, delay], [true, 0])
          assert.ok(retryAfter > 0 && retryAfter <= 100, `${retryAfter} ms`)
        }
        assert.deepEqual(states(), ['down'])
      })
    })
  }

  it('says itself what is done meanwhile, if the rule does not', async () => {
    const store = Object.assign(new StubStore(pending), { onStoreError: 'pass' as const })
    assert.equal((await ask(store, {}, 20)).passed, 20)
  })

  it('is refused where what it says can not be used', () => {
    const hit = () => allowed
    const code = { code: 'DROP444_INVALID_OPTION' }
    assert.throws(() => guardStore({ hit, timeout: 0 }), { ...code, option: 'store.timeout' })
    assert.throws(() => guardStore({ hit, timeout: '50' as never }), code)
    assert.throws(() => guardStore({ hit, onStoreError: 'ignore' as never }), {
      ...code,
      option: 'store.onStoreError',
    })
  })

  it('counts nothing in memory that it rejects, or allows too late', async () => {
    const answers: ((decision: typeof allowed) => void)[] = []
    const store = new StubStore(async () => rejected)
    const guarded = guardStore(store)
    assert.equal((await askGuarded(guarded, 6)).passed, 0)
    store.answer = () => new Promise(resolve => answers.push(resolve))
    assert.equal((await askGuarded(guarded, 1)).passed, 1)
    for (const answer of answers) answer(allowed)
    await settle()
    assert.equal((await askGuarded(guarded, 10)).passed, 5)
  })

  it('decides nothing by what it says too late, and leaves no rejection unhandled', async () => {
    const late: ((error: Error) => void)[] = []
    const store = new StubStore(() => new Promise((_, reject) => late.push(reject)))
    assert.equal((await ask(store, { onStoreError: 'drop', timeout: 20 }, 5)).passed, 0)
    for (const reject of late) reject(new Error('late'))
    await settle()
    assert.deepEqual(states(), ['down'])
  })

  it('decides on several limits in memory as well, each with what it counted', async () => {
    const hits = [
      { key: 'key', bucket: bucketOf(1, 5) },
      { key: 'key', bucket: bucketOf(2, 2), cost: 1 },
    ]
    const store = new StubStore(async () => allowed)
    const guarded = guardStore(store)
    assert.equal(await guarded.hitAll(hits, now()), allowed)
    assert.deepEqual([store.asked, ...states()], [1])
    store.answer = () => Promise.reject(new Error('gone'))
    const decisions = await Promise.all([1, 2, 3].map(() => guarded.hitAll(hits, now())))
    assert.deepEqual(
      decisions.map(({ allowed: passes, limit }) => [passes, limit]),
      [
        [true, 0],
        [true, 0],
        [false, 1],
      ],
    )
  })
})

describe('guarded store: a busy event loop', () => {
  const block = (ms: number) => {
    for (const end = now() + ms; now() < end; );
  }

  it('is no outage where the answer comes a moment after it is free again', async () => {
    const store = new StubStore(() => new Promise(resolve => setTimeout(() => resolve(allowed), 820)))
    const asked = guardStore(store, { timeout: 400, onStoreError: 'drop' }).hit('key', bucket, now())
    block(800)
    assert.deepEqual(await asked, allowed)
    assert.deepEqual(states(), [])
  })

  it('is an outage where the answer stays away, blocked or not', async () => {
    const guarded = guardStore(new StubStore(pending), { timeout: 40, onStoreError: 'drop' })
    const asked = guarded.hit('key', bucket, now())
    const started = now()
    const busy = setInterval(() => block(15), 1)
    const { allowed: passes } = await asked
    clearInterval(busy)
    assert.equal(passes, false)
    assert.ok(now() - started < 500, `${now() - started} ms`)
  })
})

describe('guarded store: recovery', () => {
  const gone = () => Promise.reject(new Error('gone'))

  async function until(isTrue: () => boolean, ms = 5_000): Promise<void> {
    for (const end = now() + ms; !isTrue(); await settle(5)) assert.ok(now() < end, 'it took too long')
  }

  it('needs no traffic where the store can be probed', async () => {
    let isBack = false
    const store = Object.assign(new StubStore(gone), { probe: async () => assert.ok(isBack) })
    const guarded = guardStore(store, { onStoreError: 'drop' })
    await askGuarded(guarded)
    isBack = true
    store.answer = async () => allowed
    await until(() => states().length === 2)
    assert.equal(store.asked, 1)
    assert.equal((await askGuarded(guarded, 20)).passed, 20)
    assert.deepEqual(states(), ['down', 'up'])
  })

  it('is asked for by the keys of the request that failed', async () => {
    const seen: unknown[] = []
    const root = Object.assign(new StubStore(gone), { probe: async (keys: unknown) => void seen.push(keys) })
    await Promise.all(['one', 'two'].map(key => guardStore(root).hit(key, bucket, now())))
    await until(() => states().length === 2)
    const hits = ['three', 'three', 'four'].map(key => ({ key, bucket }))
    await guardStore(new StubStore(gone), { root }).hitAll(hits, now())
    await until(() => states().length === 4)
    assert.deepEqual(seen, [['one'], ['three', 'four']])
  })

  it('takes one request at a time where it can not', async () => {
    const store = new StubStore(gone)
    const guarded = guardStore(store, { onStoreError: 'drop' })
    await askGuarded(guarded)
    await settle(150)
    await askGuarded(guarded, 20)
    assert.equal(store.asked, 2)
    store.answer = async () => allowed
    await settle(250)
    // The rest does not wait for how it goes.
    assert.equal((await askGuarded(guarded, 20)).passed, 1)
    assert.equal((await askGuarded(guarded, 20)).passed, 20)
    assert.deepEqual(states(), ['down', 'up'])
  })

  it('is not believed of a request that was slow', async () => {
    const store = new StubStore(gone)
    const guarded = guardStore(store, { onStoreError: 'drop', timeout: 30 })
    await askGuarded(guarded)
    await settle(130)
    store.answer = () => new Promise(resolve => setTimeout(() => resolve(allowed), 80))
    assert.equal((await askGuarded(guarded)).passed, 0)
    await settle(100)
    assert.equal((await askGuarded(guarded)).passed, 0)
    assert.deepEqual(states(), ['down'])
  })
})

describe('guarded store: rules that share a store', () => {
  it('find out together', async () => {
    const store = new StubStore(pending)
    const one = guardStore(store, { name: 'login', onStoreError: 'drop' })
    const other = guardStore(store, { name: 'search', onStoreError: 'pass' })
    assert.equal((await askGuarded(one)).passed, 0)
    assert.deepEqual(await askGuarded(other).then(({ passed }) => [passed, store.asked]), [1, 1])
    assert.deepEqual(states(), ['down'])
    assert.equal(events[0]?.store, 'login, search')
  })

  it('do so also where each has a scope of it', async () => {
    const root = Object.assign(new StubStore(pending), { timeout: 30, probe: async () => {} })
    const [one, other] = [new StubStore(pending), new StubStore(async () => allowed)]
    const guarded = guardStore(other, { root, onStoreError: 'drop' })
    assert.equal((await askGuarded(guarded)).passed, 1)
    const { ms } = await ask(one, { root, onStoreError: 'drop' })
    assert.ok(ms < 150, `${ms} ms`)
    assert.equal((await askGuarded(guarded)).passed, 0)
    await settle(200)
    assert.equal((await askGuarded(guarded)).passed, 1)
    assert.deepEqual(states(), ['down', 'up'])
  })

  it('begin no second outage with what was asked in the first', async () => {
    const store = Object.assign(new StubStore(pending), { probe: async () => {} })
    const patient = guardStore(store, { timeout: 400 })
    const asked = patient.hit('key', bucket, now())
    await askGuarded(guardStore(store, { timeout: 20 }))
    store.answer = async () => allowed
    await settle(200)
    assert.deepEqual(states(), ['down', 'up'])
    await asked
    assert.deepEqual(states(), ['down', 'up'])
  })
})

describe('guarded store: rules that wait differently long for one store', () => {
  const after = (ms: number) => () =>
    new Promise<typeof allowed>(resolve => setTimeout(() => resolve(allowed), ms))
  const pair = (store: RateLimitStore) => ({
    hasty: guardStore(store, { name: 'hasty', timeout: 20, onStoreError: 'drop' }),
    patient: guardStore(store, { name: 'patient', timeout: 5_000, onStoreError: 'drop' }),
  })

  it('each have their own view of it, and one event for each view', async () => {
    let probe = after(150)
    const store = Object.assign(new StubStore(after(150)), { probe: () => probe() })
    const { hasty, patient } = pair(store)
    assert.equal((await askGuarded(hasty)).passed, 0)
    for (let i = 0; i < 3; i++) assert.equal((await askGuarded(patient, 3)).passed, 3)
    assert.equal((await askGuarded(hasty)).passed, 0)
    assert.deepEqual(
      events.map(({ state, store: of }) => `${of} ${state}`),
      ['hasty down'],
    )
    probe = after(0)
    for (const end = now() + 10_000; states().length < 2 && now() < end; ) await settle(10)
    assert.equal(events[1]?.store, 'hasty')
    store.answer = after(0)
    assert.equal((await askGuarded(hasty)).passed, 1)
    assert.deepEqual(states(), ['down', 'up'])
  })

  it('so also where it can not be probed', async () => {
    const store = new StubStore(after(150))
    const { hasty, patient } = pair(store)
    assert.equal((await askGuarded(hasty)).passed, 0)
    for (let i = 0; i < 4; i++) {
      assert.equal((await askGuarded(patient, 3)).passed, 3)
      assert.equal((await askGuarded(hasty)).passed, 0)
    }
    assert.deepEqual(states(), ['down'])
  })

  it('find out together where it fails, in one event', async () => {
    let isGone = true
    const probe = () => (isGone ? Promise.reject(new Error('gone')) : Promise.resolve())
    const store = Object.assign(new StubStore(pending), { probe })
    const { hasty, patient } = pair(store)
    const waiting = askGuarded(patient)
    store.answer = () => Promise.reject(new Error('gone'))
    assert.equal((await askGuarded(hasty)).passed, 0)
    assert.ok((await waiting).ms < 4_000)
    assert.equal((await askGuarded(patient)).passed, 0)
    assert.equal(store.asked, 2)
    isGone = false
    store.answer = async () => allowed
    for (const end = now() + 10_000; states().length < 2 && now() < end; ) await settle(10)
    assert.equal((await askGuarded(hasty)).passed + (await askGuarded(patient)).passed, 2)
    assert.deepEqual(
      events.map(({ state, store: of }) => `${of} ${state}`),
      ['hasty, patient down', 'hasty, patient up'],
    )
  })

  it('find out together where it answers not even the patient one in time', async () => {
    const store = Object.assign(new StubStore(pending), { probe: pending })
    const hasty = guardStore(store, { name: 'hasty', timeout: 4_000, onStoreError: 'drop' })
    const waiting = askGuarded(hasty)
    const patient = guardStore(store, { name: 'patient', timeout: 5_000, onStoreError: 'drop' })
    const shortly = guardStore(store, { name: 'shortly', timeout: 20, onStoreError: 'drop' })
    const least = guardStore(store, { name: 'least', timeout: 10, onStoreError: 'drop' })
    const both = askGuarded(least)
    await askGuarded(shortly)
    assert.ok((await both).ms < 3_000)
    store.answer = () => Promise.reject(new Error('gone'))
    await askGuarded(patient)
    assert.ok((await waiting).ms < 3_000)
    const downs = events.map(({ state, store: of }) => `${of} ${state}`)
    assert.equal(downs.at(-1), 'hasty, patient, shortly, least down')
    assert.ok(downs.length <= 3, downs.join())
  })
})

describe('guarded store: many processes', () => {
  const shared = bucketOf(10, 20)

  /** What one client passes in a minute of outage, after a minute in which it asked as much, of so many processes. */
  function passedOf(processes: number, next: (request: number) => number): number {
    const store = new MemoryStore(100)
    let isDown = false
    const guards = Array.from({ length: processes }, () =>
      guardStore({
        hit(...hit) {
          if (isDown) throw new Error('gone')
          return store.hit(...hit)
        },
      }),
    )
    let passed = 0
    for (let request = 0; request < 12_000; request++) {
      isDown = request >= 6_000
      const guard = guards[next(request)] as GuardedStore
      if ((guard.hit('client', shared, request * 10) as { allowed: boolean }).allowed && isDown) passed++
    }
    return passed
  }

  it('let through what one bucket does where a client keeps to one of them', () => {
    assert.equal(
      passedOf(4, () => 2),
      600,
    )
  })

  it('let through a bucket each, and no more, where it asks all', () => {
    const passed = passedOf(4, request => request % 4)
    assert.ok(passed > 4 * 600 && passed <= 4 * (20 + 1 + 600), `${passed}`)
  })
})

describe('store events', () => {
  const flaky = (error: unknown) => {
    const store = Object.assign(new StubStore(() => Promise.reject(error)), { probe: async () => {} })
    return guardStore(store, { name: 'login' })
  }

  it('say what happened, when, and for how long', async () => {
    const error = new Error('connection refused')
    const before = Date.now()
    await askGuarded(flaky(error))
    await settle(200)
    const [down, up] = events
    assert.ok(down && up && Object.isFrozen(down) && Object.isFrozen(up))
    assert.ok(down.time >= before && up.time >= down.time + 90, `${before} ${down.time} ${up.time}`)
    assert.deepEqual(
      { ...down, time: 0 },
      { time: 0, state: 'down', store: 'login', error, downFor: undefined },
    )
    const { downFor = 0 } = up
    assert.deepEqual({ ...up, time: 0 }, { time: 0, state: 'up', store: 'login', error: undefined, downFor })
    assert.ok(downFor >= 90 && downFor < 1000, `${downFor} ms`)
    assert.equal(events.length, 2)
  })

  it('have an Error, whatever it rejected with', async () => {
    await askGuarded(flaky('gone'))
    // A process that was late itself does not know.
    for (let tries = 0; tries < 50 && events.length < 2; tries++)
      await ask(new StubStore(pending), { timeout: 20 })
    assert.equal(events[0]?.error?.message, 'the store failed with "gone"')
    assert.equal(events[0]?.error?.cause, 'gone')
    assert.equal(events[1]?.error?.message, 'the store did not answer within 20 ms')
    await settle(150)
  })

  it('are one of each, however many parts of ours find out', () => {
    const [store, limits, bans] = [{}, {}, {}]
    const failure = { name: 'login', error: new Error('gone'), instead: '' }
    storeUp(store, limits)
    storeDown(store, limits, failure)
    storeDown(store, bans, { ...failure, name: 'bans' })
    storeUp(store, limits)
    storeDown(store, limits, failure)
    storeUp(store, bans)
    assert.deepEqual(states(), ['down'])
    storeUp(store, limits)
    storeUp(store, limits)
    assert.deepEqual(states(), ['down', 'up'])
    assert.equal(events[1]?.store, 'login')
  })

  it('are on the diagnostics channel too', async () => {
    const seen: unknown[] = []
    const listener = (message: unknown) => seen.push(message)
    subscribe('drop444:store', listener)
    await askGuarded(flaky(new Error('gone')))
    await settle(150)
    unsubscribe('drop444:store', listener)
    assert.deepEqual(seen, events)
    assert.equal(seen.length, 2)
  })

  it('change nothing where a listener throws', async () => {
    const errors: unknown[] = []
    const listener = (message: unknown) => errors.push(message)
    subscribe('drop444:error', listener)
    const bad = onStoreChange(() => {
      throw new Error('a slip')
    })
    assert.equal((await askGuarded(flaky(new Error('gone')), 3)).passed, 3)
    await settle(150)
    bad()
    unsubscribe('drop444:error', listener)
    assert.deepEqual(states(), ['down', 'up'])
    assert.deepEqual(
      errors.map(each => (each as { source: string }).source),
      ['a listener of store events', 'a listener of store events'],
    )
  })

  it('end for a listener that unsubscribes, and for no other', async () => {
    const counts: [number, number] = [0, 0]
    const listener = () => counts[0]++
    const stops = [onStoreChange(listener), onStoreChange(listener), onStoreChange(() => counts[1]++)]
    stops[0]?.()
    await ask(new StubStore(pending), { timeout: 10 })
    for (const each of stops) each()
    assert.deepEqual(counts, [1, 1])
    assert.throws(() => onStoreChange(undefined as never), TypeError)
  })

  it('are a warning once an outage where nobody listens', async () => {
    const warnings: (Error & { code?: string })[] = []
    const listener = (warning: Error) => warnings.push(warning)
    process.on('warning', listener)
    await ask(new StubStore(pending), { timeout: 10 })
    assert.deepEqual(states(), ['down'])
    stop()
    for (const onStoreError of ['memory', 'pass', 'drop'] as const) {
      await ask(new StubStore(pending), { name: 'login', timeout: 10, onStoreError }, 5)
    }
    await ask(new StubStore(() => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))))
    await settle()
    process.off('warning', listener)
    const ours = warnings.filter(({ code }) => code === 'DROP444_STORE_DOWN').map(({ message }) => message)
    const late = 'the store of login is down (the store did not answer within 10 ms)'
    assert.deepEqual(ours, [
      `${late}: each process counts by itself until it is back (see docs/errors.md)`,
      `${late}: nobody is limited until it is back (see docs/errors.md)`,
      `${late}: all that it would count is dropped until it is back (see docs/errors.md)`,
      'the store of rateLimit is down (ECONNREFUSED): each process counts by itself until it is back (see docs/errors.md)',
    ])
  })
})
