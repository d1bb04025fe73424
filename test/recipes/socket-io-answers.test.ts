import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { Server } from 'socket.io'
import { badAgent } from '../../lib/index.ts'
import { exchange } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'
import { handshake } from './handshake.ts'

const scanner = { 'User-Agent': 'sqlmap/1.8' }

/** A handshake in its engine comes with what only looks like a response. */
describe('a rule in the engine of Socket.IO answers a WebSocket handshake', () => {
  hooks()
  const cases = [
    [{ trustProxy: 'loopback' }, /^HTTP\/1\.1 444 /, ['hand-off', 444]],
    [{ trustProxy: 'loopback', handOff: 404 }, /^HTTP\/1\.1 404 /, ['hand-off', 404]],
    [{ status: 403 }, /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*\r\n\r\nForbidden\n$/, ['respond', 403]],
    [{}, /^$/, ['close', undefined]],
  ] as const
  for (const [options, expected, event] of cases) {
    test(JSON.stringify(options), async () => {
      const server = http.createServer()
      const io = new Server(server)
      io.engine.use(badAgent(options))
      const { port } = closed(await listen(server))
      const wire = await exchange({ port }, handshake('/socket.io/?EIO=4&transport=websocket', scanner))
      assert.match(wire.data.toString(), expected)
      assert.equal(wire.end, 'fin')
      assert.deepEqual(
        drops.events.map(({ action, sentStatus }) => [action, sentStatus]),
        [event],
      )
      io.engine.close()
    })
  }
})
