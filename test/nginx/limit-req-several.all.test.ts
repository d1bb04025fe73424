import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MemoryStore } from '../../lib/index.ts'
import type { Bucket } from '../../lib/stores.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { requireTool } from '../support/tools.ts'
import { verdictOf } from './limit-req-replay.ts'
import { randomFrom, readLogs, send } from './limit-req-traffic.ts'

const bucket = (rate: number, burst: number, delay = Number.POSITIVE_INFINITY): Bucket => ({
  rate: rate * 1000,
  burst: burst * 1000,
  delay: delay * 1000,
})

/** Locations with several limits each: as nginx writes them, and as they are here. */
const locations = {
  quick: {
    rules: 'limit_req zone=a burst=1 nodelay; limit_req zone=b burst=10 nodelay;',
    buckets: [bucket(60, 1), bucket(25, 10)],
    verdicts: ['PASSED', 'REJECTED'],
  },
  // The long one first: which of them rejects must not matter.
  queued: {
    rules: 'limit_req zone=c burst=8 delay=2; limit_req zone=d burst=3; limit_req zone=e burst=20 nodelay;',
    buckets: [bucket(30, 8, 2), bucket(60, 3, 0), bucket(40, 20)],
    verdicts: ['DELAYED', 'PASSED', 'REJECTED'],
  },
} as const

const zones = 'a:60 b:25 c:30 d:60 e:40'.split(' ').map(zone => zone.split(':'))
const requests = 300

describe('nginx: several limit_req of one location decide as hitAll', { skip: requireTool('nginx') }, () => {
  let nginx: Nginx

  before(async () => {
    nginx = await startNginx({
      logFormat: '$uri $arg_n $at $connection_time $limit_req_status $status',
      errorLevel: 'info',
      http: zones
        .map(([name, rate]) => `limit_req_zone $binary_remote_addr zone=${name}:64k rate=${rate}r/s;`)
        .join('\n'),
      servers: address => `server {
        listen ${address} http2;
        set $at $connection_time;
        ${Object.entries(locations)
          .map(([name, { rules }]) => `location = /${name} { ${rules} try_files /none =204; }`)
          .join('\n')}
      }`,
    })
    const random = randomFrom(7)
    const gaps = () =>
      Array.from({ length: requests }, () => (random() < 0.2 ? 0 : Math.round(random() * 40)))
    await Promise.all(Object.keys(locations).map(name => send(nginx.port, `/${name}`, gaps())))
  })

  after(() => nginx?.close())

  for (const [name, { buckets, verdicts }] of Object.entries(locations)) {
    test(name, async () => {
      const seen = await readLogs(nginx, name, 2 * requests)
      assert.equal(seen.length, requests)
      assert.deepEqual([...new Set(seen.map(({ verdict }) => verdict))].sort(), verdicts)
      const memory = new MemoryStore(100)
      for (const { at, verdict, took } of seen) {
        const decision = memory.hitAll(
          buckets.map((each, i) => ({ key: String(i), bucket: each })),
          at,
        )
        assert.equal(verdictOf(decision), verdict)
        assert.ok(took >= decision.delay, `${took} ms instead of ${decision.delay}`)
      }
    })
  }
})
