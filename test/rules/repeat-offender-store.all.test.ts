import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import express from 'express'
import { createClient } from 'redis'
import { onStoreChange, rateLimit, repeatOffender, type StoreEvent } from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import { within } from '../offenders/fleet.ts'
import { settle, uncaught } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { startRedis } from '../support/redis.ts'
import { listen } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'

describe('repeatOffender with redisStore', { skip: requireTool('redis-server') }, () => {
  after(() => assert.deepEqual(uncaught.splice(0), []))

  test('shares its connection with rateLimit; an outage is one event of both, and no matter of the requests', async t => {
    const redis = await startRedis()
    t.after(() => redis.close())
    const client = createClient({ url: redis.url, socket: { reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    t.after(() => client.destroy())
    const store = redisStore({ sendCommand: (...args) => client.sendCommand(args) })
    const own = repeatOffender({ limit: 3, store })
    t.after(() => own.close())
    const events: StoreEvent[] = []
    t.after(onStoreChange(event => events.push(event)))
    const app = express()
    app.use(own, rateLimit({ rate: '1000r/s', burst: 100, store }))
    app.get('/', (_req, res) => void res.send('fine'))
    const { default: http } = await import('node:http')
    const server = await listen(http.createServer(app))
    t.after(() => server.close())
    const ask = async (path: string, localAddress: string) =>
      (await exchange({ port: server.port, localAddress }, get(path, { Connection: 'close' }))).wireBytes > 0

    for (let i = 0; i < 4; i++) assert.equal(await ask('/nothing', '127.0.0.5'), true)
    await settle(5)
    assert.deepEqual([await ask('/', '127.0.0.5'), await ask('/', '127.0.0.6')], [false, true])
    redis.signal('SIGKILL')
    await within(5_000, () => events.length === 1)
    for (let i = 0; i < 4; i++) assert.equal(await ask('/nothing', '127.0.0.6'), true)
    await settle(5)
    assert.deepEqual([await ask('/', '127.0.0.5'), await ask('/', '127.0.0.6')], [false, false])
    await settle(1_000)
    const again = await startRedis({ port: redis.port })
    t.after(() => again.close())
    await within(8_000, () => events.length === 2)
    await own.flush()
    assert.deepEqual(
      events.map(({ state }) => state),
      ['down', 'up'],
    )
    const other = repeatOffender({ limit: 3, store })
    t.after(() => other.close())
    await other.flush()
    assert.deepEqual(
      other
        .list()
        .map(({ address }) => address)
        .sort(),
      ['127.0.0.5', '127.0.0.6'],
    )
    const trial = repeatOffender({ limit: 3, store, dryRun: true })
    t.after(() => trial.close())
    await trial.flush()
    assert.deepEqual(trial.list(), [])
  })

  test('a store that holds limits alone is refused', () => {
    const store = { hit: () => ({ allowed: true, delay: 0, retryAfter: 0 }) }
    assert.throws(() => repeatOffender({ store: store as never }), /"store" must be a store of offenders/)
  })
})
