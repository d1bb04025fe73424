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

/** Events come from all stores of the process: that of an earlier test is up once its rule is collected. */
const seeOutages = (site: ContextSite, name: string) =>
  onStoreChange(({ store, state }) => {
    if (store === name) site.see(state)
  })

for (const each of contexts) {
  const { name } = each
  /** The name of a rule of this suite. */
  const own = (rule: string) => `${rule}-${contexts.indexOf(each)}`

  describe(`requests that a store decides on, ${name}`, () => {
    hooks()

    test('go on in their own context where it does not answer; its outage, its probes and its return are in none', async () => {
      const store = new StubStore(pending)
      const { site, ask } = await startApart(each, ({ see }) => {
        const probe = async () => {
          see('probe')
          // A request that comes after it, on a busy machine, must not find the store down again.
          store.answer = () => allowed
        }
        return [rateLimit({ ...rate, name: own('silent'), store: Object.assign(store, { probe }) })]
      })
      const stop = seeOutages(site, own('silent'))
      const seen = await ask(pages, 8)
      stop()
      assert.deepEqual(seen, [...owns, 'down nobody', 'probe nobody', 'up nobody'])
    })

    test('and where it fails at once', async () => {
      let isDown = true
      const hit = () => {
        if (isDown) throw new Error('down')
        return allowed
      }
      const { site, ask } = await startApart(each, () => [
        rateLimit({ ...rate, name: own('throws'), store: { hit } }),
      ])
      const stop = seeOutages(site, own('throws'))
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
        rateLimit({
          ...rate,
          name: own('rejects'),
          store: new StubStore(() => Promise.reject(new Error('down'))),
        }),
      ])
      const onWarning = ({ code, message }: Error & { code?: string }) => {
        if (code === 'DROP444_STORE_DOWN' && message.includes(own('rejects'))) site.see('warning')
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
      const { site, ask } = await startApart(each, () => [rateLimit({ ...rate, name: own('waits'), store })])
      const stop = seeOutages(site, own('waits'))
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
      // Noted apart: on a busy machine the requests come one by one, and there are more calls.
      const calls = new ContextSite(each)
      const sendCommand = async (...[, , keys]: string[]) => {
        calls.see('call')
        return [Date.now(), ...Array(Number(keys)).fill(0)]
      }
      const store = redisStore({ sendCommand })
      const { ask } = await startApart(each, () => [rateLimit({ ...rate, store, timeout: 10_000 })])
      assert.deepEqual(await ask(pages, 5), owns)
      assert.deepEqual([...new Set(calls.seen)], ['call nobody'])
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
      for (const end = performance.now() + 20_000; !isWritten() && performance.now() < end; ) await settle(5)
      each.run('of who bans', () => offenders.ban('192.0.2.1'))
      await each.run('of who awaits', () => offenders.flush())
      offenders.close()
      assert.deepEqual([...new Set(site.seen)].sort(), ['read nobody', 'write nobody'])
    })
  })
}
