import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import express from 'express'
import type { Rule } from '../../lib/index.ts'
import * as source from '../../lib/index.ts'
import { type Copy, loadCopy } from '../support/copies.ts'
import { exchange, get } from '../support/raw-client.ts'
import { start } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

/** Which of these paths an app with a rule answers; the others get no byte. */
async function passing(rule: Rule, ...paths: readonly string[]): Promise<string[]> {
  const site = await start({ server: 'http', app: 'express5' }, [rule], (req, res) => {
    calls.push(req.url as string)
    res.end('fine')
  })
  const { port } = closed(site)
  const passed: string[] = []
  for (const path of paths) {
    const { wireBytes } = await exchange({ port }, get(path, { Connection: 'close' }))
    if (wireBytes > 0) passed.push(path)
  }
  return passed
}

for (const inContext of [false, true]) {
  describe(`values of another copy${inContext ? ' in a context of its own' : ''}`, () => {
    hooks()
    let other: Copy
    before(async () => {
      other = await loadCopy({ inContext })
    })

    test('routes and lists of paths in pathAllowlist', async () => {
      const app = express()
      app.get('/known', () => {})
      const django = other.djangoRoutes(['django/'])
      const rule = source.pathAllowlist([...other.browserPaths, '/listed', other.knownRoutes(app), django])
      assert.deepEqual(await passing(rule, '/known', '/listed', '/robots.txt', '/django/', '/other'), [
        '/known',
        '/listed',
        '/robots.txt',
        '/django/',
      ])
      assert.deepEqual(
        drops.events.map(({ reason }) => reason),
        ['unlisted-path'],
      )
    })

    test('a compiled set of addresses in denyCidr, allowCidr and except', async () => {
      const here = await other.cidrSet(['127.0.0.0/8'])
      const nowhere = await other.cidrSet(['192.0.2.0/24'])
      assert.deepEqual(await passing(source.denyCidr(here), '/'), [])
      assert.deepEqual(await passing(source.denyCidr(nowhere), '/'), ['/'])
      assert.deepEqual(await passing(source.allowCidr(nowhere), '/'), [])
      assert.deepEqual(await passing(source.allowCidr(here), '/'), ['/'])
      assert.deepEqual(
        await passing(
          source.rule('all', () => true, { except: here }),
          '/',
        ),
        ['/'],
      )
      assert.throws(() => source.denyCidr({ size: 1 } as never), { code: 'DROP444_INVALID_OPTION' })
    })

    test('a store in memory in rateLimit, with one limit and with several', async () => {
      const store = new other.MemoryStore(100)
      const one = source.rateLimit({ rate: '1r/m', burst: 1, store })
      assert.deepEqual(await passing(one, '/1', '/2', '/3'), ['/1', '/2'])
      const limits = [
        { rate: '1r/m', burst: 5 },
        { rate: '1r/h', burst: 2 },
      ]
      const several = source.rateLimit({ limits, store: new other.MemoryStore(100) })
      assert.deepEqual(await passing(several, '/1', '/2', '/3', '/4'), ['/1', '/2', '/3'])
    })

    test('one store in memory counts for the rules of both', async () => {
      const store = new other.MemoryStore(100)
      const key = () => 'everybody'
      const limits = { rate: '1r/m', burst: 1, store, key } as const
      assert.deepEqual(await passing(source.rateLimit(limits), '/1'), ['/1'])
      assert.deepEqual(await passing(other.rateLimit(limits), '/2', '/3'), ['/2'])
    })

    test('a store of express-rate-limit, as the other copy reads it', async () => {
      const { MemoryStore } = await import('express-rate-limit')
      const store = other.fromExpressRateLimit(new MemoryStore(), { windowMs: 60_000, limit: 2 })
      assert.deepEqual(await passing(source.rateLimit({ store }), '/1', '/2', '/3'), ['/1', '/2'])
    })

    test('repeatOffender and chains in drop444 and protect', async () => {
      const bans = other.repeatOffender({ limit: 100 })
      bans.ban('127.0.0.1')
      assert.deepEqual(await passing(source.drop444({ repeatOffender: bans }), '/'), [])
      bans.close()
      const chain = other.drop444({ badAgent: true, denyCidr: ['127.0.0.1'] })
      const site = await start({ server: 'http', app: 'bare' }, [], (_req, res) => void res.end())
      source.protect(closed(site).server, { rules: [chain] })
      // At the door: a chain is taken apart.
      assert.equal((await exchange({ port: site.port }, get())).wireBytes, 0)
      assert.deepEqual(
        drops.events.map(({ rule, requestLine }) => [rule, requestLine]),
        [
          ['repeatOffender', undefined],
          ['denyCidr', ''],
        ],
      )
    })

    test('its errors are known by their code', () => {
      const refused = {
        name: 'OptionsError',
        code: 'DROP444_UNKNOWN_OPTION',
        option: 'max',
        didYouMean: 'rate',
      }
      assert.throws(() => other.rateLimit({ max: 1 } as never), refused)
      assert.throws(() => source.rateLimit({ max: 1 } as never), refused)
    })
  })
}

describe('a version that keeps other things', () => {
  hooks()
  let other: Copy
  before(async () => {
    other = await loadCopy({ isOfOtherShape: true })
  })

  test('reads nothing of ours: both judge, and act, by themselves', async () => {
    const seen: string[] = []
    const rule = other.rule('theirs', req => {
      seen.push('theirs')
      return req.url === '/bad' && 'bad'
    })
    const ours = source.rule('ours', () => void seen.push('ours'))
    assert.deepEqual(
      await passing((req, res, next) => ours(req, res, () => rule(req, res, next)), '/', '/bad'),
      ['/'],
    )
    assert.deepEqual(seen, ['ours', 'theirs', 'ours', 'theirs'])
    assert.deepEqual(
      drops.events.map(({ rule, reason }) => [rule, reason]),
      [['theirs', 'bad']],
    )
  })

  test('hears, and ends to hear, the same events', async () => {
    let heard = 0
    const stop = other.onDrop(() => heard++)
    assert.deepEqual(
      await passing(
        source.rule('all', () => true),
        '/1',
      ),
      [],
    )
    stop()
    assert.deepEqual(
      await passing(
        source.rule('all', () => true),
        '/2',
      ),
      [],
    )
    assert.equal(heard, 1)
  })

  test('guards no server that we guard', async () => {
    const { server, port } = closed(
      await start({ server: 'http', app: 'bare' }, [], (_req, res) => void res.end('fine')),
    )
    source.protect(server)
    assert.throws(() => other.protect(server), { code: 'DROP444_ALREADY_PROTECTED' })
    other.unprotect(server)
    other.protect(server)
    assert.throws(() => source.protect(server), { code: 'DROP444_ALREADY_PROTECTED' })
    assert.equal((await exchange({ port }, 'nonsense\r\n\r\n')).wireBytes, 0)
    assert.equal(drops.events.length, 1)
  })

  test('has rules, routes and sets that are refused at start, where they would be misread', async () => {
    const server = express().listen()
    server.close()
    const refused = { code: 'DROP444_INVALID_ENTRY', message: /another version of drop444/ }
    const rules = [other.badAgent(), other.drop444({ badAgent: true })]
    for (const rule of rules) assert.throws(() => source.protect(server, { rules: [rule] }), refused)
    assert.throws(() => source.pathAllowlist(other.knownRoutes(express())), { name: 'OptionsError' })
    const set = await other.cidrSet(['192.0.2.0/24'])
    assert.throws(() => source.denyCidr(set as never), { name: 'OptionsError' })
  })
})
