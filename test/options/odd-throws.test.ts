import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import http2 from 'node:http2'
import { after, afterEach, describe, test } from 'node:test'
import {
  type CallbackError,
  type CommonOptions,
  protect,
  type Rule,
  rateLimit,
  repeatOffender,
  rule,
} from '../../lib/index.ts'
import type { Decision } from '../../lib/stores.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { fewOddValues, oddThenables, oddValues, oddWays } from '../support/odd-values.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen, type RunningServer } from '../support/servers.ts'

const reason = () => 'why'
const pass = () => undefined
const allowed: Decision = { allowed: true, delay: 0, retryAfter: 0 }

/**
 * Every callback that is called for a request, and is to judge or answer it: what it makes of a function of the user's. Where
 * the function fails the request does not pass.
 */
const ofRequests: Readonly<Record<string, (odd: () => never) => Rule>> = {
  'rule judge': odd => rule('odd', odd),
  'rule skip': odd => rule('odd', pass, { skip: odd }),
  'rule handler': odd => rule('odd', reason, { status: 403, handler: odd }),
  'rateLimit key': odd => rateLimit({ rate: '1000r/s', burst: 1000, key: odd, name: 'odd' }),
  'rateLimit cost': odd => rateLimit({ rate: '1000r/s', burst: 1000, cost: odd, name: 'odd' }),
  'rateLimit key of the second limit': odd => {
    const other = { rate: '1000r/s', burst: 1000 }
    return rateLimit({
      limits: [
        { ...other, key: async () => 'a' },
        { ...other, key: odd },
      ],
      name: 'odd',
    })
  },
  'rateLimit cost behind a key that rejects': odd =>
    rateLimit({ rate: '1000r/s', key: () => Promise.reject(new Error('key')), cost: odd, name: 'odd' }),
}

/** Callbacks that answer at once, and have no promise to be heard. */
const atOnce: Readonly<Record<string, (odd: () => never) => Rule>> = {
  'rule trustProxy': odd => rule('odd', pass, { trustProxy: odd, except: ['192.0.2.1'] }),
  'rateLimit now': odd => rateLimit({ rate: '1000r/s', now: odd, name: 'odd' }),
}

const app = (use: Rule) => (req: http.IncomingMessage, res: http.ServerResponse) =>
  use(req, res, error => {
    if (error === undefined) return res.end('fine')
    assert.ok(error instanceof Error)
    // What error handlers and loggers do.
    const text = `${error.stack || String(error)} ${error.name} ${error.message}`
    res.statusCode = 500
    res.end(`${text.length > 0 && 'error'}`)
  })

const options = { rules: undefined as readonly Rule[] | undefined }
type Site = 'app' | 'protect' | 'h2c app' | 'h2c protect'

async function start(site: Site, use: Rule): Promise<RunningServer> {
  const isHttp2 = site.startsWith('h2c')
  const isProtected = site.endsWith('protect')
  const listener = isProtected ? (_: unknown, res: http.ServerResponse) => res.end('fine') : app(use)
  const server = isHttp2 ? http2.createServer(listener as never) : http.createServer(listener as never)
  if (isProtected) protect(server, { ...options, rules: [use] })
  return listen(server)
}

/** What came back: `fine`, `error`, or nothing. */
async function ask(site: Site, port: number): Promise<string> {
  if (!site.startsWith('h2c')) {
    const { data } = await exchange(
      { port },
      get('/', { Connection: 'close', 'X-Forwarded-For': '192.0.2.7' }),
    )
    return data.length === 0 ? 'nothing' : (data.toString().split('\r\n\r\n')[1] as string)
  }
  const session = http2.connect(`http://127.0.0.1:${port}`).on('error', () => {})
  const stream = session.request({ ':path': '/', 'x-forwarded-for': '192.0.2.7' })
  let body = ''
  stream.on('data', chunk => {
    body += chunk
  })
  await new Promise<void>(resolve => stream.on('error', () => {}).once('close', resolve))
  session.destroy()
  return body || 'nothing'
}

/** What went to `drop444:error` meanwhile. */
function hearErrors(): { errors: CallbackError[]; stop(): void } {
  const errors: CallbackError[] = []
  const listener = (message: unknown) => errors.push(message as CallbackError)
  subscribe('drop444:error', listener)
  return { errors, stop: () => void unsubscribe('drop444:error', listener) }
}

const drops = collectDrops()
after(drops.stop)
afterEach(async () => {
  await settle(5)
  assert.deepEqual(uncaught.splice(0), [])
})

