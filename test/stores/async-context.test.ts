import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  fromExpressRateLimit,
  onStoreChange,
  type RateLimitStore,
  rateLimit,
  repeatOffender,
  rule,
} from '../../lib/index.ts'
import type { OffenderStore } from '../../lib/offenders/offender-store.ts'
import { redisStore } from '../../lib/redis.ts'
import { ContextSite, startApart } from '../support/context-site.ts'
import { contexts } from '../support/contexts.ts'
import { settle } from '../support/events.ts'
import { hooks } from '../support/watch.ts'
import { allowed, pending, StubStore } from './outage-stub-store.ts'

const pages = ['/1', '/2', '/3', '/4', '/5']
const owns = pages.map(path => `${path} of ${path}`)
const rate = { rate: '1000r/s', burst: 1000 } as const

for (const each of contexts) {
  const { name } = each

  describe(`requests that a store decides on, ${name}`, () => {
    hooks()

    test('go on in their own context where it does not answer; its outage, its probes and its return are in none', async () => {
      const store = new StubStore(pending)
      const { site, ask } = await startApart(each, ({ see }) => [
        rateLimit({ ...rate, store: Object.assign(store, { probe: async () => see('probe') }) }),
      ])
      const stop = onStoreChange(({ state }) => site.see(state))
      const seen = await ask(pages, 8)
      stop()
      // What comes late, on a busy machine, finds it down again.
      assert.deepEqual([...new Set(seen)], [...owns, 'down nobody', 'probe nobody', 'up nobody'])
    })

    test('and where it fails at once', async () => {
      let isDown = true
      const hit = () => {
        if (isDown) throw new Error('down')
        return allowed
      }
      const { site, ask } = await startApart(each, () => [rateLimit({ ...rate, store: { hit } })])
      const stop = onStoreChange(({ state }) => site.see(state))
      await ask(['/1'], 2)
      isDown = false
      const isUp = () => site.seen.some(place => place.startsWith('up'))
      for (let i = 0; i < 100 && !isUp(); i++) {
        await settle(20)
        await ask(['/2'], site.seen.length + 1)
      }
      stop()
      const places = [...new Set(site.seen)].sort()
      assert.deepEqual(places, ['/1 of /1', '/2 of /2', 'down nobody', 'up nobody'])
    })

    test('the warning of an outage is in no context', async () => {
      const { site, ask } = await startApart(each, () => [
        rateLimit({ ...rate, store: new StubStore(() => Promise.reject(new Error('down'))) }),
      ])
      const onWarning = (warning: Error & { code?: string }) => {
        if (warning.code === 'DROP444_STORE_DOWN') site.see('warning')
      }
      process.on('warning', onWarning)
      const seen = await ask(['/1'], 2)
      process.off('warning', onWarning)
      assert.deepEqual(seen, ['/1 of /1', 'warning nobody'])
    })

    test('an outage that another request found out frees those that wait', async () => {
      const answers: ((error: Error) => void)[] = []
      const store: RateLimitStore = {
        timeout: 60_000,
        hit: () =>
          new Promise((_, reject) => {
            if (answers.push(reject) === pages.length) setImmediate(() => answers[2]?.(new Error('down')))
          }),
      }
      const { site, ask } = await startApart(each, () => [rateLimit({ ...rate, store })])
      const stop = onStoreChange(({ state }) => site.see(state))
      const seen = await ask(pages, 6)
      stop()
      assert.deepEqual(seen, [...owns, 'down nobody'])
    })

    for (const localKeys of [false, true]) {
      test(`an engine of express-rate-limit is asked in it and begins anew in none${localKeys ? ', one at a time' : ''}`, async () => {
        let fails = true
        const { ask } = await startApart(each, ({ see }) => {
          const engine = {
            localKeys,
            async init() {
              if (fails) throw new Error('no server')
              see('init')
            },
            async increment() {
              see('increment')
              await settle(2)
              return { totalHits: 1 }
            },
            decrement() {},
          }
          const store = fromExpressRateLimit(engine)
          fails = false
          return [rateLimit({ ...rate, store, timeout: 2_000 })]
        })
        await settle()
        const increments = pages.map(path => `increment of ${path}`)
        assert.deepEqual(await ask(pages, 11), [...owns, ...increments, 'init nobody'])
      })
    }

    test('many in one call to Redis: the call is in none', async () => {
      const { ask } = await startApart(each, ({ see }) => {
        const sendCommand = async (...[, , keys]: string[]) => {
          see('call')
          return [Date.now(), ...Array(Number(keys)).fill(0)]
        }
        return [rateLimit({ ...rate, store: redisStore({ sendCommand }), timeout: 10_000 })]
      })
      const seen = await ask(pages, 6)
      assert.deepEqual(
        seen.filter(place => place !== 'call nobody'),
        owns,
      )
      assert.ok(seen.length > pages.length)
    })

    test('bans are told and asked for in none, whoever begins or awaits it', async () => {
      const site = new ContextSite(each)
      const news = { now: Date.now(), last: 0, born: '1', cursor: 0, isLate: false, records: [] }
      const told = (place: string) => async () => {
        site.see(place)
        return news
      }
      const store: OffenderStore = {
        scope: () => store,
        write: told('write'),
        read: told('read'),
        probe: told('probe'),
      }
      const offenders = each.run('of who makes it', () =>
        repeatOffender({ limit: 1, store: { offenders: store } }),
      )
      await offenders.flush()
      const { ask } = await startApart(each, () => [offenders, rule('drops', () => true)])
      await ask(['/1'], 0)
      const isWritten = () => site.seen.some(place => place.startsWith('write'))
      while (!isWritten()) await settle(5)
      each.run('of who bans', () => offenders.ban('192.0.2.1'))
      await each.run('of who awaits', () => offenders.flush())
      offenders.close()
      assert.deepEqual([...new Set(site.seen)].sort(), ['read nobody', 'write nobody'])
    })
  })
}
