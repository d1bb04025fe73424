import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'redis'
import { rateLimit, repeatOffender, rule } from '../../../lib/index.ts'
import { redisStore } from '../../../lib/redis.ts'
import { ContextSite, startApart } from '../../support/context-site.ts'
import { contexts } from '../../support/contexts.ts'
import { settle } from '../../support/events.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { requireTool } from '../../support/tools.ts'
import { hooks } from '../../support/watch.ts'

const pages = ['/1', '/2', '/3', '/4', '/5']
const owns = pages.map(path => `${path} of ${path}`)
const rate = { rate: '1000r/s', burst: 1000 } as const

for (const each of contexts) {
  const { name } = each

  describe(`requests that Redis decides on, ${name}`, { skip: requireTool('redis-server') }, () => {
    hooks()
    let redis: Redis
    before(async () => {
      redis = await startRedis()
    })
    after(() => redis.close())

    /** A store whose commands are noted. */
    async function connect(see: (place: string) => void) {
      const client = await createClient({ url: redis.url })
        .on('error', () => {})
        .connect()
      const store = redisStore({
        sendCommand: (...command) => {
          see(command[0] as string)
          return client.sendCommand(command)
        },
        timeout: 5_000,
      })
      return { store, client }
    }

    test('go on in their own context; the calls are in none, alone or many in one', async () => {
      const site = new ContextSite(each)
      const { store, client } = await connect(site.see)
      const { ask, site: served } = await startApart(each, () => [rateLimit({ ...rate, store })])
      assert.deepEqual(await ask(pages, 5), owns)
      for (let i = 0; i < 10; i++) await ask(['/1'], 6 + i)
      assert.deepEqual(served.seen.slice(5), Array(10).fill('/1 of /1'))
      assert.ok(site.seen.length > 10)
      assert.deepEqual(
        site.seen.filter(place => !/^EVAL(SHA)? nobody$/.test(place)),
        [],
      )
      client.destroy()
    })

    test('offences and bans are shared in no context, whoever begins or awaits it', async () => {
      const site = new ContextSite(each)
      const { store, client } = await connect(site.see)
      const offenders = each.run('of who makes it', () => repeatOffender({ limit: 1, store }))
      await offenders.flush()
      const before = site.seen.length
      const { ask } = await startApart(each, () => [offenders, rule('drops', () => true)])
      await ask(['/1', '/2'], 0)
      await site.until(before + 1)
      await each.run('of who awaits', () => offenders.flush())
      each.run('of who bans', () => offenders.ban('192.0.2.1'))
      await settle(30)
      await offenders.flush()
      offenders.close()
      client.destroy()
      assert.ok(site.seen.length > 4)
      assert.deepEqual(
        site.seen.filter(place => !place.endsWith(' nobody')),
        [],
      )
    })
  })
}
