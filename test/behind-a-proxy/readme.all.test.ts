import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Change } from '../recipes/recipe.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { apache } from '../support/proxies/apache.ts'
import { caddy } from '../support/proxies/caddy.ts'
import { haproxy, haproxyDeny } from '../support/proxies/haproxy.ts'
import { inARow, innerApache, innerCaddy, innerHaproxy, innerNginx } from '../support/proxies/inner.ts'
import { nginx } from '../support/proxies/nginx.ts'
import type { Edit, ProxyKind } from '../support/proxies/proxy.ts'
import { exchange, get } from '../support/raw-client.ts'
import { requireTool } from '../support/tools.ts'
import { type ReadmeSite, startReadme, TRUST } from './readme-site.ts'
import { ATTACKER } from './setup.ts'
import { ask, assertNotFound, assertServed, assertSilent, HOST, thousands } from './thousands.ts'

/** Checks often enough to be many while a test lasts, and hasty. */
const often: Record<'haproxy' | 'caddy' | 'apache', readonly Edit[]> = {
  // Its time limit for an answer would be that short too, and this process is busy.
  haproxy: [['    server a', '    timeout check 20s\n    default-server inter 200ms fall 2\n    server a']],
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
/** HAProxy's check as many write it, and as it is with nothing but its path: HTTP/1.0. */
const plain: Edit = [
  'ver HTTP/1.1 hdr Host example.com hdr User-Agent haproxy',
  'ver HTTP/1.1 hdr Host localhost',
]
const bare: readonly Edit[] = [
  ['    option httpchk\n', '    option httpchk GET /healthz\n'],
  [
    '    http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host example.com hdr User-Agent haproxy\n',
    '',
  ],
]

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
  'HAProxy, whose check has nothing but its path': {
    kind: haproxy,
    edits: [...bare, ...often.haproxy],
    checks: 5,
  },
  'HAProxy, an empty page': { kind: haproxyDeny, edits: often.haproxy, checks: 5 },
  'Caddy, with its check': { kind: caddy, edits: often.caddy, checks: 5 },
  'Apache, with its check': { kind: apache, edits: often.apache, checks: 1 },
  'nginx → nginx': { kind: inARow(nginx, innerNginx), checks: 0 },
  'HAProxy → nginx, with its check': {
    kind: inARow(haproxy, innerNginx),
    edits: [plain, ...often.haproxy],
    checks: 5,
  },
  'Caddy → nginx, with its check': { kind: inARow(caddy, innerNginx), edits: often.caddy, checks: 5 },
  'Apache → nginx, with its check': { kind: inARow(apache, innerNginx), edits: often.apache, checks: 1 },
  'nginx → HAProxy': { kind: inARow(nginx, innerHaproxy), checks: 1 },
  'nginx → Caddy': { kind: inARow(nginx, innerCaddy), checks: 0 },
  'nginx → Apache': { kind: inARow(nginx, innerApache), checks: 0 },
}

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

      const { failed, attacks } = await thousands(proxy.port)

      assertServed(failed)
      assertSilent(attacks, kind.end)
      assert.equal(drops.events.length, attacks.length)
      const who = drops.events.map(event => `${event.action} ${event.peerAddress} ${event.clientAddress}`)
      assert.deepEqual([...new Set(who)], [`hand-off 127.0.0.1 ${ATTACKER}`])
      for (let tries = 0; tries < 100 && site.checks.answered < answered + checks; tries++) await settle(50)
      assert.ok(site.checks.answered >= answered + checks, `${site.checks.answered - answered} checks`)
      assert.deepEqual(await upOf(proxy.port), site.names)
    })
})

/** Which of the two servers answer. */
async function upOf(port: number): Promise<string[]> {
  const up = new Set<string>()
  for (let i = 0; i < 30 && up.size < 2; i++) {
    const { status, body } = await ask(port, '/')
    up.add(status === 200 ? body : String(status))
  }
  return [...up].sort()
}

/** What the page on CDNs has beside README's block: an answer in place of the hand-off, in each rule and in protect. */
const notFound: readonly Change[] = [
  TRUST,
  ["'*.example.com'] })", "'*.example.com'], handOff: 404 })"],
  ["'2001:db8::/32'])", "'2001:db8::/32'], { handOff: 404 })"],
  ['badAgent()', 'badAgent({ handOff: 404 })'],
  ["'/orders/**'])", "'/orders/**'], { handOff: 404 })"],
  ['{ rules, ', '{ rules, handOff: 404, '],
]

/** It can't be told of a drop, and passes on what it gets. */
const cdn: ProxyKind = { ...nginx, name: 'a CDN', start: options => innerNginx.start(options) }

describe("README's rules with handOff: 404 behind a CDN: 1,000 visits beside 1,000 unwanted requests", () => {
  let site: ReadmeSite
  before(async () => {
    site = await startReadme(notFound)
  })
  after(async () => {
    await site.close()
    assert.deepEqual(uncaught.splice(0), [])
  })

  for (const kind of [cdn, inARow(cdn, innerNginx)])
    test(kind.name, { skip: requireTool('nginx') }, async t => {
      const proxy = await kind.start({ upstreams: site.addresses })
      t.after(() => proxy.close())
      const drops = collectDrops()
      t.after(() => drops.stop())
      const load = { isOver: (text: string) => text.includes('</html>') }
      const { failed, attacks } = await thousands(proxy.port, load)
      assertServed(failed)
      assertNotFound(attacks)
      assert.equal(drops.events.length, attacks.length)
      assert.deepEqual(await upOf(proxy.port), site.names)
      // Its check comes with no X-Forwarded-For.
      const check = `GET /healthz HTTP/1.1\r\nHost: ${site.addresses[0]}\r\nConnection: close\r\n\r\n`
      const port = Number(site.addresses[0].split(':')[1])
      const wire = await exchange({ port, localAddress: '127.0.0.1' }, check, 20_000)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 200 /)
    })
})

describe("README's rules without healthCheck", { skip: requireTool('haproxy') }, () => {
  test('HAProxy takes both servers out: 503 for everybody', async t => {
    const site = await startReadme([TRUST, [", healthCheck: '/healthz'", '']])
    t.after(() => site.close())
    const proxy = await haproxy.start({ upstreams: site.addresses, edits: [plain, ...often.haproxy] })
    t.after(() => proxy.close())
    let up: string[] = []
    for (let tries = 0; tries < 200 && up[0] !== '503'; tries++) {
      await settle(50)
      up = await upOf(proxy.port)
    }
    assert.deepEqual(up, ['503'])
  })
})

describe('two proxies in a row of which both drop', { skip: requireTool('nginx') }, () => {
  test("the inner one closes the outer one's connection: 502 for everybody, after one request", async t => {
    const site = await startReadme()
    t.after(() => site.close())
    // As who copies the page's configuration to both.
    const both = inARow(nginx, {
      name: 'nginx that drops too',
      tool: 'nginx',
      start: options => nginx.start(options),
    })
    const proxy = await both.start({ upstreams: site.addresses })
    t.after(() => proxy.close())
    assert.deepEqual(await upOf(proxy.port), site.names)
    const bytes = get('/wp-login.php', { ...HOST, Connection: 'close' })
    const wire = await exchange({ port: proxy.port, localAddress: ATTACKER }, bytes, 20_000)
    assert.match(wire.data.toString(), /^HTTP\/1\.1 502 /)
    assert.deepEqual(await upOf(proxy.port), ['502'])
  })
})