const valuesOf = (site: Site) =>
  Object.entries(oddValues).filter(([name]) => !site.startsWith('h2c') || fewOddValues.includes(name))

/** Asks once, with a callback that fails: with the app an error, behind protect nothing. */
async function failOnce(site: Site, port: number, callback: string, said: string): Promise<void> {
  drops.events.length = 0
  const got = await ask(site, port)
  if (!site.endsWith('protect')) return assert.equal(got, 'error', said)
  const event = drops.events.at(-1)
  const isHandler = callback === 'rule handler'
  assert.deepEqual([got, event?.reason], ['nothing', isHandler ? 'why' : 'rule-error'], said)
  if (!isHandler) assert.match(event?.detail ?? '', /^[^\p{Cc}\u2028\u202e]{1,700}$/u, said)
}

for (const site of ['app', 'protect', 'h2c app', 'h2c protect'] as const) {
  describe(`whatever is thrown, the request ends: ${site}`, () => {
    for (const [callback, make] of Object.entries({ ...ofRequests, ...atOnce })) {
      test(callback, async () => {
        let odd: () => unknown = pass
        const server = await start(site, make((() => odd()) as () => never))
        const ways = callback in atOnce ? { throws: oddWays.throws } : oddWays
        for (const [way, failing] of Object.entries(ways)) {
          for (const [name, value] of valuesOf(site)) {
            odd = failing(value())
            await failOnce(site, server.port, callback, `${callback} ${way} ${name}`)
          }
        }
        await server.close()
      })
    }
  })
}

describe('thenables that do too much decide once', () => {
  for (const site of ['app', 'protect'] as const) {
    for (const [name, make] of Object.entries(oddThenables)) {
      test(`${name}: ${site}`, async () => {
        const callbacks: [Rule, string][] = [
          [rule('odd', () => make('why') as never), 'nothing'],
          [rule('odd', () => make(undefined) as never), 'fine'],
          [rule('odd', reason, { skip: () => make(true) }), 'fine'],
          [rateLimit({ rate: '9r/s', burst: 9, key: () => make('key') as never }), 'fine'],
          [rateLimit({ rate: '9r/s', burst: 9, cost: () => make(1) as never }), 'fine'],
          [rateLimit({ rate: '9r/s', store: { hit: () => make(allowed) as never } }), 'fine'],
        ]
        for (const [use, expected] of callbacks) {
          const server = await start(site, use)
          assert.equal(await ask(site, server.port), expected)
          await server.close()
        }
      })
    }
  }
})

describe('findings that are odd', () => {
  const findings: readonly [string, object][] = [
    ['a symbol as detail', { reason: 'why', detail: Symbol('x') }],
    ['an object as detail', { reason: 'why', detail: Object.create(null) }],
    ['a bigint as retryAfter', { reason: 'why', retryAfter: 1n }],
    ['a retryAfter that is no number', { reason: 'why', retryAfter: Number.NaN }],
  ]
  for (const [name, finding] of findings) {
    test(`${name}: the request is dropped, or answered, and every log has its line`, async () => {
      for (const status of [444, 429]) {
        const server = await start(
          'app',
          rule('odd', () => finding as never, { status }),
        )
        drops.events.length = 0
        assert.equal(await ask('app', server.port), status === 444 ? 'nothing' : 'Too Many Requests\n')
        const event = drops.events[0]
        assert.ok(event?.detail === undefined || typeof event.detail === 'string')
        JSON.stringify(event)
        await server.close()
      }
    })
  }

  test('a getter that throws, or is another one the second time', async () => {
    const once = () => {
      let reads = 0
      return Object.defineProperty({}, 'reason', { get: () => (reads++ === 0 ? 'why' : Symbol('x')) })
    }
    const server = await start(
      'app',
      rule('odd', () => once() as never),
    )
    assert.equal(await ask('app', server.port), 'nothing')
    await server.close()
    const evil = await start(
      'app',
      rule('odd', () => Object.defineProperty({}, 'reason', { get: oddWays.throws(null) as never }) as never),
    )
    assert.equal(await ask('app', evil.port), 'error')
    await evil.close()
  })
})

