import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TrustProxy } from '../../lib/index.ts'
import { nginx } from '../support/proxies/nginx.ts'
import { get } from '../support/raw-client.ts'
import { requireTool } from '../support/tools.ts'
import { ATTACKER, setups, visit } from './setup.ts'
import { oversized } from './suite.ts'

/** A unix-domain socket has no address that could be listed: whoever can open it is the proxy. */
const trusts: Record<string, TrustProxy> = {
  'a number': 1,
  'a function': (_address, hop) => hop === 0,
}

describe('behind nginx over a unix-domain socket', { skip: requireTool('nginx') }, () => {
  const start = setups(nginx)

  for (const [name, trustProxy] of Object.entries(trusts)) {
    test(`trust by ${name}: the client is the real one, and is dropped by nginx`, async () => {
      const setup = await start({ trustProxy, unix: true })
      for (let i = 0; i < 4; i++) {
        setup.assertSilent(await setup.attack(get('/wp-login.php', { 'X-Forwarded-For': '203.0.113.9' })))
        await visit(setup, `v${i}`, 4)
      }
      assert.deepEqual(
        setup.drops.events.map(event => [event.action, event.clientAddress, event.peerAddress]),
        Array(4).fill(['hand-off', ATTACKER, undefined]),
      )
      assert.deepEqual(await setup.up(), setup.backends.names)
    })

    test(`trust by ${name}: what Node finds broken`, async () => {
      const setup = await start({ trustProxy, unix: true })
      for (let i = 0; i < 4; i++) setup.assertSilent(await setup.attack(oversized))
      assert.deepEqual(
        setup.drops.events.map(({ action, reason }) => [action, reason]),
        Array(4).fill(['hand-off', 'header-too-large']),
      )
      assert.deepEqual(await setup.up(), setup.backends.names)
    })
  }
})
