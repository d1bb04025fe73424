import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import express from 'express'
import express4 from 'express4'
import { allowCidr, cloudflare, noHost, protect, rule } from '../../lib/index.ts'
import published from '../../lib/lists/cloudflare.json' with { type: 'json' }
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

test('the list is what is published, with its day and its source, and nobody can change it', () => {
  assert.match(published.date, /^20\d\d-[01]\d-[0-3]\d$/)
  assert.ok(published.source.every(url => url.startsWith('https://www.cloudflare.com/ips-v')))
  assert.deepEqual(cloudflare, [...published.ipv4, ...published.ipv6])
  assert.deepEqual([new Set(published.ipv4).size, new Set(published.ipv6).size], [15, 7])
  assert.ok(published.ipv6.every(entry => entry.includes(':')))
  assert.throws(() => (cloudflare as string[]).push('0.0.0.0/0'), TypeError)
})

/** The CDN's edge is 127.0.0.1 here, which no test can be of Cloudflare's. */
const edges = [...cloudflare, '127.0.0.1/32']

for (const [version, create] of [
  ['4', express4],
  ['5', express],
] as const) {
  describe(`behind a CDN, with Express ${version}`, () => {
    hooks()

    async function site(): Promise<number> {
      const app = create()
      app.set('trust proxy', edges)
      const rules = [
        allowCidr(edges, { address: 'peer', name: 'cdn-only' }),
        noHost({ serverNames: ['example.com'], except: ['192.0.2.10'] }),
        rule('no-bad', req => req.url === '/bad' && 'bad', { handOff: 404 }),
      ]
      for (const one of rules) app.use(one as express.RequestHandler)
      app.get('/', (req: { ip?: string | undefined }, res: { end(text: string): void }) => {
        calls.push(req.ip as string)
        res.end('fine')
      })
      return closed(await listen(protect(http.createServer(app), { rules }))).port
    }
    const ask = (path: string, forwarded: string, host = 'example.com') =>
      get(path, { Host: host, 'X-Forwarded-For': forwarded, Connection: 'close' })

    test('nothing but the CDN may connect: whatever the others claim, not a byte', async () => {
      const port = await site()
      for (const forwarded of ['104.16.0.1', '127.0.0.1', '203.0.113.9, 104.16.0.1']) {
        const wire = await exchange({ port, localAddress: '127.0.0.9' }, ask('/', forwarded))
        assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      }
      assert.deepEqual(calls, [])
      assert.ok(
        drops.events.every(({ rule, peerAddress }) => rule === 'cdn-only' && peerAddress === '127.0.0.9'),
      )
      assert.equal(drops.events.length, 3)
    })

    test('the visitor is the last address that is not of the CDN', async () => {
      const port = await site()
      for (const [forwarded, client] of [
        ['203.0.113.9', '203.0.113.9'],
        ['10.9.9.9, 203.0.113.9', '203.0.113.9'],
        ['203.0.113.9, 104.16.0.1, 2606:4700::1', '203.0.113.9'],
        ['104.16.0.1, 203.0.113.9', '203.0.113.9'],
      ] as const) {
        assert.match((await exchange({ port }, ask('/', forwarded))).data.toString(), / 200 /)
        assert.equal(calls.at(-1), client)
        await exchange({ port }, ask('/bad', forwarded))
        assert.equal(drops.events.at(-1)?.clientAddress, client)
      }
    })

    test('what is dropped looks like a page that is not there, on a connection that stays', async () => {
      const client = await RawClient.open({ port: await site() })
      client.send(ask('/bad', '203.0.113.9').replace('Connection: close\r\n', ''))
      await client.until(() => client.text.includes('</html>'))
      assert.match(client.text, /^HTTP\/1\.1 404 Not Found[\s\S]*Cannot GET \/bad/)
      client.send(ask('/', '203.0.113.9'))
      await client.until(() => client.text.endsWith('fine'))
      assert.deepEqual(calls, ['203.0.113.9'])
    })

    test("a health check's IP Host passes by its address, and only by that", async () => {
      const port = await site()
      const check = ask('/', '192.0.2.10', '127.0.0.1')
      assert.match((await exchange({ port }, check)).data.toString(), / 200 /)
      await exchange({ port }, check.replace('192.0.2.10', '192.0.2.11'))
      await exchange({ port }, check.replace('192.0.2.10', '192.0.2.10, 192.0.2.11'))
      assert.equal(calls.length, 1)
      assert.deepEqual(
        drops.events.map(({ reason }) => reason),
        ['ip-host', 'ip-host'],
      )
    })
  })
}
