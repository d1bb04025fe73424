import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { OnStoreError } from '../../lib/stores/rate-limit-store.ts'
import { settle, uncaught } from '../support/events.ts'
import { requireTool } from '../support/tools.ts'
import { type ClientKind, connectClient } from './outage-clients.ts'
import { assertNobodyWaited, endure } from './outage-endure.ts'
import { fault, faults } from './outage-faults.ts'
import { watchPatience } from './outage-patience.ts'
import { lasting, OutageSite } from './outage-site.ts'

const clients: readonly ClientKind[] = ['node-redis', 'ioredis']
const modes: readonly OnStoreError[] = ['memory', 'pass', 'drop']

/** Each fault with each client, in one of the modes; the two plainest in all. */
const cases = faults.flatMap((each, i) =>
  clients.flatMap((client, j) => {
    const isPlain = each === fault('kill -9') || each === fault('a freeze')
    const some = isPlain ? modes : [modes[(i + 2 * j) % 3] as OnStoreError]
    return some.map(mode => ({ fault: each, client, mode }))
  }),
)

/** CI tries all of them on one Node, and a third on each of the others. */
const third = Number(process.versions.node.split('.')[0]) % 3
const tried = process.env.DROP444_SAMPLE ? cases.filter((_, index) => index % 3 === third) : cases

describe('outages of a real Redis, under load', { skip: requireTool('redis-server'), concurrency: 8 }, () => {
  afterEach(() => assert.deepEqual(uncaught.splice(0), []))

  for (const { fault: each, client, mode } of tried) {
    it(`${each.name}, ${client}, '${mode}'`, async () => {
      await endure(each, connectClient(client), mode)
    })
  }
})

describe('a client that is closed', { skip: requireTool('redis-server') }, () => {
  for (const client of clients) {
    it(`is an outage that does not end: ${client}`, async () => {
      const site = await OutageSite.start(fault('kill -9'), connectClient(client), 'memory')
      try {
        await site.connected()
        const patience = watchPatience()
        site.disconnect()
        const asked = await Promise.all(Array.from({ length: 20 }, () => site.ask('after', lasting(5))))
        assert.equal(asked.filter(({ allowed }) => allowed).length, 6)
        await settle(1_000)
        assertNobodyWaited(site, patience())
        assert.deepEqual(
          site.events.map(({ state }) => state),
          ['down'],
        )
      } finally {
        await site.close()
      }
      assert.deepEqual(uncaught.splice(0), [])
    })
  }
})
