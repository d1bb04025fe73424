import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Edit, ProxyKind } from '../support/proxies/proxy.ts'
import { requireTool } from '../support/tools.ts'
import { type Setup, setups } from './setup.ts'

/** Enough for any of the settings below. */
const DROPS = 12

export interface Strictness {
  /** What has the proxy give up a server that fails requests. */
  readonly edits: readonly Edit[]
  /** So many dropped requests, closed naively, take the site down. */
  readonly drops: number
  /** What visitors get then. */
  readonly status: number
  /** Whether the proxy is like that with the settings that it has by default. */
  readonly isStock?: boolean
}

const visitors = async (setup: Setup, count = 10) => {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) statuses.push((await setup.ask('/', { fresh: true })).status)
  return statuses
}

/** An unwanted request whose connection to the app was closed: its client gets an error page. */
async function attackNaively(setup: Setup): Promise<number> {
  const client = await setup.open()
  client.send('GET /wp-login.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await client.ended(4_000)
  return Number(/^HTTP\/1\.1 (\d+) /.exec(client.text)?.[1])
}

/** What `handOff: 'close'` does to visitors, and that hand-off does not do it under the same settings. */
export function outageTests(kind: ProxyKind, { edits, drops, status, isStock = false }: Strictness): void {
  describe(`an outage behind ${kind.name}`, { skip: requireTool(kind.tool) }, () => {
    const start = setups(kind)

    test(`handOff: 'close': after ${drops} dropped requests every visitor gets ${status}`, async () => {
      const setup = await start({ edits, handOff: 'close' })
      assert.deepEqual(await setup.up(), setup.backends.names)
      for (let i = 0; i < drops; i++) assert.ok((await attackNaively(setup)) >= 500)
      assert.deepEqual(await visitors(setup), Array(10).fill(status))
    })

    test('hand-off: none', async () => {
      const setup = await start({ edits })
      for (let i = 0; i < DROPS; i++) setup.assertSilent(await setup.attack(undefined, 50))
      assert.deepEqual(await visitors(setup), Array(10).fill(200))
      assert.deepEqual(await setup.up(), setup.backends.names)
    })

    if (isStock) return
    test('hand-off of CONNECT, which these proxies pass on: none', async () => {
      const setup = await start({ edits })
      const connect = 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'
      for (let i = 0; i < DROPS; i++) setup.assertSilent(await setup.attack(connect, 50))
      assert.deepEqual(
        setup.drops.events.map(({ action, reason }) => [action, reason]),
        Array(DROPS).fill(['hand-off', 'connect-method']),
      )
      assert.deepEqual(await visitors(setup), Array(10).fill(200))
    })

    test("handOff: 'close' with the example's settings: the dropped client gets a page", async () => {
      const setup = await start({ handOff: 'close' })
      for (let i = 0; i < DROPS; i++) assert.equal(await attackNaively(setup), 502)
      assert.deepEqual(await visitors(setup), Array(10).fill(200))
    })
  })
}
