import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { codeBlocks, page } from '../support/docs.ts'
import { collectDrops } from '../support/events.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { handshake } from './handshake.ts'
import { type Running, runBlock } from './recipe.ts'
import { warnings } from './watch.ts'

const [block = ''] = codeBlocks(page('README.md'), 'ts')
const PATIENCE = 20_000
const ours = { Host: 'example.com' }

/** What the rules of the block refuse, and under what name. */
const unwanted: Record<string, [path: string, headers: Record<string, string>, event: string]> = {
  'another host': ['/', { Host: 'evil.test' }, 'noHost unknown-host'],
  'an address as host': ['/', { Host: '127.0.0.1' }, 'noHost ip-host'],
  'a scanner': ['/', { ...ours, 'User-Agent': 'sqlmap/1.8' }, 'badAgent bad-agent'],
  'no agent': ['/', { ...ours, 'User-Agent': '' }, 'badAgent empty-agent'],
  'a path of nobody': ['/.env', ours, 'pathAllowlist unlisted-path'],
}

describe("README's first block, with a WebSocket server beside it", () => {
  let site: Running
  let sockets = 0
  const drops = collectDrops()
  before(async () => {
    site = await runBlock(block)
    new WebSocketServer({ server: site.servers[0] as Server }).on('connection', () => sockets++)
  })
  after(async () => {
    drops.stop()
    await site.close()
  })

  test('it has 15 lines at most', () => assert.ok(block.trimEnd().split('\n').length <= 15))

  for (const [what, [path, headers, event]] of Object.entries(unwanted))
    for (const [how, bytes] of Object.entries({
      'an upgrade': handshake(path, headers),
      'a request': get(path, headers),
    }))
      test(`${how} is dropped, and said: ${what}`, async () => {
        drops.events.length = 0
        const wire = await exchange(site, bytes, PATIENCE)
        assert.deepEqual([wire.wireBytes, wire.end, sockets], [0, 'fin', 0])
        assert.deepEqual(
          drops.events.map(({ rule, reason }) => `${rule} ${reason}`),
          [event],
        )
      })

  test('who is welcome is let in, by upgrade and by request; nobody is warned', async () => {
    const client = await RawClient.open(site)
    client.send(handshake('/', ours))
    await client.until(() => client.text.includes('\r\n\r\n'), PATIENCE)
    client.destroy()
    assert.match(client.text, /^HTTP\/1\.1 101 /)
    assert.equal(sockets, 1)
    const page = await exchange(site, get('/users/7', { ...ours, Connection: 'close' }), PATIENCE)
    assert.match(page.data.toString(), /^HTTP\/1\.1 404 /)
    assert.deepEqual(warnings, [])
  })

  test('people who log in too often get an answer', async () => {
    const statuses: string[] = []
    for (let i = 0; i < 8; i++) {
      const wire = await exchange(site, get('/login', { ...ours, Connection: 'close' }), PATIENCE)
      statuses.push(wire.data.toString().slice(9, 12))
    }
    assert.ok(statuses.includes('429'), String(statuses))
  })
})
