import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { type Block, recipes } from './harness.ts'
import { forget, note, stillHeld } from './watch.ts'

const unwanted = {
  'a path of nobody': [headers(1, '/wp-login.php'), 'pathAllowlist: unlisted-path'],
  'a scanner': [headers(1, '/', { 'user-agent': 'sqlmap/1.8' }), 'badAgent: bad-agent'],
} as const

const framesOf = (client: { data: Buffer }, type: string) =>
  parseFrames(client.data).filter(frame => frame.type === type)
const answers = (client: { data: Buffer }) =>
  framesOf(client, 'DATA').filter(({ payload }) => String(payload).includes('hello')).length

/** What every recipe on HTTP/2 has to do. */
export function overHttp2(block: Block): void {
  describe(`${block.name}, over HTTP/2`, () => {
    const { start, events, told } = recipes()
    const open = async (port: number) => openHttp2({ port, tls: block.tls ?? false })

    for (const [what, [bytes, event]] of Object.entries(unwanted)) {
      test(`no HEADERS, the stream is reset: ${what}`, async () => {
        const { port, lines, greetings } = await start(block)
        const client = await open(port)
        client.send(bytes)
        assert.ok(await client.until(() => framesOf(client, 'RST_STREAM').length > 0, 20_000))
        client.destroy()
        assert.deepEqual(framesOf(client, 'HEADERS'), [])
        assert.deepEqual(
          framesOf(client, 'RST_STREAM').map(({ stream }) => stream),
          [1],
        )
        assert.deepEqual(told(), [event])
        assert.deepEqual([lines().length, greetings()], [1, 0])
      })
    }

    test('an answer for the rest, which a drop beside it does not hurt', async () => {
      const { port } = await start(block)
      const client = await open(port)
      client.send(headers(1, '/'))
      assert.ok(await client.until(() => answers(client) === 1))
      client.send(Buffer.concat([headers(3, '/'), headers(5, '/wp-login.php')]))
      const isOver = () => answers(client) === 2 && framesOf(client, 'RST_STREAM').length === 1
      assert.ok(await client.until(isOver, 20_000))
      client.destroy()
      assert.equal(framesOf(client, 'HEADERS').length, 2)
      assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
    })

    test('a trusted proxy is told on the stream, and its session goes on', async () => {
      const { port } = await start(block, ['drop444({ ', "drop444({ trustProxy: 'loopback', "])
      const client = await open(port)
      client.send(headers(1, '/wp-login.php', { 'x-forwarded-for': '203.0.113.9' }))
      assert.ok(await client.until(() => framesOf(client, 'HEADERS').length === 1))
      client.send(headers(3, '/', { 'x-forwarded-for': '203.0.113.9' }))
      assert.ok(await client.until(() => answers(client) === 1))
      assert.equal(client.end, 'open')
      client.destroy()
      assert.deepEqual(
        events().map(({ action, clientAddress }) => `${action} ${clientAddress}`),
        ['hand-off 203.0.113.9'],
      )
    })

    test('the session of a dropped request is held by nobody', async () => {
      const { port, servers } = await start(block)
      forget()
      servers[0]?.on('session', note)
      for (let count = 0; count < 5; count++) {
        const client = await open(port)
        client.send(headers(1, '/wp-login.php'))
        assert.ok(await client.until(() => framesOf(client, 'RST_STREAM').length > 0, 20_000))
        client.destroy()
      }
      assert.deepEqual(await stillHeld(), { came: 5, held: 0 })
      assert.equal(told().length, 5)
    })
  })
}
