import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { requireTool } from '../support/tools.ts'
import { type Judged, judgeAt, optionsOf, verdictOf } from './limit-req-replay.ts'
import { limitingNginx, randomFrom, readLogs, type Seen, send, type Zone } from './limit-req-traffic.ts'

interface Traffic extends Zone {
  readonly requests: number
  /** Gaps are up to this, in milliseconds; a fifth of the requests come at once. */
  readonly gap: number
  /** What must be seen for the run to mean something. */
  readonly verdicts: readonly string[]
}

const both = ['PASSED', 'REJECTED']
const three = ['DELAYED', 'PASSED', 'REJECTED']

const traffic: readonly Traffic[] = [
  { name: 'plain', rate: '2999r/m', status: 444, requests: 250, gap: 40, verdicts: both },
  { name: 'nodelay', rate: '50r/s', burst: 2, status: 503, requests: 250, gap: 40, verdicts: both },
  { name: 'some', rate: '3001r/m', burst: 5, delay: 2, status: 444, requests: 250, gap: 40, verdicts: three },
  {
    name: 'queue',
    rate: '200r/s',
    burst: 3,
    delay: 'all',
    status: 503,
    requests: 400,
    gap: 10,
    verdicts: three,
  },
  { name: 'slow', rate: '5r/s', status: 444, requests: 40, gap: 250, verdicts: both },
  { name: 'minute', rate: '1r/m', burst: 2, status: 444, requests: 20, gap: 200, verdicts: both },
  { name: 'half', rate: '30r/m', burst: 1, status: 503, requests: 40, gap: 250, verdicts: both },
]

const inAll = traffic.reduce((sum, { requests }) => sum + requests, 0)
const seed = 444

/** nginx logs the excess of what it delays or rejects; ours is in how long the request has to wait. */
function assertSameExcess(seen: Seen, { bucket, decision }: Judged): void {
  const excess = seen.excess ?? assert.fail('nginx logs the excess')
  if (decision.allowed) {
    assert.equal(decision.delay, Math.floor(((excess - bucket.delay) * 1000) / bucket.rate))
    assert.ok(seen.took >= decision.delay, `${seen.took} ms instead of ${decision.delay}`)
  } else {
    // nginx's excess is rounded by less than a thousandth, which takes this long to drain.
    const atMost = Math.ceil(((excess - bucket.burst) * 1000) / bucket.rate)
    const rounding = Math.ceil(1000 / bucket.rate)
    const { retryAfter } = decision
    assert.ok(retryAfter <= atMost && retryAfter >= atMost - rounding, `${retryAfter} instead of ${atMost}`)
  }
}

describe('nginx: limit_req and rateLimit decide the same', { skip: requireTool('nginx') }, () => {
  let nginx: Nginx

  before(async () => {
    assert.ok(inAll >= 1_000)
    nginx = await startNginx(limitingNginx(traffic, 'http2'))
    const random = randomFrom(seed)
    const runs = traffic.map(({ name, requests, gap }) => {
      const gaps = Array.from({ length: requests }, () => (random() < 0.2 ? 0 : Math.round(random() * gap)))
      return send(nginx.port, `/${name}`, gaps)
    })
    await Promise.all(runs)
    await nginx.accessLog(inAll)
  })

  after(() => nginx?.close())

  for (const zone of traffic) {
    const { name, rate, burst = 0, delay = 'none', status, requests } = zone
    test(`${name}: ${rate}, burst ${burst}, delay ${delay}`, async () => {
      const seen = await readLogs(nginx, name, inAll)
      assert.equal(seen.length, requests)
      assert.deepEqual([...new Set(seen.map(({ verdict }) => verdict))].sort(), zone.verdicts)
      for (const request of seen) assert.equal(request.status, request.verdict === 'REJECTED' ? status : 204)

      const times = seen.map(({ at }) => at)
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
      for (const [i, ours] of (await judgeAt(optionsOf(zone), times)).entries()) {
        const theirs = seen[i] as Seen
        assert.equal(verdictOf(ours.decision), theirs.verdict)
        assert.equal(ours.status, theirs.verdict === 'REJECTED' ? 429 : 200)
        if (theirs.verdict !== 'PASSED') assertSameExcess(theirs, ours)
      }
    })
  }
})
