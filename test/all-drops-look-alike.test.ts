import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { drop444, onDrop, Reason, repeatOffender } from '../lib/index.ts'
import { drop444Factories, reasonsOf } from './support/factories.ts'
import { exchange } from './support/raw-client.ts'
import { kindName, kinds, type RunningServer, start } from './support/servers.ts'

/** One request for each way to be dropped. */
const field = (lines: string[], target = '/', method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`
const host = 'Host: localhost'
const agent = 'User-Agent: Mozilla/5.0'

const requests: Record<string, { bytes: string; localAddress?: string }> = {
  [Reason.NO_HOST]: { bytes: field([agent]) },
  [Reason.EMPTY_HOST]: { bytes: field(['Host:', agent]) },
  [Reason.DUPLICATE_HOST]: { bytes: field([host, host, agent]) },
  [Reason.INVALID_HOST]: { bytes: field(['Host: a b', agent]) },
  [Reason.IP_HOST]: { bytes: field(['Host: 127.0.0.1', agent]) },
  [Reason.UNKNOWN_HOST]: { bytes: field(['Host: evil.example', agent]) },
  [Reason.DENIED_ADDRESS]: { bytes: field([host, agent]), localAddress: '127.66.0.1' },
  [Reason.UNLISTED_ADDRESS]: { bytes: field([host, agent]), localAddress: '127.77.0.1' },
  [Reason.UNLISTED_METHOD]: { bytes: field([host, agent], '/', 'PURGE') },
  [Reason.BAD_AGENT]: { bytes: field([host, 'User-Agent: sqlmap/1.7']) },
  [Reason.EMPTY_AGENT]: { bytes: field([host]) },
  [Reason.UNLISTED_PATH]: { bytes: field([host, agent], '/wp-login.php') },
  [Reason.AMBIGUOUS_PATH]: { bytes: field([host, agent], '/..%2f..%2fetc/passwd') },
  [Reason.BANNED]: { bytes: field([host, agent]), localAddress: '127.0.0.88' },
  [Reason.RATE_LIMITED]: { bytes: field([host, agent]) },
}

for (const kind of kinds.filter(({ protocol }) => protocol === 1)) {
  describe(`a client can't tell one drop from another: ${kindName(kind)}`, () => {
    let server: RunningServer
    let stop: () => void
    const reasons: string[] = []
    const seen = new Map<string, string>()

    before(async () => {
      stop = onDrop(event => reasons.push(event.reason))
      const offenders = repeatOffender({ limit: 10_000 })
      offenders.ban('127.0.0.88')
      const rules = drop444({
        repeatOffender: offenders,
        noHost: { serverNames: ['localhost'] },
        denyCidr: ['127.66.0.0/16'],
        allowCidr: ['127.0.0.0/16'],
        methodAllowlist: ['GET'],
        badAgent: true,
        pathAllowlist: ['/'],
        rateLimit: { rate: '1r/m', key: () => 'one' },
      })
      server = await start(kind, [rules], (_req, res) => res.end('fine'))
      const to = { port: server.port, tls: kind.tls, alpn: ['http/1.1'] }
      // The first request of the limit passes.
      await exchange(to, field([host, agent, 'Connection: close']))
      for (const [reason, { bytes, localAddress }] of Object.entries(requests)) {
        const wire = await exchange({ ...to, ...(localAddress ? { localAddress } : {}) }, bytes)
        assert.equal(reasons.pop(), reason)
        seen.set(reason, `${wire.wireBytes} bytes, ${wire.end}, ${wire.data.toString('hex')}`)
      }
    })
    after(async () => {
      stop()
      await server.close()
    })

    test('every pair of reasons gives the same bytes and the same end', () => {
      const all = [...seen]
      assert.equal(all.length, Object.keys(requests).length)
      for (const [one, first] of all) {
        for (const [other, second] of all) assert.equal(first, second, `${one} and ${other}`)
      }
      assert.equal(all[0]?.[1], '0 bytes, fin, ')
    })
  })
}

test('every reason of the rules of drop444 is in the table', () => {
  // The last: Express asks no middleware about such a target.
  const others: string[] = [Reason.NO_ADDRESS, Reason.OVERLOADED, Reason.STORE_DOWN, Reason.INVALID_TARGET]
  const ofRules = new Set(drop444Factories.flatMap(reasonsOf))
  assert.deepEqual([...Object.keys(requests), ...others].sort(), [...ofRules].sort())
})
