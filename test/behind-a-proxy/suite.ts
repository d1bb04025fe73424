import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ProxyKind } from '../support/proxies/proxy.ts'
import { get } from '../support/raw-client.ts'
import { requireTool } from '../support/tools.ts'
import { manyDrops } from './many-drops.ts'
import { oddRequestTests } from './odd-requests.ts'
import { ATTACKER, setups, visit } from './setup.ts'

/** What a proxy passes on to Node, and Node finds broken. */
export type Broken = Readonly<Record<string, string>>

/** More than Node's 16 kB in lines of 6 kB each. */
export const oversized = get('/', Object.fromEntries(['A', 'B', 'C'].map(name => [name, 'x'.repeat(6_000)])))
const unknownMethod = 'FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n'
export const controlCharacter = get('/', { 'X-A': 'a\x01b' })

/** Bodies of dropped requests, which lie in front of the next visitor's request on the connection to the app. */
const bodies = { 'of 100 B': 100, 'of 200 kB': 200_000, 'of 1 MB': 1_000_000 }

/** What could be taken for a request, or the head of one, if somebody read on in it. */
const smuggled = (length: number) => {
  const inner = 'GET /echo/smuggled HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n\r\n'
  return inner.repeat(Math.ceil(length / inner.length)).slice(0, length)
}

function upload(length: number, isChunked: boolean): string {
  const head = 'POST /xmlrpc.php HTTP/1.1\r\nHost: localhost\r\nUser-Agent: raw/1\r\n'
  const body = smuggled(length)
  if (!isChunked) return `${head}Content-Length: ${length}\r\n\r\n${body}`
  const chunks = body.match(/.{1,50000}/gs) ?? []
  const framed = chunks.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  return `${head}Transfer-Encoding: chunked\r\n\r\n${framed.join('')}0\r\n\r\n`
}

/** What holds behind every proxy with the configuration of its example. */
export function createTests(kind: ProxyKind, broken: Broken): void {
  describe(`behind ${kind.name}`, { skip: requireTool(kind.tool) }, () => {
    const start = setups(kind)

    test('a dropped client gets nothing; the event and the log of the proxy say who it was', async () => {
      const setup = await start()
      const path = '/wp-login.php?spoofed'
      const client = await setup.attack(get(path, { 'X-Forwarded-For': '203.0.113.9' }), 300)
      setup.assertSilent(client)
      const said = setup.drops.events.map(event => [
        ...[event.action, event.status, event.sentStatus, event.reason],
        ...[event.clientAddress, event.peerAddress, event.url],
      ])
      assert.deepEqual(said, [['hand-off', 444, 444, 'unlisted-path', ATTACKER, '127.0.0.1', path]])
      const [line = ''] = await setup.proxy.accessLog(1)
      assert.ok(line.includes(ATTACKER), line)
      const { path: logged, status } = kind.read(line)
      assert.deepEqual([logged, status], [path, kind.droppedStatus])
      assert.deepEqual(await setup.up(), setup.backends.names)
    })

    test('1,000 drops beside visitors', async t => manyDrops(await start(), t))

    for (const [name, length] of Object.entries(bodies)) {
      for (const isChunked of [false, true]) {
        test(`visitors behind dropped uploads ${name}${isChunked ? ', chunked' : ''}`, async () => {
          const setup = await start()
          for (let i = 0; i < 12; i++) {
            setup.assertSilent(await setup.attack(upload(length, isChunked), 50))
            await visit(setup, `v${i}`, 3)
          }
          assert.deepEqual(
            setup.drops.events.map(({ action, url }) => [action, url]),
            Array(12).fill(['hand-off', '/xmlrpc.php']),
          )
          // Two backends, and what a pool adds: the connections outlived the drops.
          const { opened } = setup.backends.connections
          assert.ok(opened <= 8, `${opened} connections`)
        })
      }
    }

    test('responses in flight are not harmed', async () => {
      const setup = await start()
      const slow = Promise.all(Array.from({ length: 8 }, (_, i) => setup.ask(`/slow/${i}`, { fresh: true })))
      for (let i = 0; i < 10; i++) setup.assertSilent(await setup.attack(undefined, 30))
      assert.equal(setup.drops.events.length, 10)
      for (const [i, answer] of (await slow).entries())
        assert.deepEqual(answer, { status: 200, body: `slow ${i}` })
    })

    oddRequestTests(start)

    for (const [name, bytes] of Object.entries({ 'an unknown method': unknownMethod, ...broken })) {
      test(`what Node finds broken: ${name}`, async () => {
        const setup = await start()
        for (let i = 0; i < 12; i++) setup.assertSilent(await setup.attack(bytes, 50))
        assert.deepEqual(
          setup.drops.events.map(({ action, sentStatus, rule }) => [action, sentStatus, rule]),
          Array(12).fill(['hand-off', 444, 'protect']),
        )
        await visit(setup, 'after')
        assert.deepEqual(await setup.up(), setup.backends.names)
      })
    }
  })
}
