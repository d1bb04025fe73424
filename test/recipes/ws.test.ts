import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { exchange, get } from '../support/raw-client.ts'
import { handshake } from './handshake.ts'
import { recipes } from './harness.ts'
import { blocksOf } from './recipe.ts'
import { forget, stillHeld } from './watch.ts'

const [server = '', noServer = ''] = blocksOf('ws')

const unwanted = {
  'a path of nobody': [handshake('/admin'), 'pathAllowlist: unlisted-path'],
  'a scanner': [handshake('/live', { 'User-Agent': 'sqlmap/1.8' }), 'badAgent: bad-agent'],
  'no agent': [handshake('/live', { 'User-Agent': '' }), 'badAgent: empty-agent'],
  'a plain request': [get('/wp-login.php'), 'pathAllowlist: unlisted-path'],
} as const

for (const [name, code] of Object.entries({ 'a server': server, 'an upgrade listener': noServer })) {
  describe(`ws with ${name}`, () => {
    const { start, events, told } = recipes()
    const block = { name, code, broken: 'nothing' as const }

    for (const [what, [bytes, event]] of Object.entries(unwanted)) {
      test(`0 bytes and one event: ${what}`, async () => {
        const { port } = await start(block)
        const wire = await exchange({ port }, bytes)
        assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
        assert.deepEqual(told(), [event])
      })
    }

    test('a real client talks to and fro', async () => {
      const { port } = await start(block)
      const client = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { 'User-Agent': 'ours/1' } })
      await once(client, 'open')
      for (const text of ['one', 'two']) {
        client.send(text)
        const [message] = await once(client, 'message')
        assert.equal(String(message), `heard ${text}`)
      }
      client.close()
      await once(client, 'close')
      assert.deepEqual(told(), [])
    })

    test('a real client without an agent passes where the page says so', async () => {
      const { port } = await start(block, ['badAgent()', 'badAgent({ empty: false })'])
      const client = new WebSocket(`ws://127.0.0.1:${port}/live`)
      await once(client, 'open')
      client.close()
      await once(client, 'close')
    })

    test('a page of another site is dropped by its Origin', async () => {
      const origin = "rule('origin', req => req.headers.origin !== 'https://example.com' && 'foreign-origin')"
      const { port } = await start(block, ['badAgent()', origin], ['badAgent, ', 'rule, '])
      const foreign = await exchange({ port }, handshake('/live', { Origin: 'https://other.example' }))
      assert.equal(foreign.wireBytes, 0)
      assert.deepEqual(told(), ['origin: foreign-origin'])
      const client = new WebSocket(`ws://127.0.0.1:${port}/live`, { origin: 'https://example.com' })
      await once(client, 'open')
      client.terminate()
    })

    test('a page passes', async () => {
      const { port } = await start(block)
      const wire = await exchange({ port }, get('/', { Connection: 'close' }))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*hello$/)
    })

    test('a trusted proxy is told', async () => {
      const { port } = await start(block, ['{ rules', "{ trustProxy: 'loopback', rules"])
      const wire = await exchange({ port }, handshake('/admin', { 'X-Forwarded-For': '203.0.113.9' }))
      assert.match(wire.data.toString(), /^HTTP\/1\.1 444 [\s\S]*Connection: close/)
      assert.deepEqual(
        events().map(({ action, clientAddress }) => `${action} ${clientAddress}`),
        ['hand-off 203.0.113.9'],
      )
    })

    test('a dropped handshake is held by nobody', async () => {
      const { port } = await start(block)
      forget()
      for (let count = 0; count < 10; count++) await exchange({ port }, handshake('/admin'))
      const { held } = await stillHeld()
      assert.deepEqual([held, told().length], [0, 10])
    })
  })
}
