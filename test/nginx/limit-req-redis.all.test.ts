import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'redis'
import { redisStore } from '../../lib/redis.ts'
import type { Bucket, Decision } from '../../lib/stores.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { requireTool } from '../support/tools.ts'
import { verdictOf } from './limit-req-replay.ts'
import { limitingNginx, randomFrom, readLogs, send, type Zone } from './limit-req-traffic.ts'

interface Traffic extends Zone {
  readonly bucket: Bucket
  readonly gap: number
  readonly verdicts: readonly string[]
}

const Never = Number.POSITIVE_INFINITY
const both = ['PASSED', 'REJECTED']
const three = ['DELAYED', 'PASSED', 'REJECTED']

const traffic: readonly Traffic[] = [
  {
    ...{ name: 'plain', rate: '2999r/m', status: 444, gap: 40, verdicts: both },
    bucket: { rate: 49_983, burst: 0, delay: Never },
  },
  {
    ...{ name: 'some', rate: '50r/s', burst: 5, delay: 2, status: 503, gap: 35, verdicts: three },
    bucket: { rate: 50_000, burst: 5000, delay: 2000 },
  },
  {
    ...{ name: 'queue', rate: '100r/s', burst: 3, delay: 'all', status: 503, gap: 20, verdicts: three },
    bucket: { rate: 100_000, burst: 3000, delay: 0 },
  },
]
const requests = 150

/** Keeps a state as of so many milliseconds ago, and says what time that was. */
const PRESET = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' then redis.call('SET', KEYS[1], string.format('%d %d', ARGV[1], now - ARGV[2])) end
return now`

/** Redis has a clock of its own: it is not told a time, but its states are made as old as they were for nginx. */
async function replay(port: number, bucket: Bucket, times: readonly number[]): Promise<Decision[]> {
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()
  const key = `drop444:${bucket.rate}:{a}`
  const decisions: Decision[] = []
  let [excess, last] = ['', 0]

  /** Undefined where a millisecond passed in between. */
  async function decideAt(time: number): Promise<Decision | undefined> {
    let decidedAt = 0
    let after: string | null = null
    // A new one each time: it would remember what was rejected.
    const store = redisStore({
      async sendCommand(...command) {
        // At once: keys go by themselves.
        const [reply, kept] = await Promise.all([client.sendCommand(command), client.get(key)])
        decidedAt = (reply as unknown as number[])[0] as number
        after = kept
        return reply
      },
    })
    const preset = client.sendCommand(['EVAL', PRESET, '1', key, excess, String(time - last)])
    const decision = await store.hit('a', bucket, 0)
    if (Number(await preset) !== decidedAt) return undefined
    const [now, when] = String(after).split(' ') as [string, string]
    last = time - (decidedAt - Number(when))
    excess = now
    return decision
  }

  try {
    await client.flushAll()
    await redisStore({ sendCommand: (...command) => client.sendCommand(command) }).hit('b', bucket, 0)
    for (const time of times) {
      let decision: Decision | undefined
      while (!decision) {
        if (excess === '') await client.del(key)
        decision = await decideAt(time)
      }
      decisions.push(decision)
    }
  } finally {
    client.destroy()
  }
  return decisions
}

const skip = requireTool('nginx') || requireTool('redis-server')

describe('nginx: limit_req and redisStore decide the same', { skip }, () => {
  let nginx: Nginx
  let redis: Redis

  before(async () => {
    redis = await startRedis()
    nginx = await startNginx(limitingNginx(traffic, 'http2'))
    const random = randomFrom(4447)
    const runs = traffic.map(({ name, gap }) => {
      const gaps = Array.from({ length: requests }, () => (random() < 0.2 ? 0 : Math.round(random() * gap)))
      return send(nginx.port, `/${name}`, gaps)
    })
    await Promise.all(runs)
  })

  after(async () => {
    await nginx?.close()
    await redis?.close()
  })

  for (const { name, bucket, verdicts } of traffic) {
    test(name, async () => {
      const seen = await readLogs(nginx, name, requests * traffic.length)
      assert.equal(seen.length, requests)
      assert.deepEqual([...new Set(seen.map(({ verdict }) => verdict))].sort(), verdicts)
      const decisions = await replay(
        redis.port,
        bucket,
        seen.map(({ at }) => at),
      )
      for (const [i, { verdict, excess, took }] of seen.entries()) {
        const decision = decisions[i] as Decision
        assert.equal(verdictOf(decision), verdict, `request ${i}`)
        if (verdict !== 'DELAYED') continue
        assert.equal(decision.delay, Math.floor((((excess as number) - bucket.delay) * 1000) / bucket.rate))
        assert.ok(took >= decision.delay, `${took} ms instead of ${decision.delay}`)
      }
    })
  }
})
