import assert from 'node:assert/strict'
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import http from 'node:http'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import {
  onDrop,
  type ProtectOptions,
  protect,
  type Request,
  type Response,
  type Rule,
  rateLimit,
  rule,
} from '../../lib/index.ts'
import { ContextSite, serverOf } from '../support/context-site.ts'
import { contexts } from '../support/contexts.ts'
import { settle } from '../support/events.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { buildApp, kindName, kinds, listen } from '../support/servers.ts'
import { hooks } from '../support/watch.ts'

const http1 = kinds.filter(({ protocol }) => protocol === 1)
const upgrade = get('/ws', { Connection: 'Upgrade', Upgrade: 'websocket' })
const tunnel = 'CONNECT a.example:1 HTTP/1.1\r\nHost: a.example:1\r\n\r\n'

/** A rule that lets everything pass, some moments later. */
const waits = () => rule('waits', () => settle(3) as Promise<never>)

const waiting: Record<string, () => readonly Rule[]> = {
  'without rules': () => [],
  'behind a rule that waits': () => [waits()],
  'behind a rate limit that delays': () => [rateLimit({ rate: '300r/s', burst: 10, delay: 'all' })],
  'behind a middleware that calls back later': () => [(_req, _res, next) => void setTimeout(next, 3)],
}

for (const each of contexts) {
  const { name, run } = each

  describe(`requests behind one another under protect, ${name}`, () => {
    hooks()

    for (const kind of http1) {
      test(`in one packet, ${kindName(kind)}`, async () => {
        const site = new ContextSite(each)
        const port = await site.serve(serverOf(kind.server, buildApp(kind.app, [], site.page) as never))
        const bytes = get('/later') + get('/secret') + get('/now') + get('/last')
        const seen = await site.send({ port, tls: kind.tls, alpn: ['http/1.1'] }, bytes, 4)
        assert.deepEqual(seen, ['/later listen', '/secret listen', '/now listen', '/last listen'])
      })
    }

    for (const [which, rules] of Object.entries(waiting)) {
      for (const first of ['/now', '/later']) {
        test(`${which}, the first answers ${first.slice(1)}`, async () => {
          const site = new ContextSite(each)
          const port = await site.serve(http.createServer(site.page), { rules: [...rules()] })
          const seen = await site.send({ port }, get(first) + get('/secret') + get('/now') + get('/last'), 4)
          assert.deepEqual(seen, [`${first} listen`, '/secret listen', '/now listen', '/last listen'])
        })
      }
    }

    for (const kind of ['http', 'https', 'http2-h1'] as const) {
      for (const [event, bytes] of Object.entries({ upgrade, connect: tunnel })) {
        test(`${event} over ${kind}: as with Node alone`, async () => {
          const ask = async (options: ProtectOptions | 'bare') => {
            const site = new ContextSite(each)
            const server = serverOf(kind, site.page).on(event, (_req: Request, socket: Duplex) => {
              site.see(event)
              socket.end('HTTP/1.1 400 x\r\n\r\n')
            })
            const to = { port: await site.serve(server, options), tls: kind !== 'http', alpn: ['http/1.1'] }
            return site.send(to, get('/health') + bytes, 2)
          }
          const bare = await ask('bare')
          assert.match(bare.join(), new RegExp(`^/health listen,${event} (listen|nobody)$`))
          assert.deepEqual(await ask({}), bare)
          assert.deepEqual(await ask({ rules: [waits()] }), bare)
        })
      }
    }

    test('what expects something', async () => {
      const site = new ContextSite(each)
      const server = http.createServer(site.page)
      for (const event of ['checkContinue', 'checkExpectation']) {
        server.on(event, (req: Request, res: Response) => {
          site.see(event)
          site.page(req, res)
        })
      }
      const port = await site.serve(server)
      const [other, body] = [get('/a', { Expect: 'other' }), get('/b', { Expect: '100-continue' })]
      assert.deepEqual(await site.send({ port }, get('/first') + other + body, 5), [
        '/first listen',
        'checkExpectation listen',
        '/a listen',
        'checkContinue listen',
        '/b listen',
      ])
    })

    test('all that is called for them', async () => {
      const site = new ContextSite(each)
      const noting = (place: string) => (req: Request) => void site.see(`${place} ${req.url}`)
      const rules = [
        rule('judge', noting('judge')),
        rule('skips', () => {}, { skip: noting('skip') }),
        rateLimit({
          rate: '1000r/s',
          burst: 100,
          key: req => String(noting('key')(req)),
          cost: req => Number(noting('cost')(req) === undefined),
          store: {
            async hit() {
              site.see('store')
              return { allowed: true, delay: 0, retryAfter: 0 }
            },
          },
        }),
        rule('answers', req => req.url === '/answered', {
          status: 403,
          handler: (req, res) => {
            noting('handler')(req)
            res.end()
          },
        }),
        rule('drops', req => req.url === '/dropped'),
      ]
      const port = await site.serve(http.createServer(site.page), { rules })
      const stop = onDrop(({ url }) => site.see(`event ${url}`))
      const seen = await site.send({ port }, get('/first') + get('/answered') + get('/dropped'), 19)
      stop()
      const judged = (path: string) => [
        `judge ${path}`,
        `skip ${path}`,
        `key ${path}`,
        `cost ${path}`,
        'store',
      ]
      const places = [
        ...[...judged('/first'), '/first'],
        ...[...judged('/answered'), 'handler /answered', 'event /answered'],
        ...[...judged('/dropped'), 'event /dropped'],
      ]
      assert.deepEqual(
        seen,
        places.map(place => `${place} listen`),
      )
    })

    test('an emit that gives each a context of its own, as instrumentations do', async () => {
      const site = new ContextSite(each)
      const server = http.createServer(site.page)
      protect(server, { rules: [waits()] })
      const { emit } = server
      server.emit = (event: string, ...args: unknown[]) => {
        const call = () => Reflect.apply(emit, server, [event, ...args]) as boolean
        return /^(request|upgrade)$/.test(event) ? run(`of ${(args[0] as Request).url}`, call) : call()
      }
      server.on('upgrade', (_req: Request, socket: Duplex) => {
        site.see('upgrade')
        socket.destroy()
      })
      const port = await site.serve(server, 'bare')
      const seen = await site.send({ port }, get('/a') + get('/b') + get('/c') + upgrade, 4)
      assert.deepEqual(seen, ['/a of /a', '/b of /b', '/c of /c', 'upgrade of /ws'])
    })
  })

  describe(`a middleware among the rules of protect, ${name}`, () => {
    hooks()

    test('that sets a context: it is not that of what comes behind', async () => {
      const site = new ContextSite(each)
      const atOnce: Rule = (_req, _res, next) => run('set at once', next)
      const later: Rule = (_req, _res, next) => run('set later', () => void setTimeout(next, 3))
      const port = await site.serve(http.createServer(site.page), { rules: [atOnce, later] })
      assert.deepEqual(await site.send({ port }, get('/a') + get('/b'), 2), ['/a listen', '/b listen'])
    })

    test('that another request calls back, with an error too', async () => {
      const site = new ContextSite(each)
      const pool: (() => void)[] = []
      const pooled: Rule = (req, _res, next) => {
        if (req.url !== '/frees')
          return void pool.push(() => next(req.url === '/fails' ? new Error('it fails') : undefined))
        for (const free of pool) run('of who frees', free)
        next()
      }
      const behind = rule('behind', req => site.see(`behind ${req.url}`))
      const port = await site.serve(http.createServer(site.page), { rules: [pooled, behind] })
      const stop = onDrop(({ url }) => site.see(`event ${url}`))
      const clients = [await RawClient.open({ port }), await RawClient.open({ port })]
      clients[0]?.send(get('/waits'))
      clients[1]?.send(get('/fails'))
      while (pool.length < 2) await settle(2)
      const seen = [...(await site.send({ port }, get('/frees'), 5))]
      stop()
      for (const client of clients) client.destroy()
      assert.deepEqual(seen.sort(), [
        '/frees listen',
        '/waits listen',
        'behind /frees listen',
        'behind /waits listen',
        'event /fails listen',
      ])
    })
  })
}

