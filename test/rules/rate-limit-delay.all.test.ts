import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rateLimit } from '../../lib/index.ts'
import { sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'

const site = sites()

describe('delay, with the real clock', () => {
  test('a delay beyond what a timer counts does not pass at once', async () => {
    const store = { hit: () => ({ allowed: true, delay: 2 ** 33, retryAfter: 0 }) }
    const to = await site([rateLimit({ rate: '1r/m', burst: 9, delay: 'all', store })])
    assert.equal((await exchange({ port: to.port }, get('/'), 100)).end, 'open')
    assert.equal(to.calls.length, 0)
  })

  test("'all' makes each wait for its turn", async () => {
    const to = await site([rateLimit({ rate: '10r/s', burst: 2, delay: 'all' })])
    const started = performance.now()
    const at = await Promise.all(
      [0, 1, 2, 3].map(async () => {
        const wire = await to.send(get('/', { Connection: 'close' }))
        return [wire.data.length > 0, Math.round((performance.now() - started) / 100)]
      }),
    )
    assert.deepEqual(
      at
        .filter(([passed]) => passed)
        .map(([, tenths]) => tenths)
        .sort(),
      [0, 1, 2],
    )
    assert.equal(to.events.length, 1)
  })

  test('a number: so many pass at once', async () => {
    const to = await site([rateLimit({ rate: '5r/s', burst: 3, delay: 2 })])
    const times = await Promise.all(
      [0, 1, 2, 3].map(async () => (await to.send(get('/', { Connection: 'close' }))).elapsed),
    )
    const [, , third = 0, last = 0] = times.sort((a, b) => a - b)
    assert.ok(third < 150 && last > 150, `${times}`)
    assert.equal(to.events.length, 0)
  })

  for (const server of ['http', 'h2c'] as const) {
    test(`a delayed request whose client leaves is forgotten: ${server}`, async () => {
      const to = await site([rateLimit({ rate: '5r/s', burst: 5, delay: 'all' })], { server, app: 'bare' })
      for (let i = 0; i < 3; i++) {
        const client =
          server === 'http' ? await RawClient.open({ port: to.port }) : await openHttp2({ port: to.port })
        client.send(server === 'http' ? get('/') : headers(1, '/'))
        await settle(40)
        client.destroy()
      }
      await settle(600)
      assert.equal(to.calls.length, 1)
      assert.equal(to.events.length, 0)
    })
  }

  test('a delayed, pipelined request whose client leaves', async () => {
    const to = await site([rateLimit({ rate: '5r/s', burst: 5, delay: 'all' })])
    const client = await RawClient.open({ port: to.port })
    client.send(get('/1') + get('/2') + get('/3'))
    await settle(50)
    client.destroy()
    await settle(500)
    assert.deepEqual(to.calls, ['/1'])
  })
})
