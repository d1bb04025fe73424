import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type RateLimitOptions, rateLimit } from '../../lib/index.ts'
import { collectDrops } from '../support/events.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { exchange, type Wire } from '../support/raw-client.ts'
import { type RunningServer, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { optionsOf } from './limit-req-replay.ts'
import { limitingNginx, type Zone } from './limit-req-traffic.ts'

/** One each: what a real nginx does with requests that come at once, and `rateLimit` too. */
const zones: readonly (Zone & { readonly logged: readonly string[]; readonly answered: number })[] = [
  { name: 'plain', rate: '1r/m', status: 444, logged: ['PASSED', 'REJECTED', 'REJECTED'], answered: 1 },
  {
    name: 'nodelay',
    rate: '1r/m',
    burst: 2,
    status: 444,
    logged: ['PASSED', 'PASSED', 'PASSED', 'REJECTED', 'REJECTED'],
    answered: 3,
  },
  {
    name: 'queue',
    rate: '10r/s',
    burst: 2,
    delay: 'all',
    status: 444,
    logged: ['PASSED', 'REJECTED', 'DELAYED', 'DELAYED'],
    answered: 3,
  },
  {
    name: 'shadow',
    rate: '1r/m',
    status: 444,
    dryRun: true,
    logged: ['PASSED', 'REJECTED_DRY_RUN', 'REJECTED_DRY_RUN'],
    answered: 3,
  },
  {
    name: 'slowshadow',
    rate: '1r/m',
    burst: 1,
    delay: 'all',
    status: 444,
    dryRun: true,
    logged: ['PASSED', 'DELAYED_DRY_RUN', 'REJECTED_DRY_RUN'],
    answered: 3,
  },
]

/** Requests at once, each on a connection of its own: pipelined ones would wait for one another. */
async function ask(port: number, path: string, count: number): Promise<Wire[]> {
  const bytes = `GET ${path}?n=0&key=k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
  return Promise.all(Array.from({ length: count }, () => exchange({ port }, bytes)))
}

const answeredIn = (wires: readonly Wire[]) => wires.filter(({ data }) => data.length > 0)

describe('nginx: limit_req, sequences that are known', { skip: requireTool('nginx') }, () => {
  let nginx: Nginx
  const drops = collectDrops()

  before(async () => {
    nginx = await startNginx(limitingNginx(zones, '', '$arg_key'))
  })

  after(async () => {
    drops.stop()
    await nginx?.close()
  })

  async function withOurs(options: RateLimitOptions, use: (ours: RunningServer) => Promise<void>) {
    const limiter = rateLimit(options)
    const ours = await start({ server: 'http', app: 'express5' }, [limiter], (_req, res) => res.end('served'))
    drops.events.length = 0
    try {
      await use(ours)
    } finally {
      await ours.close()
    }
  }

  for (const zone of zones) {
    const { name, logged, answered, dryRun = false } = zone
    test(name, async () => {
      const before = (await nginx.accessLog()).length
      const theirs = await ask(nginx.port, `/${name}`, logged.length)
      const lines = (await nginx.accessLog(before + logged.length)).slice(before)
      assert.deepEqual(
        lines.map(line => line.split(' ')[4]),
        logged,
      )
      await withOurs({ ...optionsOf(zone), dryRun }, async ({ port }) => {
        const ours = await ask(port, `/${name}`, logged.length)
        for (const wires of [theirs, ours]) {
          assert.equal(answeredIn(wires).length, answered)
          for (const wire of wires) assert.equal(wire.end, 'fin')
        }
        const rejected = logged.filter(verdict => verdict.startsWith('REJECTED')).length
        assert.deepEqual(
          drops.events.map(({ action, reason }) => `${action} ${reason}`),
          Array.from({ length: rejected }, () => `${dryRun ? 'dry-run' : 'close'} rate-limited`),
        )
      })
    })
  }

  test('queued requests are answered one interval after the other', async () => {
    const zone = zones.find(({ name }) => name === 'queue') as Zone
    // Until the queue of the test above is empty again.
    await new Promise(resolve => setTimeout(resolve, 350))
    await withOurs(optionsOf(zone), async ours => {
      for (const { port } of [nginx, ours]) {
        const elapsed = answeredIn(await ask(port, '/queue', 4)).map(wire => wire.elapsed)
        const [first = 0, second = 0, third = 0] = elapsed.sort((a, b) => a - b)
        // The clock of a server may be a millisecond or two ahead of ours.
        assert.ok(first < second && second >= 95 && third >= 195, String(elapsed))
        assert.ok(third < 1_000, String(elapsed))
      }
    })
  })

  test('an empty key is not limited', async () => {
    const bytes = 'GET /plain?n=0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    await withOurs({ rate: '1r/m', key: () => '' }, async ours => {
      for (const { port } of [nginx, ours]) {
        for (let i = 0; i < 4; i++) assert.ok((await exchange({ port }, bytes)).data.length > 0)
      }
    })
    const lines = (await nginx.accessLog()).slice(-4)
    assert.deepEqual(
      lines.map(line => line.split(' ')[4]),
      ['', '', '', ''],
    )
  })
})
