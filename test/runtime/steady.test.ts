import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rateLimit } from '../../lib/index.ts'
import { Steady } from '../../lib/runtime/steady.ts'
import { exchange, get } from '../support/raw-client.ts'
import { start } from '../support/servers.ts'

test('goes on as the clock does, and stands where that is set back', () => {
  const steps = fc.array(fc.tuple(fc.nat(1_000_000), fc.oneof(fc.constant(0), fc.nat(1e9))), { minLength: 1 })
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 2e12 }), steps, (begin, all) => {
      const steady = new Steady()
      let clock = begin
      let expected = steady.follow(clock)
      assert.equal(expected, begin)
      for (const [passed, back] of all) {
        // Read before it is set back, and at once thereafter.
        clock += passed
        expected += passed
        assert.equal(steady.follow(clock), expected)
        clock -= back
        assert.equal(steady.follow(clock), expected)
        assert.equal(steady.ahead, expected - clock)
      }
    }),
  )
})

test('rateLimit: once anybody has asked by the clock that was set back, it counts for all', async () => {
  let time = 1.8e12
  const limit = rateLimit({ rate: '1r/s', now: () => time })
  const server = await start({ server: 'http', app: 'bare' }, [limit], (_req, res) => res.end('fine'))
  const ask = async (localAddress: string) =>
    (await exchange({ port: server.port, localAddress }, get('/', { Connection: 'close' }))).wireBytes > 0
  try {
    for (const by of [1_000, 59_000, 3_600_000]) {
      time += 10_000
      for (const client of ['127.0.0.5', '127.0.0.6']) {
        assert.deepEqual([await ask(client), await ask(client)], [true, false])
      }
      time -= by
      assert.equal(await ask('127.0.0.5'), false)
      time += 1_000
      assert.deepEqual([await ask('127.0.0.6'), await ask('127.0.0.5')], [true, true])
    }
  } finally {
    await server.close()
  }
})
