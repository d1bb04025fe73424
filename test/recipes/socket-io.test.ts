import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { io, type Socket } from 'socket.io-client'
import { exchange, get } from '../support/raw-client.ts'
import { handshake } from './handshake.ts'
import { recipes, soon } from './harness.ts'
import { blocksOf } from './recipe.ts'
import { forget, stillHeld } from './watch.ts'

const [through = '', inEngine = ''] = blocksOf('socket-io')
const engine = '/socket.io/?EIO=4&transport='
const scanner = { 'User-Agent': 'sqlmap/1.8' }

/** Each: bytes, what is told where rules are in protect, and where they are in the engine. */
const unwanted: Record<string, [bytes: string, through: string, inEngine?: string]> = {
  'a poll of a scanner': [get(`${engine}polling`, scanner), 'badAgent: bad-agent', 'badAgent: bad-agent'],
  'a handshake of a scanner': [
    handshake(`${engine}websocket`, scanner),
    'badAgent: bad-agent',
    'badAgent: bad-agent',
  ],
  'a handshake for a path of nobody': [handshake('/admin'), 'pathAllowlist: unlisted-path'],
  'a page of nobody': [get('/wp-login.php'), 'pathAllowlist: unlisted-path'],
}

for (const [name, code] of Object.entries({ 'through protect': through, 'in its engine': inEngine })) {
  describe(`Socket.IO, rules ${name}`, () => {
    const { start, told } = recipes()
    const block = { name, code, broken: 'nothing' as const }
    let client: Socket | undefined
    afterEach(() => {
      client?.disconnect()
    })

    async function talks(port: number, transports: string[], headers: Record<string, string>) {
      client = io(`http://127.0.0.1:${port}`, { transports, extraHeaders: headers, reconnection: false })
      const { io: manager } = client
      await new Promise<unknown>((resolve, reject) => {
        client?.once('connect', () => resolve(undefined)).once('connect_error', reject)
      })
      client.emit('say', 'one')
      assert.equal(await new Promise(resolve => client?.once('heard', resolve)), 'one')
      return manager.engine
    }

    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      test(`a real client talks to and fro by ${transports.join(', then ')}`, async () => {
        const { port } = await start(block)
        const used = await talks(port, transports, { 'User-Agent': 'ours/1' })
        assert.ok(await soon(() => used.transport.name === transports.at(-1)), used.transport.name)
        assert.deepEqual(told(), [])
      })
    }

    test('a real client over WebSocket needs an agent, as the page says', async () => {
      const { port } = await start(block)
      await assert.rejects(talks(port, ['websocket'], {}))
      assert.deepEqual(told(), ['badAgent: empty-agent'])
      await talks(port, ['polling'], {})
    })

    for (const [what, [bytes, ...events]] of Object.entries(unwanted)) {
      const event = events[code === through ? 0 : 1]
      if (event === undefined) continue
      test(`0 bytes and one event: ${what}`, async () => {
        const { port, lines } = await start(block)
        const wire = await exchange({ port }, bytes)
        assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
        assert.deepEqual(told(), [event])
        assert.equal(lines().length, 1)
      })
    }

    test('a page passes', async () => {
      const { port } = await start(block)
      const wire = await exchange({ port }, get('/', { Connection: 'close' }))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*hello$/)
    })

    test('a dropped poll or handshake is held by nobody', async () => {
      const { port } = await start(block)
      forget()
      for (let count = 0; count < 5; count++) {
        await exchange({ port }, get(`${engine}polling`, scanner))
        await exchange({ port }, handshake(`${engine}websocket`, scanner))
      }
      const { held } = await stillHeld()
      assert.deepEqual([held, told().length], [0, 10])
    })
  })
}