describe('a trust function, where there is no rule to answer for it', () => {
  for (const site of ['protect', 'h2c protect'] as const) {
    test(`of protect throws: nobody is trusted, and it is said (${site})`, async () => {
      let odd: () => never
      const server = site.startsWith('h2c')
        ? http2.createServer((_, res) => void res.end('fine'))
        : http.createServer((_, res) => res.end('fine'))
      protect(server, { rules: [], trustProxy: () => odd(), except: ['192.0.2.1'], healthCheck: '/' })
      const running = await listen(server)
      for (const [name, value] of valuesOf(site)) {
        odd = oddWays.throws(value())
        const heard = hearErrors()
        assert.equal(await ask(site, running.port), 'fine', name)
        heard.stop()
        assert.ok(heard.errors.length > 0, name)
      }
      await running.close()
    })
  }

  test('of a rule that drops, and of repeatOffender, which counts', async () => {
    for (const [name, value] of Object.entries(oddValues)) {
      const trustProxy = oddWays.throws(value())
      const bans = repeatOffender({ trustProxy, skip: oddWays['rejects with'](value()) as never })
      const server = await start('app', rule('odd', reason, { trustProxy }))
      assert.equal(await ask('app', server.port), 'nothing', name)
      bans.close()
      await server.close()
    }
  })
})

describe("rules of the user's own, in protect", () => {
  const named = (name: () => unknown) =>
    Object.defineProperty(
      (_req: unknown, _res: unknown, _next: unknown) => {
        throw Object.create(null)
      },
      'name',
      { get: name },
    ) as Rule

  test('call back with anything: the request is dropped', async () => {
    for (const [name, make] of Object.entries(oddValues)) {
      const value = make()
      // "Go on", as in Express.
      if (value === undefined || value === null) continue
      const own: Rule = (_req, _res, next) => next(value)
      const server = await start('protect', own)
      drops.events.length = 0
      assert.equal(await ask('protect', server.port), 'nothing', name)
      assert.equal(drops.events.at(-1)?.reason, 'rule-error', name)
      await server.close()
    }
  })

  test('have any name', async () => {
    for (const name of [() => Symbol('x'), () => undefined, oddWays.throws(Object.create(null))]) {
      const server = await start('protect', named(name))
      assert.equal(await ask('protect', server.port), 'nothing')
      await server.close()
    }
  })
})

describe('a handler that writes what can not be sent, or breaks off', () => {
  const writes: Readonly<Record<string, (res: http.ServerResponse) => unknown>> = {
    'a symbol as body': res => res.end(Symbol('x') as never),
    'an object as body': res => res.end(Object.create(null)),
    'a header with a line end': res => res.setHeader('X', 'a\r\nb'),
    'a status that is none': res => Object.assign(res, { statusCode: 'abc' }).end(),
  }
  for (const [name, write] of Object.entries(writes)) {
    for (const site of ['app', 'protect'] as const) {
      test(`${name}: ${site}`, async () => {
        const handler = (_req: unknown, res: unknown) => write(res as http.ServerResponse)
        const server = await start(site, rule('odd', reason, { status: 403, handler }))
        assert.notEqual(await ask(site, server.port), 'fine')
        await server.close()
      })
    }
  }

  test('a part, and then throws: behind protect the connection ends', async () => {
    const handler = (_req: unknown, res: unknown) => {
      ;(res as http.ServerResponse).write('a part')
      throw Object.create(null)
    }
    const server = await start('protect', rule('odd', reason, { status: 403, handler }))
    const wire = await exchange({ port: server.port }, get('/'))
    assert.notEqual(wire.end, 'open')
    assert.doesNotMatch(wire.data.toString(), /fine/)
    await server.close()
  })
})

test('an app whose settings throw is behind no proxy, and its requests end', async () => {
  const listener = Object.assign((_: unknown, res: http.ServerResponse) => res.end('fine'), {
    set() {},
    get: oddWays.throws(Object.create(null)),
  })
  const running = await listen(protect(http.createServer(listener as never), { rules: [] }))
  assert.equal(await ask('app', running.port), 'fine')
  await running.close()
})

test("what next throws is the app's: it comes through as it is, and next is called once", async () => {
  const rules: readonly [string, CommonOptions & { judge?: () => never }][] = [
    ['passes', {}],
    ['throws', { judge: oddWays.throws(null) }],
    ['has a handler that throws', { status: 403, handler: oddWays.throws(null) }],
  ]
  for (const [name, { judge, ...options }] of rules) {
    const use = rule('odd', judge ?? (options.status ? reason : pass), options)
    const thrown = Object.create(null)
    let calls = 0
    const seen: unknown[] = []
    const server = await listen(
      http.createServer((req, res) => {
        try {
          use(req, res, () => {
            calls++
            throw thrown
          })
        } catch (error) {
          seen.push(error)
          res.end('fine')
        }
      }),
    )
    assert.equal(await ask('app', server.port), 'fine', name)
    assert.deepEqual([calls, seen.length, seen[0] === thrown], [1, 1, true], name)
    await server.close()
  }
})
