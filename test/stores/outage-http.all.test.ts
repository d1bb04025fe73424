import assert from 'node:assert/strict'
import { Agent, get } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import { onStoreChange } from '../../lib/events/store-outages.ts'
import { type DropEvent, rateLimit } from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import type { OnStoreError } from '../../lib/stores/rate-limit-store.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { startRedis } from '../support/redis.ts'
import { start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { connectClient } from './outage-clients.ts'
import { type Fault, fault } from './outage-faults.ts'
import { watchPatience } from './outage-patience.ts'
import { TIMEOUT, until } from './outage-site.ts'

/** The status of an answer, or `dropped`, and when it was asked for. */
interface Outcome {
  readonly what: number | string
  readonly at: number
  readonly ms: number
}

function ask(port: number, agent: Agent, path: string): Promise<Outcome> {
  const at = performance.now()
  const outcome = (what: number | string) => ({ what, at, ms: performance.now() - at })
  return new Promise(resolve => {
    get({ port, host: '127.0.0.1', agent, path }, res => {
      res.resume().on('end', () => resolve(outcome(res.statusCode as number)))
    }).on('error', (error: NodeJS.ErrnoException) => {
      resolve(outcome(error.code === 'ECONNRESET' ? 'dropped' : String(error)))
    })
  })
}

/** An app with a limit of 21 for each path, whose Redis suffers under thirty visitors. */
async function suffer({ strike, heal }: Fault, onStoreError: OnStoreError) {
  const name = `${onStoreError}-${process.hrtime.bigint()}`
  const drops = collectDrops()
  const events: { state: string; at: number }[] = []
  const stop = onStoreChange(({ store, state }) => {
    if (store === name) events.push({ state, at: performance.now() })
  })
  let redis = await startRedis()
  const { port } = redis
  const client = connectClient('node-redis')(port)
  const limit = rateLimit({
    name,
    rate: '1r/d',
    burst: 20,
    key: req => req.url ?? '',
    onStoreError,
    timeout: TIMEOUT,
    store: redisStore({ sendCommand: (...args) => client.send(...args) }),
  })
  const server = await start({ server: 'http', app: 'express5' }, [limit], (_, res) => void res.end('fine'))
  const agent = new Agent({ keepAlive: true })
  const outcomes: Outcome[] = []
  const patience = watchPatience()
  let isOver = false
  const work = async (worker: number) => {
    for (let n = 0; !isOver; n++) {
      outcomes.push(await ask(server.port, agent, `/${worker}/${n}`))
      await settle(100)
    }
  }
  try {
    await until('it decides', () => {
      void ask(server.port, agent, '/first')
      return redis.cli('DBSIZE') !== '0' && events.at(-1)?.state !== 'down'
    })
    events.length = 0
    const working = Array.from({ length: 30 }, (_, worker) => work(worker))
    const burst = (times: number) =>
      Promise.all(Array.from({ length: times }, () => ask(server.port, agent, '/burst')))
    await burst(15)
    await settle(200)
    await strike(redis)
    const meanwhile = await burst(20)
    await settle(1_000)
    const healedAt = performance.now()
    const other = await heal(redis, { port })
    if (other) await redis.close()
    redis = other ?? redis
    await until('it is up', () => events.length >= 2)
    await settle(200)
    isOver = true
    await Promise.all(working)
    const during = outcomes.filter(({ at }) => at > (events[0]?.at ?? 0) + 10 && at < healedAt)
    const told = drops.events.filter(({ rule }) => rule === name)
    const longest = Math.max(...[...outcomes, ...meanwhile].map(({ ms }) => ms))
    const atMost = TIMEOUT + patience()
    return { events: events.map(({ state }) => state), longest, atMost, during, meanwhile, told }
  } finally {
    isOver = true
    stop()
    drops.stop()
    agent.destroy()
    await server.close()
    client.close()
    await redis.close()
  }
}

const count = (outcomes: readonly Outcome[], wanted: Outcome['what']) =>
  outcomes.filter(({ what }) => what === wanted).length
const reasons = (told: readonly DropEvent[]) => [...new Set(told.map(({ reason }) => reason))]

describe('outages behind a real server', { skip: requireTool('redis-server'), concurrency: 2 }, () => {
  afterEach(() => assert.deepEqual(uncaught.splice(0), []))

  for (const name of ['kill -9', 'a freeze']) {
    for (const mode of ['memory', 'pass', 'drop'] as const) {
      it(`${name}, '${mode}': each request has its answer, or its silence, at once`, async () => {
        const { events, longest, atMost, during, meanwhile, told } = await suffer(fault(name), mode)
        assert.deepEqual(events, ['down', 'up'])
        assert.ok(longest < atMost, `somebody waited for ${longest} ms, not ${atMost}`)
        assert.ok(during.length > 10, `${during.length} requests`)
        assert.equal(count(during, mode === 'drop' ? 'dropped' : 200), during.length)
        // Fifteen of 21 were let through before.
        const passed = { memory: 6, pass: 20, drop: 0 }[mode]
        assert.equal(count(meanwhile, 200), passed)
        assert.equal(count(meanwhile, 'dropped'), 20 - passed)
        const reason = { memory: ['rate-limited'], pass: [], drop: ['store-down'] }[mode]
        assert.deepEqual(reasons(told), reason)
      })
    }
  }
})
