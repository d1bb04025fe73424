import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cidrSet, type Drop444Options, drop444, repeatOffender } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { kinds } from '../support/servers.ts'

const site = sites()
const all: Drop444Options = {
  noHost: { serverNames: ['localhost'] },
  denyCidr: ['127.9.0.0/16'],
  allowCidr: ['127.0.0.0/8'],
  methodAllowlist: ['GET'],
  badAgent: true,
  pathAllowlist: ['/', '/ok/**'],
  rateLimit: { rate: '1r/m', burst: 1 },
}

describe('drop444', () => {
  for (const kind of kinds.filter(({ protocol }) => protocol === 1)) {
    test(`each rule does its part under its own name: ${kind.app} on ${kind.server}`, async () => {
      const to = await site([drop444(all)], kind)
      const tls = { tls: kind.tls, alpn: ['http/1.1'] }
      const asked = [
        await to.ask('/', { Host: 'evil.example' }, tls),
        await to.ask('/', {}, { ...tls, localAddress: '127.9.0.1' }),
        await to.outcome(
          'PUT / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\r\nConnection: close\r\n\r\n',
          tls,
        ),
        await to.ask('/', { 'User-Agent': 'sqlmap/1' }, tls),
        await to.ask('/wp-login.php', {}, tls),
        await to.ask('/', {}, tls),
        await to.ask('/ok/x', {}, tls),
        await to.ask('/', {}, tls),
      ]
      assert.deepEqual(
        asked.map(outcome => (outcome === 'pass' ? 'pass' : outcome.rule)),
        ['noHost', 'denyCidr', 'methodAllowlist', 'badAgent', 'pathAllowlist', 'pass', 'pass', 'rateLimit'],
      )
    })
  }

  test('in the one right order: one event for a request that breaks every rule, and it is not counted', async () => {
    const to = await site([drop444(all)])
    const worst = 'PUT /x HTTP/1.1\r\nHost: evil\r\nUser-Agent: nikto\r\nConnection: close\r\n\r\n'
    for (let i = 0; i < 5; i++) assert.equal(brief(await to.outcome(worst)), 'unknown-host: evil')
    assert.equal(await to.ask(), 'pass')
    assert.equal(await to.ask(), 'pass')
  })

  test('a ban comes first; offenders that are made already are in hand', async () => {
    for (const offenders of [repeatOffender({ limit: 1 }), undefined]) {
      const rules = { noHost: true, rateLimit: { rate: '1r/m' }, shedLoad: { maxDelay: 60_000 } }
      const to = await site([drop444({ ...rules, repeatOffender: offenders ?? { limit: 1 } })])
      let asked = 0
      const worst = () => to.ask(`/${++asked}`, { Host: '192.0.2.1' })
      assert.deepEqual(
        [brief(await worst()), brief(await worst())],
        ['ip-host: 192.0.2.1', 'ip-host: 192.0.2.1'],
      )
      assert.match(brief(await worst()), /^banned: 127\.0\.0\.1 /)
      if (offenders) {
        assert.equal(offenders.lift('127.0.0.1'), true)
        assert.equal(await to.ask(), 'pass')
      }
    }
  })

  test("shared options go to each rule, and a rule's own win", async () => {
    const to = await site([
      drop444({
        noHost: true,
        badAgent: { dryRun: false },
        pathAllowlist: { patterns: ['/'], status: 404 },
        dryRun: true,
      }),
    ])
    await to.send('GET /x HTTP/1.1\r\nHost: 1.2.3.4\r\nUser-Agent: a\r\nConnection: close\r\n\r\n')
    await to.send('GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: nikto\r\nConnection: close\r\n\r\n')
    assert.deepEqual(
      to.events.map(({ rule, action, status }) => [rule, action, status]),
      [
        ['noHost', 'dry-run', 444],
        ['pathAllowlist', 'dry-run', 404],
        ['badAgent', 'close', 444],
      ],
    )
  })

  test('lists among options', async () => {
    const to = await site([
      drop444({
        denyCidr: { list: ['127.9.0.0/16'], name: 'deny' },
        allowCidr: { list: ['127.0.0.0/9'], name: 'allow' },
        methodAllowlist: { methods: ['GET'], name: 'methods' },
        badAgent: false,
      }),
    ])
    const denied = await to.ask('/', {}, { localAddress: '127.9.0.1' })
    const unlisted = await to.ask('/', {}, { localAddress: '127.200.0.1' })
    const put = await to.outcome('PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.deepEqual(
      [denied, unlisted, put].map(outcome => outcome !== 'pass' && outcome.rule),
      ['deny', 'allow', 'methods'],
    )
  })

  test('an exception of a rule goes to next(err)', async () => {
    const to = await site([
      drop444({
        noHost: true,
        skip: () => {
          throw new Error('boom')
        },
      }),
    ])
    const wire = await to.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(wire.data.toString(), /^HTTP\/1\.1 500 [\s\S]*boom/)
    assert.equal(to.calls.length, 0)
  })

  for (const [name, options, code] of [
    ['nothing', undefined, 'DROP444_MISSING_OPTION'],
    ['no rule', { dryRun: true }, 'DROP444_MISSING_OPTION'],
    ['only false', { badAgent: false }, 'DROP444_MISSING_OPTION'],
    ['an unknown rule', { noHosts: true }, 'DROP444_UNKNOWN_OPTION'],
    ['a name', { badAgent: true, name: 'x' }, 'DROP444_UNKNOWN_OPTION'],
    ['true where a list is needed', { denyCidr: true }, 'DROP444_INVALID_OPTION'],
    ['options without the list', { pathAllowlist: { status: 404 } }, 'DROP444_MISSING_OPTION'],
    ['a list for options', { rateLimit: [] }, 'DROP444_INVALID_OPTION'],
    ['a bad shared option', { badAgent: true, status: 200 }, 'DROP444_INVALID_OPTION'],
  ] as const) {
    test(`refuses ${name}`, () => {
      assert.throws(() => drop444(options as Drop444Options), { name: 'OptionsError', code })
    })
  }

  test('reads each option once', () => {
    let reads = 0
    const options = {
      get badAgent() {
        reads++
        return true
      },
    }
    drop444(options)
    assert.equal(reads, 1)
  })

  test('a shared except that can be read only once is for each rule', async () => {
    const except = new Set(['loopback']).values()
    const to = await site([drop444({ noHost: true, badAgent: true, except })])
    assert.equal(await to.ask('/', { Host: '1.1.1.1', 'User-Agent': 'sqlmap' }), 'pass')
  })

  test('a compiled set where a list is', async () => {
    const set = await cidrSet(['127.9.0.0/16'])
    const to = await site([drop444({ denyCidr: set })])
    assert.equal(brief(await to.ask('/', {}, { localAddress: '127.9.0.1' })), 'denied-address: 127.9.0.0/16')
    assert.equal(await to.ask(), 'pass')
    const other = await site([
      drop444({ allowCidr: { list: set, name: 'ours' }, badAgent: true, except: set }),
    ])
    const bad = { 'User-Agent': 'sqlmap/1' }
    assert.equal(await other.ask('/', bad, { localAddress: '127.9.0.1' }), 'pass')
    assert.equal(brief(await other.ask()), 'unlisted-address: 127.0.0.1')
  })

  test('false leaves a rule out', async () => {
    const to = await site([
      drop444({ noHost: true, denyCidr: false, pathAllowlist: false, rateLimit: false }),
    ])
    assert.equal(await to.ask('/x'), 'pass')
  })

  test('a bad entry names the rule that it was given to', () => {
    assert.throws(() => drop444({ badAgent: { except: ['x'] } }), /^OptionsError: badAgent: "x" in "except"/)
  })
})
