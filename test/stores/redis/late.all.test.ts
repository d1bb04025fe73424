import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { redisStore, type SendCommand } from '../../../lib/redis.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { requireTool } from '../../support/tools.ts'
import { bucket } from '../contract.ts'
import { type Client, clients, connectNodeRedis } from './clients.ts'
import { spyOn } from './spy.ts'

const limit = bucket(0.01, 100)
const LATE = /too late/

describe('a decision that Redis comes to late counts nothing', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let client: Client
  let send: SendCommand
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)

  before(() => void process.on('unhandledRejection', note))
  after(() => {
    process.off('unhandledRejection', note)
    assert.deepEqual(unhandled, [])
  })
  beforeEach(async () => {
    redis = await startRedis()
    client = await connectNodeRedis([redis.port])
    send = client.options.sendCommand as SendCommand
  })
  afterEach(async () => {
    client?.close()
    await redis?.close()
  })

  test('a client that holds commands back', async () => {
    let opens = Promise.resolve()
    const store = redisStore({
      sendCommand: async (...command) => {
        await opens
        return send(...command)
      },
    })
    await store.hit('a', limit, 0)
    opens = pause(1300)
    const late = Promise.allSettled([store.hit('a', limit, 0), store.hit('b', limit, 0)])
    for (const result of await late) assert.match(String(result.status === 'rejected' && result.reason), LATE)
    assert.equal(redis.cli('keys', '*'), 'drop444:10:{a}')
    assert.match(redis.cli('get', 'drop444:10:{a}'), /^0 /)
    assert.equal((await store.hit('b', limit, 0)).allowed, true)
  })

  test('a server that stood still, and what its client had queued', async () => {
    const store = redisStore({ sendCommand: send })
    await store.hit('a', limit, 0)
    redis.signal('SIGSTOP')
    const late = Promise.allSettled(Array.from({ length: 30 }, (_, i) => store.hit(`k${i}`, limit, 0)))
    await pause(1300)
    redis.signal('SIGCONT')
    for (const { status } of await late) assert.equal(status, 'rejected')
    assert.equal(redis.cli('keys', '*'), 'drop444:10:{a}')
    assert.equal((await store.hit('k1', limit, 0)).allowed, true)
  })

  test('a server that comes back, and an offline queue', async () => {
    const ioredis = await (clients.ioredis as NonNullable<(typeof clients)[string]>)([redis.port])
    const store = redisStore(ioredis.options)
    await store.hit('a', limit, 0)
    const { port } = redis
    await redis.close()
    const late = Promise.allSettled(Array.from({ length: 30 }, (_, i) => store.hit(`k${i}`, limit, 0)))
    await pause(1300)
    redis = await startRedis({ port })
    for (const { status } of await late) assert.equal(status, 'rejected')
    assert.equal(redis.cli('keys', '*'), '')
    assert.equal((await store.hit('k1', limit, 0)).allowed, true)
    ioredis.close()
  })

  test('a longer timeout is waited for', async () => {
    const slow: SendCommand = async (...command) => {
      await pause(1300)
      return send(...command)
    }
    const store = redisStore({ sendCommand: slow, timeout: 3000 })
    assert.equal((await store.hit('a', limit, 0)).allowed, true)
  })

  test('a server that is killed in the middle rejects what was asked', async () => {
    const store = redisStore({ sendCommand: send })
    await store.hit('a', limit, 0)
    const asked = Promise.allSettled(Array.from({ length: 300 }, (_, i) => store.hit(`k${i}`, limit, 0)))
    redis.signal('SIGKILL')
    client.close()
    for (const { status } of await asked) assert.equal(status, 'rejected')
  })
})

describe('clocks that differ', { skip: requireTool('redis-server') }, () => {
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

  /** As if Redis's clock were ahead by so much. */
  function skewed(aheadOf: { ms: number }) {
    const send = client.options.sendCommand as SendCommand
    return spyOn(async (...command) => {
      const deadline = command.findIndex(part => /^1\d{12}$/.test(part))
      assert.ok(deadline > 0, 'a deadline in milliseconds')
      const real = [...command]
      real[deadline] = String(Number(command[deadline]) - aheadOf.ms)
      const reply = (await send(...real)) as number[]
      reply[0] = (reply[0] as number) + aheadOf.ms
      return reply
    })
  }

  test('a clock that is not ours is learnt from the first reply, and again where it jumps', async () => {
    const ahead = { ms: 0 }
    const spy = skewed(ahead)
    const store = redisStore({ sendCommand: spy.sendCommand })
    await store.hit('a', limit, 0)
    for (const ms of [3_600_000, 0, 30_000, -3_600_000, 5_000]) {
      ahead.ms = ms
      spy.names()
      assert.equal((await store.hit('a', limit, 0)).allowed, true)
      const sent = spy.names().length
      assert.ok(sent <= 2, `${sent} calls after a jump`)
      assert.equal((await store.hit('a', limit, 0)).allowed, true)
      assert.deepEqual(spy.names(), ['EVALSHA'], 'and then one a decision')
    }
    assert.match(redis.cli('get', 'drop444:10:{a}'), /^10000 /, 'each was counted once')
  })

  test('behind or ahead, a late decision is none', async () => {
    const ahead = { ms: 7_200_000 }
    const spy = skewed(ahead)
    let opens = Promise.resolve()
    const store = redisStore({
      sendCommand: async (...command) => {
        await opens
        return spy.sendCommand(...command)
      },
    })
    await store.hit('b', limit, 0)
    opens = pause(1300)
    await assert.rejects(async () => store.hit('b', limit, 0), LATE)
    assert.match(redis.cli('get', 'drop444:10:{b}'), /^0 /)
  })
})
