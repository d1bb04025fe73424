import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { createClient } from 'redis'
import * as source from '../../lib/index.ts'
import { type Copy, loadCopy } from '../support/copies.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { type RunningServer, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'

describe('copies that share Redis', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let other: Copy
  let server: RunningServer | undefined
  let client: ReturnType<typeof createClient>
  const drops = collectDrops()

  before(async () => {
    redis = await startRedis()
    other = await loadCopy()
    client = createClient({ url: redis.url })
    client.on('error', () => {})
    await client.connect()
  })
  afterEach(async () => {
    await server?.close()
    redis.cli('FLUSHALL')
    drops.events.length = 0
    assert.deepEqual(uncaught.splice(0), [])
  })
  after(async () => {
    drops.stop()
    client.destroy()
    await redis.close()
  })

  const newStore = () => other.redisStore({ sendCommand: (...args) => client.sendCommand(args) })

  async function site(...rules: readonly source.Rule[]) {
    server = await start({ server: 'http', app: 'bare' }, rules, (_req, res) => void res.end('fine'))
    const { port } = server
    return async (path: string) =>
      (await exchange({ port }, get(path, { Connection: 'close' }))).wireBytes > 0
  }

  test('one store counts for the rules of both', async () => {
    const limit = { rate: '1r/m', burst: 2, store: newStore(), name: 'same' } as const
    const ask = await site(source.rateLimit(limit), other.rateLimit(limit))
    assert.deepEqual([await ask('/1'), await ask('/2')], [true, false])
  })

  test('a request is one offence in Redis, and a ban holds in both', async () => {
    const store = newStore()
    const options = { limit: 2, window: '1m', ban: '1m', store } as const
    const rules = [source.repeatOffender(options), other.repeatOffender(options)]
    const flush = () => Promise.all(rules.map(each => each.flush()))
    await flush()
    const ask = await site(
      ...rules,
      source.rule('bad', () => true),
    )
    await ask('/1')
    await flush()
    const counted = () => Number(redis.cli('LLEN', 'drop444:{offenders}:repeatOffender:of:127.0.0.1'))
    assert.equal(counted(), 1)
    await ask('/2')
    await flush()
    assert.equal(counted(), 2)
    await ask('/3')
    for (let tries = 0; tries < 500 && !rules.every(each => each.isBanned('127.0.0.1')); tries++)
      await settle(10)
    assert.deepEqual(
      rules.map(each => each.isBanned('127.0.0.1')),
      [true, true],
    )
    for (const each of rules) each.close()
  })

  test('a key that somebody else uses is no outage', async () => {
    const states: string[] = []
    const stop = source.onStoreChange(({ state }) => states.push(state))
    const ask = await site(source.rateLimit({ rate: '1r/m', burst: 5, store: newStore() }))
    assert.equal(await ask('/1'), true)
    const keys = redis.cli('KEYS', '*').split('\n')
    assert.equal(keys.length, 1)
    redis.cli('DEL', keys[0] as string)
    redis.cli('RPUSH', keys[0] as string, 'theirs')
    assert.equal(await ask('/2'), true)
    stop()
    assert.deepEqual(states, [])
  })
})
