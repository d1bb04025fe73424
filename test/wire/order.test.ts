import assert from 'node:assert/strict'
import http, { type ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { drop, type Rule, rateLimit, rule } from '../../lib/index.ts'
import { sites } from '../support/ask.ts'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { type AppKind, listen, type Middleware, start } from '../support/servers.ts'

const site = sites()
const apps: readonly AppKind[] = ['express4', 'express5', 'connect', 'bare']
const noBad = () => rule('no-bad', req => req.url === '/bad' && 'bad')
const slowVerdict = () =>
  rule('slow', async req => {
    await settle(req.url === '/one' ? 60 : 20)
  })

for (const app of apps) {
  describe(`what came before a dropped request is answered: ${app}`, () => {
    test('although its own verdict came later', async () => {
      const to = await site([noBad(), slowVerdict()], { server: 'http', app })
      const wire = await to.send(get('/one') + get('/two') + get('/bad') + get('/third'))
      assert.deepEqual(to.calls, ['/one', '/two'])
      assert.equal(wire.data.toString().split('fine').length, 3)
      assert.equal(wire.end, 'fin')
      assert.equal(to.events.length, 1)
    })

    test('although it meets its next rule later', async () => {
      const body = ((req: http.IncomingMessage, _res: unknown, next: () => void) => {
        req.resume().once('end', () => setTimeout(next, 20))
      }) as unknown as Middleware
      const to = await site([noBad(), body, rule('later', () => undefined)], { server: 'http', app })
      const wire = await to.send(
        `POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody${get('/bad')}`,
      )
      assert.match(wire.data.toString(), /fine$/)
      assert.deepEqual(to.calls, ['/one'])
      assert.equal(wire.end, 'fin')
    })

    test('although it is delayed by a rate limit that drops the next', async () => {
      const to = await site([rateLimit({ rate: '1r/s', burst: 1, delay: 'all' })], { server: 'http', app })
      const wire = await to.send(get('/one') + get('/two') + get('/three'))
      assert.deepEqual(to.calls, ['/one', '/two'])
      assert.equal(wire.data.toString().split('fine').length, 3)
      assert.equal(wire.end, 'fin')
      assert.equal(to.events.length, 1)
    })
  })
}

describe('an earlier, large response arrives whole', () => {
  const size = 1_000_000
  const large = ((_req: unknown, res: ServerResponse) => {
    setTimeout(() => res.end(Buffer.alloc(size, 'x')), 40)
  }) as unknown as Middleware
  const bodyLength = (data: Buffer) => data.length - data.indexOf('\r\n\r\n') - 4

  test('although the client trickles on behind the dropped request', async () => {
    const to = await site([noBad(), large], { server: 'http', app: 'bare' })
    const client = await RawClient.open({ port: to.port })
    client.send(`${get('/one')}${get('/bad')}GET /th`)
    const trickle = setInterval(() => client.tcp.write('a'), 1)
    const wire = await client.ended()
    clearInterval(trickle)
    client.destroy()
    assert.equal(bodyLength(wire.data), size)
    assert.equal(wire.end, 'fin')
  })

  test('although a held request behind it is dropped too, while a third uploads', async () => {
    const rules = [
      noBad(),
      rule('later', async req => settle(20).then(() => req.url === '/two' && 'late')),
      large,
    ]
    const to = await site(rules, { server: 'http', app: 'bare' })
    const client = await RawClient.open({ port: to.port })
    const upload = `POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n${'y'.repeat(500_000)}`
    client.send(get('/one') + get('/two') + upload)
    await client.until(() => bodyLength(client.data) >= size)
    client.destroy()
    assert.equal(bodyLength(client.data), size)
  })
})

test('behind a drop a client that leaves is noticed, by FIN and by RST', async () => {
  for (const leave of ['destroy', 'resetAndDestroy'] as const) {
    let closed = 0
    const server = await start({ server: 'http', app: 'bare' }, [noBad()], (_req, res) => {
      ;(res as ServerResponse).write('an endless answer')
      res.once('close', () => closed++)
    })
    const client = await RawClient.open({ port: server.port })
    client.send(get('/endless') + get('/bad') + get('/third'))
    await client.until(() => client.text.includes('endless answer'))
    client.tcp[leave]()
    await settle(60)
    assert.equal(closed, 1, leave)
    assert.equal(await new Promise(resolve => server.server.getConnections((_, count) => resolve(count))), 0)
    await server.close()
  }
})

describe('hooks of other middleware on the response', () => {
  /** As `on-headers` does: a function of the user's runs when the head is written. */
  const hook = ((_req: unknown, res: ServerResponse, next: () => void) => {
    const { writeHead } = res
    res.writeHead = ((...args: Parameters<typeof writeHead>) => {
      res.writeHead = writeHead
      if (args[0] !== 500) throw new Error('hook')
      return writeHead.apply(res, args)
    }) as typeof writeHead
    next()
  }) as unknown as Middleware

  for (const app of apps) {
    for (const judge of [() => 'x', async () => 'x']) {
      const kind = judge() === 'x' ? 'synchronous' : 'asynchronous'
      test(`that throw: ${app}, a ${kind} verdict`, async () => {
        const answered = await site([hook, rule('r', judge, { status: 429 })], { server: 'http', app })
        const text = (await answered.send(get('/', { Connection: 'close' }))).data.toString()
        assert.match(text, /^HTTP\/1\.1 500 [\s\S]*hook/)
        assert.equal(answered.events.length, 1)
        const handedOff = await site([hook, rule('r', judge, { trustProxy: 'loopback' })], {
          server: 'http',
          app,
        })
        const wire = await handedOff.send(get('/'))
        assert.match(
          wire.data.toString(),
          /^HTTP\/1\.1 444 \r\nContent-Length: 0\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n$/,
        )
        assert.equal(wire.end, 'fin')
        assert.deepEqual(
          handedOff.events.map(({ action }) => action),
          ['hand-off'],
        )
        const dropped = await site([hook, rule('r', judge)], { server: 'http', app })
        assert.deepEqual((await dropped.send(get('/'))).wireBytes, 0)
        assert.equal(dropped.events.length, 1)
      })
    }
  }
})

test('drop() after a rule has begun to answer ends the connection, with no second event', async () => {
  const handler = (req: http.IncomingMessage) => drop(req)
  const to = await site([rule('r', () => 'x', { status: 403, handler: handler as never })])
  const wire = await to.send(get('/'))
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
  assert.equal(to.events.length, 1)
})

test("a handler's own status is in the event", async () => {
  const handler = (_req: unknown, res: unknown) => {
    ;(res as ServerResponse).statusCode = 302
    ;(res as ServerResponse).end()
  }
  const to = await site([rule('r', () => 'x', { status: 403, handler })])
  await to.send(get('/', { Connection: 'close' }))
  assert.deepEqual([to.events[0]?.status, to.events[0]?.sentStatus], [403, 302])
})

test('a request that is dropped while a rule still judges it goes nowhere', async () => {
  const early = ((req: never, res: never, next: () => void) => {
    setTimeout(() => drop(req, { res, http2: 'stream' }), 10)
    next()
  }) as unknown as Middleware
  const late = () => rule('late', async () => settle(40))
  const http1 = await site([early, late()])
  const wire = await http1.send(get('/'))
  await settle(60)
  assert.equal(http1.events.length, 1)
  const http2 = await site([early, late()], { server: 'h2c', app: 'bare' })
  const client = await openHttp2({ port: http2.port })
  client.send(headers(1, '/'))
  await settle(80)
  client.destroy()
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
  assert.deepEqual([http1.calls, http2.calls], [[], []])
  assert.equal(http2.events.length, 1)
})

test('a buffered response whose turn has not come was not sent', async () => {
  const to = await site([
    ((req: never, res: ServerResponse, next: () => void) => {
      if ((req as http.IncomingMessage).url !== '/bad') return setTimeout(next, 30)
      res.end('buffered')
      drop(req, { res })
    }) as unknown as Middleware,
  ])
  const wire = await to.send(get('/one') + get('/bad'))
  assert.match(wire.data.toString(), /fine$/)
  assert.equal(to.events[0]?.sentStatus, undefined)
})

describe('drop where Node has given the socket away', () => {
  for (const [name, make] of [
    ['without a response', () => undefined],
    ['with a response of its own', (req: http.IncomingMessage) => new http.ServerResponse(req)],
  ] as const) {
    test(`an upgrade request, ${name}`, async () => {
      const drops = collectDrops()
      const server = http.createServer()
      server.on('upgrade', req => drop(req, { res: make(req) }))
      const running = await listen(server)
      const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' }
      const wire = await exchange({ port: running.port }, get('/ws', upgrade))
      drops.stop()
      await running.close()
      assert.deepEqual([wire.wireBytes, wire.end, drops.events.length], [0, 'fin', 1])
    })
  }
})

test('other middleware may hang a stream on request and response', async () => {
  const foreign = ((req: { stream: unknown }, res: { stream: unknown }, next: () => void) => {
    req.stream = {}
    res.stream = {}
    next()
  }) as unknown as Middleware
  const to = await site([foreign, noBad()], { server: 'http', app: 'bare' })
  const wire = await to.send(`${get('/one')}GET /bad HTTP/2.0\r\nHost: a\r\n\r\n`)
  assert.match(wire.data.toString(), /fine$/)
  assert.equal(to.events.length, 1)
})

test('a thenable that throws, or settles twice', async () => {
  const throws = {
    // biome-ignore lint/suspicious/noThenProperty: that is the test
    get then(): never {
      throw new Error('then')
    },
  }
  // biome-ignore lint/suspicious/noThenProperty: that is the test
  const twice = { then: (settled: (value: undefined) => void) => [settled(undefined), settled(undefined)] }
  const first = await site([rule('r', () => throws as never)], { server: 'http', app: 'bare' })
  assert.match(
    (await first.send(get('/', { Connection: 'close' }))).data.toString(),
    /^HTTP\/1\.1 500 [\s\S]*then/,
  )
  const second = await site([rule('r', () => twice as never)], { server: 'http', app: 'bare' })
  await second.send(get('/', { Connection: 'close' }))
  assert.equal(second.calls.length, 1)
})

test('many pending drops on one connection warn of no leak', async () => {
  const warnings: Error[] = []
  const collect = (warning: Error) => warnings.push(warning)
  process.on('warning', collect)
  const to = await site(
    [
      ((req: never, res: never, next: () => void) => {
        if ((req as http.IncomingMessage).url === '/bad') drop(req, { res })
        else setTimeout(next, 30)
      }) as unknown as Rule,
    ],
    { server: 'http', app: 'bare' },
  )
  await to.send(get('/one') + get('/bad').repeat(30))
  await settle(5)
  process.off('warning', collect)
  assert.deepEqual(
    warnings.filter(({ name }) => name === 'MaxListenersExceededWarning'),
    [],
  )
  assert.deepEqual(uncaught.splice(0), [])
})