describe('what it costs: an AsyncResource for each request that waits', () => {
  hooks()
  const guards: Record<string, [options: ProtectOptions | 'bare', count: number]> = {
    'an app without protect': ['bare', 0],
    'behind protect': [{}, 0],
    'behind a rule that waits': [{ rules: [waits()] }, 3],
    'behind a middleware that calls back later': [
      { rules: [(_req, _res, next) => void setTimeout(next, 3)] },
      7,
    ],
  }

  for (const [which, [options, piped]] of Object.entries(guards)) {
    test(`${which}: none for one that does not`, async () => {
      const site = new ContextSite(contexts[0] as (typeof contexts)[0])
      const port = await site.serve(http.createServer(site.page), options)
      const client = await RawClient.open({ port })
      await settle()
      let made = 0
      const init = (_id: number, type: string) => {
        if (type === 'DROP444') made++
      }
      const hook = createHook({ init }).enable()
      for (const count of [1, 2, 3, 4]) {
        client.send(get('/now'))
        await client.until(() => client.text.split('HTTP/1.1 200').length > count, 20_000)
      }
      const alone = made
      made = 0
      client.send(get('/now').repeat(4))
      await client.until(() => client.text.split('HTTP/1.1 200').length > 8, 20_000)
      hook.disable()
      client.destroy()
      assert.deepEqual([alone, made], [which.includes('middleware') ? 4 : 0, piped])
    })
  }
})

test('enterWith: a request behind another sees what it sees on this Node alone', async () => {
  const store = new AsyncLocalStorage<string>()
  const ask = async (options: ProtectOptions | undefined) => {
    const seen: (string | undefined)[] = []
    const server = http.createServer((_req, res) => {
      seen.push(store.getStore())
      store.enterWith('the first')
      setTimeout(() => res.end(), 5)
    })
    if (options) protect(server, options)
    const running = await listen(server)
    const client = await RawClient.open({ port: running.port })
    client.send(get('/a') + get('/b'))
    await client.until(() => seen.length === 2)
    client.destroy()
    await running.close()
    return seen
  }
  assert.deepEqual(await ask({}), await ask(undefined))
})
