import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { dropLog } from '../../lib/index.ts'
import { contexts } from '../support/contexts.ts'
import { settle } from '../support/events.ts'

const drop = (reason: string, url: string) =>
  channel('drop444:drop').publish({
    time: 0,
    status: 444,
    action: 'close',
    rule: 'rule',
    reason,
    method: 'GET',
    url,
  })

for (const { name, run, now } of contexts) {
  describe(`a log, ${name}`, () => {
    /** Lines, and in whose context the logger was called. */
    function logged(options: Parameters<typeof dropLog>[1]) {
      const seen: string[] = []
      const info = (fields: { url?: string; count?: number }) =>
        void seen.push(`${fields.url ?? fields.count} ${now()}`)
      return { seen, stop: dropLog({ info }, options) }
    }

    test('is written in the context of each request', async () => {
      const { seen, stop } = logged({})
      for (const url of ['/a', '/b']) run(`of ${url}`, () => drop('reason', url))
      stop()
      assert.deepEqual(seen, ['/a of /a', '/b of /b'])
    })

    test('says in none how many it left out', async () => {
      const { seen, stop } = logged({ sum: 20 })
      for (const url of ['/a', '/b']) run(`of ${url}`, () => drop('reason', url))
      await settle(60)
      assert.deepEqual(seen, ['/a of /a', '1 nobody'])
      for (const url of ['/a', '/b']) run(`of ${url}`, () => drop('reason', url))
      run('of who stops it', stop)
      assert.deepEqual(seen.slice(2), ['/a of /a', '1 nobody'])
    })

    test('and when a request brings one reason too many', async () => {
      const { seen, stop } = logged({ sample: 2 })
      for (const url of ['/a', '/b']) run(`of ${url}`, () => drop('reason', url))
      for (let i = 0; i < 1_000; i++) run('of a flood', () => drop(`reason ${i}`, '/flood'))
      stop()
      assert.deepEqual(
        seen.filter(line => !line.startsWith('/')),
        ['1 nobody'],
      )
    })
  })
}
