import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type RedisStore, redisStore, type SendCommand } from '../../../lib/redis.ts'
import type { Bucket, Decision } from '../../../lib/stores.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { type TimeShift, withTime } from '../../support/redis-time.ts'
import { requireTool } from '../../support/tools.ts'
import { type Client, connectNodeRedis } from './clients.ts'

const HOUR = 3_600_000
const jumps = [600, 2_000, 30_000, 60_000, 61_000, HOUR, 400 * 24 * HOUR]
const never = Number.POSITIVE_INFINITY
/** One each 400 ms, and two more at once. */
const bucket: Bucket = { rate: 2_500, burst: 2_000, delay: never }
const TURN = 400

let made = 0

describe("Redis's clock is set back", { skip: requireTool('redis-server') }, () => {
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

  /** A process, and what it takes for Redis's clock. */
  const join = (shift: TimeShift, prefix: string): RedisStore =>
    redisStore({ sendCommand: withTime(client.options.sendCommand as SendCommand, shift), prefix })

  type Ask = (store: RedisStore, key: string) => Decision | Promise<Decision>
  const ways: Record<string, Ask> = {
    hit: (store, key) => store.hit(key, bucket, 0),
    hitAll: (store, key) =>
      store.hitAll(
        [
          { key, bucket },
          { key: `${key}:wide`, bucket: { ...bucket, rate: 1e6, burst: 1e6 } },
        ],
        0,
      ),
  }

  for (const [way, ask] of Object.entries(ways)) {
    for (const by of jumps) {
      test(`${way}, by ${by} ms: who is limited waits for as long as the rate says`, async () => {
        const shift = { by: 0 }
        const prefix = `t${made++}:`
        const [one, other] = [join(shift, prefix), join(shift, prefix)]
        const clients = ['a', 'b', 'c']
        for (const key of clients) {
          for (let i = 0; i < 3; i++) assert.equal((await ask(one, key)).allowed, true)
          assert.equal((await ask(one, key)).allowed, false)
        }
        const at = performance.now()
        shift.by -= by
        // One that knew what time it was, one that has just been started, and one that has asked before.
        const rejected = await ask(join(shift, prefix), 'a')
        if (performance.now() - at < TURN) {
          assert.equal(rejected.allowed, false)
          assert.ok(rejected.retryAfter <= TURN + 1, `${rejected.retryAfter}`)
        }
        await pause(TURN + 50 - (performance.now() - at))
        assert.equal((await ask(one, 'b')).allowed, true, 'the first to ask after it')
        assert.equal((await ask(one, 'c')).allowed, true, 'one that had not asked meanwhile')
        await pause(rejected.retryAfter)
        assert.equal((await ask(other, 'a')).allowed, true)
      })
    }
  }

  test('one whose clock was ahead gives nobody more', async () => {
    const shift = { by: 0 }
    const store = join(shift, `t${made++}:`)
    const slow = { ...bucket, rate: 1 }
    const ask = async () => (await store.hit('a', slow, 0)).allowed
    assert.deepEqual([await ask(), await ask(), await ask(), await ask()], [true, true, true, false])
    for (const by of [30_000, HOUR]) {
      shift.by -= by
      // What it has rejected it would not ask for again.
      const fresh = join(shift, `t${made - 1}:`)
      assert.equal((await fresh.hit('a', slow, 0)).allowed, false)
      const [excess, last] = redis
        .cli('GET', `t${made - 1}:1:{a}`)
        .split(' ')
        .map(Number)
      assert.equal(excess, 2_000)
      assert.ok((last ?? 0) <= Date.now() + shift.by, 'not of later than now any more')
    }
  })

  test('a limit that another one of the same request holds up runs off meanwhile', async () => {
    const shift = { by: 0 }
    const prefix = `t${made++}:`
    const slow = { ...bucket, rate: 1, burst: 0 }
    const store = join(shift, prefix)
    await store.hit('a', slow, 0)
    for (let i = 0; i < 3; i++) await store.hit('a', bucket, 0)
    shift.by -= HOUR
    const both = [
      { key: 'a', bucket: slow },
      { key: 'a', bucket },
    ]
    assert.equal((await join(shift, prefix).hitAll(both, 0)).allowed, false)
    await pause(3 * TURN + 50)
    const decisions = await Promise.all(
      Array.from({ length: 3 }, () => join(shift, prefix).hit('a', bucket, 0)),
    )
    assert.deepEqual(
      decisions.map(({ allowed }) => allowed),
      [true, true, true],
    )
  })
})
