import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { type CommonOptions, type Rule, rule } from '../../lib/index.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { listen, type RunningServer } from '../support/servers.ts'

// A client, or a proxy, that has gone before the verdict was sent nothing: the event must not say that it was told.

let drops: ReturnType<typeof collectDrops>
let server: RunningServer
let judge: (verdict: string) => void
let asked: Promise<void>

beforeEach(() => {
  drops = collectDrops()
})
afterEach(async () => {
  await server.close()
  drops.stop()
  assert.deepEqual(uncaught.splice(0), [])
})

/** A rule whose verdict comes when the test says so. */
function late(options: CommonOptions): Rule {
  let begin = () => {}
  asked = new Promise(resolve => {
    begin = resolve
  })
  return rule(
    'late',
    () =>
      new Promise(resolve => {
        judge = resolve
        begin()
      }),
    options,
  )
}

/** A promise, and what keeps it. */
function leaving(): { left: () => void; hasLeft: Promise<void> } {
  let left = () => {}
  const hasLeft = new Promise<void>(resolve => {
    left = resolve
  })
  return { left, hasLeft }
}

async function told() {
  judge('bad')
  while (drops.events.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  return drops.events.map(({ action, sentStatus, bodyBytesSent }) => [action, sentStatus, bodyBytesSent])
}

const ways: [string, CommonOptions][] = [
  ['a hand-off', { trustProxy: 'loopback' }],
  ['a hand-off with 404', { trustProxy: 'loopback', handOff: 404 }],
  ['an answer', { status: 429 }],
  ['an answer by a handler', { status: 429, handler: (_req, res) => res.end('no') }],
]

for (const [name, options] of ways) {
  test(`${name} to a client of HTTP/1 that has gone`, async () => {
    const judged = late(options)
    const { left, hasLeft } = leaving()
    server = await listen(
      http.createServer((req, res) => {
        req.socket.once('close', left)
        judged(req, res, () => assert.fail('passed'))
      }),
    )
    const client = net.connect(server.port, '127.0.0.1')
    client.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await asked
    client.destroy()
    await hasLeft
    assert.deepEqual(await told(), [['close', undefined, 0]])
  })

  test(`${name} to a stream of HTTP/2 that was given up`, async () => {
    const judged = late(options)
    const { left, hasLeft } = leaving()
    server = await listen(
      http2.createServer((req, res) => {
        req.stream.once('close', left)
        judged(req, res, () => assert.fail('passed'))
      }),
    )
    const client = http2.connect(`http://127.0.0.1:${server.port}`)
    const stream = client.request({ ':path': '/' })
    stream.on('error', () => {}).end()
    await asked
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await hasLeft
    assert.deepEqual(await told(), [['reset', undefined, 0]])
    client.destroy()
  })
}
