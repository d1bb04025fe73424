import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { apache } from '../support/proxies/apache.ts'
import { caddy } from '../support/proxies/caddy.ts'
import { haproxy } from '../support/proxies/haproxy.ts'
import { inARow, innerCaddy, innerHaproxy, innerNginx } from '../support/proxies/inner.ts'
import { nginx } from '../support/proxies/nginx.ts'
import type { Edit, ProxyKind } from '../support/proxies/proxy.ts'
import { requireTool } from '../support/tools.ts'
import { type ReadmeSite, startReadme } from './readme-site.ts'
import { ask, assertSilent, thousands } from './thousands.ts'

/** Checks often enough to be many while a test lasts, and hasty. */
const often: Record<'haproxy' | 'caddy' | 'apache', readonly Edit[]> = {
  haproxy: [['    server a', '    default-server inter 200ms fall 2\n    server a']],
  caddy: [
    ['\t\t#health_uri /healthz\n', '\t\thealth_uri /healthz\n'],
    ['\t\t#health_interval 10s\n', '\t\thealth_interval 200ms\n'],
  ],
  apache: [
    [
      '    BalancerMember http://127.0.0.1:3000\n',
      '    BalancerMember http://127.0.0.1:3000 hcmethod=GET hcuri=/healthz hcinterval=1\n',
    ],
    [
      '    BalancerMember http://127.0.0.1:3001\n',
      '    BalancerMember http://127.0.0.1:3001 hcmethod=GET hcuri=/healthz hcinterval=1\n',
    ],
  ],
}
/** HAProxy's check as many write it, and without even a Host. */
const example = /http-check send .*/
const plain: Edit = [
  'ver HTTP/1.1 hdr Host example.com hdr User-Agent haproxy',
  'ver HTTP/1.1 hdr Host localhost',
]
const bare: Edit = ['    option httpchk\n', '    option httpchk GET /healthz\n']

interface Case {
  readonly kind: ProxyKind
  readonly edits?: readonly Edit[]
  /** Health checks that have to be answered meanwhile; 0: this proxy makes none. */
  readonly checks: number
}

const cases: Readonly<Record<string, Case>> = {
  nginx: { kind: nginx, checks: 0 },
  'HAProxy, with its check': { kind: haproxy, edits: often.haproxy, checks: 5 },
  'HAProxy, whose check has no agent and another Host': {
    kind: haproxy,
    edits: [plain, ...often.haproxy],
    checks: 5,
  },
  'Caddy, with its check': { kind: caddy, edits: often.caddy, checks: 5 },
  'Apache, with its check': { kind: apache, edits: often.apache, checks: 1 },
  'nginx → nginx': { kind: inARow(nginx, innerNginx), checks: 0 },
  'HAProxy → nginx, with its check': {
    kind: inARow(haproxy, innerNginx),
    edits: [plain, ...often.haproxy],
    checks: 5,
  },
  'Caddy → nginx, with its check': { kind: inARow(caddy, innerNginx), edits: often.caddy, checks: 5 },
  'nginx → HAProxy': { kind: inARow(nginx, innerHaproxy), checks: 1 },
  'nginx → Caddy': { kind: inARow(nginx, innerCaddy), checks: 0 },
}
void example
void bare

describe("README's rules behind a proxy: 1,000 visits beside 1,000 drops", () => {
  let site: ReadmeSite
  before(async () => {
    site = await startReadme()
  })
  after(async () => {
    await site.close()
    assert.deepEqual(uncaught.splice(0), [])
  })

  for (const [name, { kind, edits = [], checks }] of Object.entries(cases))
    test(name, { skip: requireTool(kind.tool) }, async t => {
      const proxy = await kind.start({ upstreams: site.addresses, edits })
      t.after(() => proxy.close())
      const drops = collectDrops()
      t.after(() => drops.stop())
      const answered = site.checks.answered
      const started = performance.now()
      const cpu = process.cpuUsage()

      const { failed, attacks } = await thousands(proxy.port, 5_000)

      const took = performance.now() - started
      const { user, system } = process.cpuUsage(cpu)
      t.diagnostic(`${name}: ${took.toFixed()} ms, ${((user + system) / 1000).toFixed()} ms of CPU here`)
      assert.deepEqual([failed.length, failed.slice(0, 5)], [0, []])
      assertSilent(attacks, kind.end)
      assert.equal(drops.events.length, attacks.length)
      assert.deepEqual(
        [...new Set(drops.events.map(({ action, peerAddress }) => `${action} ${peerAddress}`))],
        ['hand-off 127.0.0.1'],
      )
      assert.deepEqual([...new Set(drops.events.map(({ clientAddress }) => clientAddress))], ['127.0.0.2'])
      for (let tries = 0; tries < 100 && site.checks.answered < answered + checks; tries++) await settle(50)
      assert.ok(site.checks.answered >= answered + checks, `${site.checks.answered - answered} checks`)
      const up = new Set<string>()
      for (let i = 0; i < 30 && up.size < 2; i++) up.add((await ask(proxy.port, '/')).body)
      assert.deepEqual([...up].sort(), site.names)
    })
})
