import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { type BucketState, nextRequest } from '../../../lib/counting/leaky-bucket.ts'
import { type RedisStore, redisStore, type SendCommand } from '../../../lib/redis.ts'
import type { Hit } from '../../../lib/stores.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { bucket as anyBucket } from '../../support/reference/limits.ts'
import { requireTool } from '../../support/tools.ts'
import { type Client, connectNodeRedis } from './clients.ts'
import { Model } from './model.ts'
import { type Spy, spyOn } from './spy.ts'

const rates = fc.constantFrom(100_000, 250_000, 33_333, 1_000_000, 77_777.777, 1000 / 3600)
const limit = fc.record({
  rate: rates,
  burst: fc.constantFrom(0, 1000, 3000, 10_000),
  delay: fc.constantFrom(Number.POSITIVE_INFINITY, 0, 2000),
})
const key = fc.constantFrom('192.0.2.1', '2001:db8::', 'x-api-key 7', '', '}{')
const cost = fc.constantFrom(1, 1, 1, 2, 4)
const request = fc.uniqueArray(fc.record({ key, bucket: limit, cost }), {
  minLength: 1,
  maxLength: 3,
  // The store counts them apart then, which the model does not know.
  selector: hit => `${hit.bucket.rate} ${hit.key}`,
})
/** Some requests of one tick, and how long it is to the next. */
const tick = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 6 }),
  gap: fc.oneof(fc.constant(0), fc.nat(12), fc.nat(60)),
})

type Verdict = 'allowed' | 'rejected' | 'known'

/** Asks for all of a tick, and the model at the time that Redis says. */
async function compare(store: RedisStore, model: Model, requests: readonly Hit[][], spy: Spy) {
  const before = spy.times.at(-1) ?? 0
  const answers = requests.map(hits => store.hitAll(hits, 0))
  const expect = (i: number, now: number) => model.decide(requests[i] as Hit[], now)
  // From memory, and so of a time that nobody knows, but later than the last reply's.
  const known = answers.map((answer, i) => {
    if (answer instanceof Promise) return false
    const expected = expect(i, before)
    if (!Number.isFinite(expected.retryAfter)) assert.deepEqual(answer, expected)
    assert.deepEqual([answer.allowed, expected.allowed], [false, false])
    return true
  })
  const decisions = await Promise.all(answers)
  const now = spy.times.at(-1) ?? 0
  return decisions.map((decision, i): Verdict => {
    if (known[i]) return 'known'
    assert.deepEqual(decision, expect(i, now))
    return decision.allowed ? 'allowed' : 'rejected'
  })
}

describe('Redis decides as the model does, at the times that it says', {
  skip: requireTool('redis-server'),
}, () => {
  let redis: Redis
  let client: Client
  before(async () => {
    redis = await startRedis()
    client = await connectNodeRedis([redis.port])
  })
  after(async () => {
    client?.close()
    await redis?.close()
  })

  test('random requests with random gaps, keys that run out included', { timeout: 60_000 }, async () => {
    let runs = 0
    const verdicts = { allowed: 0, rejected: 0, known: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(tick, { minLength: 1, maxLength: 12 }), async ticks => {
        const spy = spyOn(client.options.sendCommand as SendCommand)
        const store = redisStore({ sendCommand: spy.sendCommand, prefix: `${runs++}:` })
        const model = new Model()
        for (const { requests, gap } of ticks) {
          for (const verdict of await compare(store, model, requests, spy)) verdicts[verdict]++
          if (gap > 0) await pause(gap)
        }
      }),
      { numRuns: 60, endOnFailure: true },
    )
    assert.ok(verdicts.rejected > 50 && verdicts.known > 10, JSON.stringify(verdicts))
  })

  test('states of any age, clocks that were set back included', async () => {
    let runs = 0
    const age = fc.oneof(
      fc.integer({ min: -125_000, max: 125_000 }),
      fc.integer({ min: -65_000, max: -55_000 }),
    )
    const any = fc.record({
      bucket: fc.oneof(anyBucket, limit),
      cost: fc.integer({ min: 1, max: 5 }),
      excess: fc.nat(20_000),
      age,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 20 }), async all => {
        const send = client.options.sendCommand as SendCommand
        const spy = spyOn(send)
        const prefix = `age${runs++}:`
        const store = redisStore({ sendCommand: spy.sendCommand, prefix })
        const [seconds] = (await send('TIME')) as string[]
        const states = all.map(({ excess, age }) => ({ excess, last: Number(seconds) * 1000 - age }))
        const keys = all.map(({ bucket }, i) => `${prefix}${bucket.rate}:{${i}}`)
        await Promise.all(keys.map((key, i) => send('SET', key, `${states[i]?.excess} ${states[i]?.last}`)))
        const decisions = await Promise.all(
          all.map(({ bucket, cost }, i) => store.hit(String(i), bucket, 0, cost)),
        )
        // None was sent where all cost more than their buckets hold.
        const now = spy.times[0] ?? Number(seconds) * 1000
        for (const [i, { bucket, cost }] of all.entries()) {
          const state = states[i] as BucketState
          const before = `${state.excess} ${state.last}`
          assert.deepEqual(decisions[i], nextRequest(bucket, state, now, cost), before)
          const after = await send('GET', keys[i] as string)
          if (decisions[i]?.retryAfter === Number.POSITIVE_INFINITY) {
            assert.equal(after, before, 'Redis was not asked')
            continue
          }
          // What is written goes by itself; what is rejected is, if it is of later than now.
          const isWritten = decisions[i]?.allowed || (all[i]?.age ?? 0) < 0
          if (after !== null || !isWritten) assert.equal(after, `${state.excess} ${state.last}`)
        }
      }),
      { numRuns: 40, endOnFailure: true },
    )
  })
})
