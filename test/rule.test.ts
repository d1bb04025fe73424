import assert from 'node:assert/strict'
import http, { type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import {
  type CommonOptions,
  drop,
  type Judge,
  type Judgement,
  type Next,
  type Request,
  type Response,
  type Rule,
  rateLimit,
  rule,
} from '../lib/index.ts'
import { collectDrops, settle, uncaught } from './support/events.ts'
import { exchange, get, RawClient } from './support/raw-client.ts'
import { type AppKind, listen, type RunningServer, start } from './support/servers.ts'

const apps: readonly AppKind[] = ['express4', 'express5', 'connect', 'bare']
const close = { Connection: 'close' }

let drops: ReturnType<typeof collectDrops>
let server: RunningServer
let calls: number

beforeEach(() => {
  drops = collectDrops()
  calls = 0
})
afterEach(async () => {
  await server.close()
  drops.stop()
  assert.deepEqual(uncaught.splice(0), [])
})

const serve = async (rules: readonly Rule[], app: AppKind = 'express5') => {
  server = await start({ server: 'http', app }, rules, (_req, res) => {
    calls++
    res.end('fine')
  })
}
const ask = async (path = '/', headers: Record<string, string> = {}) =>
  (await exchange({ port: server.port }, get(path, { ...close, ...headers }))).data.toString()

describe('what a judge may return', () => {
  const cases: [string, Judgement, string | undefined, string?][] = [
    ['undefined', undefined, undefined],
    ['null', null, undefined],
    ['false', false, undefined],
    ['an empty string', '', undefined],
    ['true', true, 'mine'],
    ['a reason', 'why', 'why'],
    ['a finding', { reason: 'why', detail: 'what' }, 'why', 'what'],
  ]
  for (const [name, value, reason, detail] of cases) {
    for (const judge of [() => value, async () => value]) {
      test(`${name}${judge() instanceof Promise ? ', promised' : ''}`, async () => {
        await serve([rule('mine', judge)])
        assert.equal(await ask().then(text => text.endsWith('fine')), reason === undefined)
        assert.deepEqual([drops.events[0]?.reason, drops.events[0]?.detail], [reason, detail])
      })
    }
  }
})

const boom = () => {
  throw new Error('boom')
}
const rejects = () => Promise.reject(new Error('boom'))
const bad = (value: unknown) => (() => value) as unknown as Judge

/** Whatever the user's code does wrong: an error for the app, never a request that passes. */
const failing: [string, () => Rule, RegExp][] = [
  ['judge throws', () => rule('r', boom), /boom/],
  ['judge rejects', () => rule('r', rejects), /boom/],
  ['judge throws no Error', () => rule('r', () => Promise.reject('route')), /threw "route"/],
  [
    'judge throws \'route\', which Express takes for "go on"',
    () =>
      rule('r', () => {
        throw 'route'
      }),
    /threw "route"/,
  ],
  [
    'judge throws undefined',
    () =>
      rule('r', () => {
        throw undefined
      }),
    /threw undefined/,
  ],
  ['judge returns a number', () => rule('r', bad(1)), /must return nothing or a reason, not 1/],
  ['judge promises a number', () => rule('r', bad(Promise.resolve(1))), /must return nothing or a reason/],
  ['judge returns an object without reason', () => rule('r', bad({ detail: 'x' })), /not an object/],
  ['skip throws', () => rule('r', () => undefined, { skip: boom }), /boom/],
  ['skip rejects', () => rule('r', () => undefined, { skip: rejects }), /boom/],
  [
    'a trust function throws',
    () => rule('r', () => 'x', { except: ['10.0.0.0/8'], trustProxy: boom }),
    /boom/,
  ],
  ['key throws', () => rateLimit({ rate: '1r/s', key: boom }), /boom/],
  ['key rejects', () => rateLimit({ rate: '1r/s', key: rejects }), /boom/],
  [
    'key returns no string',
    () => rateLimit({ rate: '1r/s', key: () => undefined as never }),
    /must return a string/,
  ],
  [
    'key promises no string',
    () => rateLimit({ rate: '1r/s', key: async () => 1 as never }),
    /must return a string/,
  ],
  ['handler throws', () => rule('r', () => 'x', { status: 403, handler: boom }), /boom/],
  ['handler rejects', () => rule('r', () => 'x', { status: 403, handler: rejects }), /boom/],
]

for (const app of apps) {
  describe(`exceptions go to next(err): ${app}`, () => {
    for (const [name, make, message] of failing) {
      test(name, async () => {
        await serve([make()], app)
        const text = await ask('/', { 'X-Forwarded-For': '203.0.113.9' })
        assert.match(text, /^HTTP\/1\.1 500 /)
        assert.match(text, message)
        assert.equal(calls, 0)
      })
    }
  })
}

describe('common options', () => {
  const always = (options: CommonOptions) => rule('r', () => 'x', options)

  for (const status of [400, 401, 403, 404, 405, 429, 503]) {
    test(`status: ${status} is answered with a plain body`, async () => {
      await serve([always({ status })])
      const text = await ask()
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.match(text, /Content-Type: text\/plain; charset=utf-8\r\n/i)
      const body = text.split('\r\n\r\n')[1] as string
      const [event] = drops.events
      assert.deepEqual(
        [event?.action, event?.status, event?.sentStatus, event?.bodyBytesSent],
        ['respond', status, status, body.length],
      )
      assert.equal(calls, 0)
    })
  }

  test('status: a HEAD request gets no body', async () => {
    await serve([always({ status: 404 })])
    const wire = await exchange(
      { port: server.port },
      'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    )
    assert.match(wire.data.toString(), /^HTTP\/1\.1 404 [\s\S]*\r\n\r\n$/)
    assert.equal(drops.events[0]?.bodyBytesSent, 0)
  })

  test('handler writes the answer, with the status set', async () => {
    const handler = (_req: unknown, res: unknown) => (res as ServerResponse).end('mine')
    await serve([always({ status: 403, handler })])
    assert.match(await ask(), /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*mine$/)
    assert.equal(drops.events.length, 1)
  })

  test('dryRun judges and logs, and the request goes on', async () => {
    await serve([always({ dryRun: true }), always({ dryRun: true, status: 403, name: 'second' })])
    assert.match(await ask(), /fine$/)
    assert.deepEqual(
      drops.events.map(({ action, status, sentStatus, rule }) => [rule, action, status, sentStatus]),
      [
        ['r', 'dry-run', 444, undefined],
        ['second', 'dry-run', 403, undefined],
      ],
    )
  })

  for (const skip of [() => true, async () => true]) {
    test(`skip lets pass${skip() === true ? '' : ', promised'}`, async () => {
      await serve([always({ skip })])
      assert.match(await ask(), /fine$/)
      assert.equal(drops.events.length, 0)
    })
  }

  test('skip that says no', async () => {
    await serve([always({ skip: async req => req.url === '/health' })])
    assert.equal(await ask('/'), '')
    assert.match(await ask('/health'), /fine$/)
  })

  test('except lets addresses pass, seen through trusted proxies only', async () => {
    await serve([always({ except: ['203.0.113.0/24'], trustProxy: 'loopback', handOff: 'close' })])
    assert.match(await ask('/', { 'X-Forwarded-For': '203.0.113.7' }), /fine$/)
    assert.equal(await ask('/', { 'X-Forwarded-For': '203.0.113.7, 198.51.100.1' }), '')
    await server.close()
    await serve([always({ except: ['203.0.113.0/24'] })])
    assert.equal(await ask('/', { 'X-Forwarded-For': '203.0.113.7' }), '')
  })

  test('name is in the event', async () => {
    await serve([always({ name: 'other' })])
    await ask()
    assert.equal(drops.events[0]?.rule, 'other')
  })
})

describe('where it is mounted', () => {
  test('of many instances each judges a request once', async () => {
    const judged: number[] = []
    const many = Array.from({ length: 70 }, (_, i) => rule(`rule-${i}`, () => void judged.push(i)))
    await serve([...many, ...many])
    await ask()
    await ask()
    const each = many.map((_, i) => i)
    assert.deepEqual(judged, [...each, ...each])
    assert.equal(calls, 2)
  })

  test('nor where a proxy is told, and the connection goes on', async () => {
    await serve([rule('mine', req => drop(req, { trustProxy: 'loopback' }))])
    assert.match(await ask(), /^HTTP\/1\.1 444 /)
    assert.equal(calls, 0)
  })

  test('a judge that drops by itself, and returns nothing, lets nothing pass', async () => {
    await serve([rule('mine', req => drop(req, { rule: 'mine', reason: 'by itself' }))])
    assert.equal(await ask(), '')
    assert.equal(calls, 0)
    assert.deepEqual(
      drops.events.map(({ reason }) => reason),
      ['by itself'],
    )
  })

  test('one instance judges a request once; two instances twice', async () => {
    let judged = 0
    const count = () => {
      judged++
    }
    const once = rule('once', count)
    await serve([once, once, rule('other', count), once])
    await ask()
    assert.equal(judged, 2)
  })

  test('under a path, Connect users expect the rest of the path, and the log the whole', async () => {
    for (const create of [express4, express, connect] as unknown as (() => express.Express)[]) {
      const app = create()
      const seen: string[] = []
      app.use('/admin', rule('r', req => void seen.push(req.url as string)) as express.RequestHandler)
      app.use('/admin', rule('no', () => 'x') as express.RequestHandler)
      app.use((_req, res) => void res.end('fine'))
      server = await listen(http.createServer(app))
      assert.equal(await ask('/admin/users?a'), '')
      assert.match(await ask('/adminx'), /fine$/)
      assert.deepEqual(seen, ['/users?a'])
      assert.equal(drops.events.pop()?.url, '/admin/users?a')
      await server.close()
    }
  })

  test('after an asynchronous verdict a request behind a dropped one does not reach the app through it', async () => {
    const slow = rule('slow', async req => {
      await settle(req.url === '/bad' ? 10 : 40)
      return req.url === '/bad' && 'bad'
    })
    await serve([slow])
    const wire = await exchange({ port: server.port }, get('/bad') + get('/third'))
    assert.equal(wire.wireBytes, 0)
    await settle(60)
    assert.equal(calls, 0)
    assert.equal(drops.events.length, 1)
  })

  test('a dropped request that some middleware passes on all the same goes nowhere', async () => {
    const passesOn = ((req: Request, res: Response, next: Next) => {
      drop(req, { res })
      next()
    }) as Rule
    await serve([passesOn, rule('after', () => undefined)])
    assert.equal(await ask(), '')
    assert.equal(calls, 0)
  })

  test('what the app throws is not caught by the rule', async () => {
    let caught: unknown
    const app = (req: http.IncomingMessage, res: ServerResponse) => {
      try {
        rule('r', () => undefined)(req, res, () => {
          throw new Error('the app')
        })
      } catch (error) {
        caught = error
        res.end('caught')
      }
    }
    server = await listen(http.createServer(app))
    assert.match(await ask(), /caught$/)
    assert.equal((caught as Error).message, 'the app')
  })
})

test('behind a dropped request nothing is parsed: a flood in a pipeline is thrown away', async () => {
  let parsed = 0
  const count = ((_req: Request, _res: Response, next: Next) => {
    parsed++
    next()
  }) as Rule
  const noBad = rule('no-bad', req => req.url === '/bad' && 'bad')
  const large = 'x'.repeat(500_000)
  server = await start({ server: 'http', app: 'bare' }, [count, noBad], (_req, res) => {
    calls++
    setTimeout(() => res.end(large), 150)
  })
  const client = await RawClient.open({ port: server.port })
  client.tcp.pause()
  client.send(get('/slow') + get('/bad') + get('/third').repeat(200_000))
  await settle(250)
  client.tcp.resume()
  const wire = await client.ended()
  assert.equal(
    wire.data.length - wire.data.indexOf('\r\n\r\n') - 4,
    large.length,
    'the promised response, whole',
  )
  assert.equal(wire.end, 'fin')
  assert.equal(calls, 1)
  // What came in the same chunk, of at most 64 kB, is parsed already.
  assert.ok(parsed < 3_000, `${parsed} requests`)
  client.destroy()
})
