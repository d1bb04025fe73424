import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Edit, ProxyKind } from '../support/proxies/proxy.ts'
import { get } from '../support/raw-client.ts'
import { requireTool } from '../support/tools.ts'
import { setups, visit } from './setup.ts'

const IN_FLIGHT = 12
const DROPS = 16

/** Over one connection of HTTP/2 come the requests of many people: a drop may answer its own stream alone. */
export function http2Tests(kind: ProxyKind, edits: readonly Edit[]): void {
  describe(`over HTTP/2 behind ${kind.name}`, { skip: requireTool(kind.tool) }, () => {
    const start = setups(kind)

    test('drops beside slow responses on the same session', async () => {
      const setup = await start({ edits, h2c: true })
      const { connections } = setup.backends
      await visit(setup, 'before')
      const slow = Promise.all(
        Array.from({ length: IN_FLIGHT }, (_, i) => setup.ask(`/slow/${i}`, { fresh: true })),
      )
      for (let i = 0; i < DROPS / 2; i++) {
        setup.assertSilent(await setup.attack(undefined, 20))
        setup.assertSilent(await setup.attack(`${get('/x', { 'Content-Length': '5' })}after`, 20))
      }
      for (const [i, answer] of (await slow).entries())
        assert.deepEqual(answer, { status: 200, body: `slow ${i}` })
      await visit(setup, 'after')
      const { events } = setup.drops
      assert.equal(events.length, DROPS)
      for (const { action, sentStatus, httpVersion } of events)
        assert.deepEqual([action, sentStatus, httpVersion], ['hand-off', 444, '2.0'])
      assert.equal(connections.ended, 0)
      assert.ok(connections.opened < IN_FLIGHT, `${connections.opened} sessions`)
      assert.deepEqual(await setup.up(), setup.backends.names)
    })
  })
}
