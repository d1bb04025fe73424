import assert from 'node:assert/strict'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { before, describe, test } from 'node:test'
import type { CommonOptions, ProtectOptions, Request, Rule } from '../../lib/index.ts'
import { type Copy, loadCopy } from '../support/copies.ts'
import { settle } from '../support/events.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { buildApp, listen, type Middleware, start } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

interface Site {
  /** What is mounted in the app. */
  readonly mounted?: readonly (Rule | Middleware)[]
  /** Whose `protect` guards the server. */
  readonly guard?: Copy | undefined
  readonly options?: ProtectOptions
  readonly handler?: (req: IncomingMessage, res: ServerResponse) => void
}

async function serve({ mounted = [], guard, options, handler }: Site): Promise<number> {
  const { port, server } = closed(
    await start({ server: 'http', app: 'bare' }, mounted, (req, res) => {
      calls.push(req.url as string)
      if (handler) handler(req as IncomingMessage, res as ServerResponse)
      else res.end(`answer ${req.url}`)
    }),
  )
  guard?.protect(server, options)
  return port
}

const told = () => drops.events.map(({ rule, reason, action }) => `${rule} ${reason} ${action}`)

/** What a client gets that sends several requests at once. */
async function pipeline(port: number, ...paths: readonly string[]) {
  const client = await RawClient.open({ port })
  client.send(paths.map(path => get(path)).join(''))
  const { data, end } = await client.ended()
  client.destroy()
  return { bodies: [...data.toString().matchAll(/answer \S+?(?=HTTP|$)/g)].map(String), end }
}

interface Pair {
  readonly name: string
  readonly load: () => Promise<readonly [Copy, Copy]>
}

/** New ones, so that both have made no rule yet. */
const pairs: readonly Pair[] = [
  { name: 'two bundles', load: async () => [await loadCopy(), await loadCopy()] },
  {
    name: 'one in a context of its own',
    load: async () => [await loadCopy(), await loadCopy({ inContext: true })],
  },
  {
    name: 'one in a context of its own, which guards',
    load: async () => [await loadCopy({ inContext: true }), await loadCopy()],
  },
]

for (const { name, load } of pairs) {
  describe(`requests between two copies: ${name}`, () => {
    hooks()
    let a: Copy
    let b: Copy
    before(async () => {
      ;[a, b] = await load()
    })

    test('both judge a request, whose rules are the first of their copies', async () => {
      const [first, second] = await load()
      const seen: string[] = []
      const passing = (copy: Copy, name: string) => copy.rule(name, () => void seen.push(name))
      const rules = [passing(first, 'one'), passing(second, 'two'), passing(first, 'three')]
      const port = await serve({ mounted: [...rules, ...rules], guard: first, options: { rules } })
      await exchange({ port }, get('/', { Connection: 'close' }))
      assert.deepEqual(seen, ['one', 'two', 'three'])
      assert.deepEqual(calls, ['/'])
    })

    test('what each remembers of a connection is its own', async () => {
      const [first, second] = await load()
      const port = await serve({
        mounted: [first.badAgent({ patterns: ['alpha'] }), second.badAgent({ patterns: ['beta'] })],
      })
      const client = await RawClient.open({ port })
      client.send(get('/1', { 'User-Agent': 'gamma/1' }))
      await client.until(() => client.text.includes('answer /1'))
      client.send(get('/2', { 'User-Agent': 'beta/1' }))
      assert.equal((await client.ended()).wireBytes, 0)
      assert.deepEqual(calls, ['/1'])
    })

    test('a drop is one, and one event, whoever drops again', async () => {
      const port = await serve({
        guard: a,
        options: { rules: [b.rule('first', () => 'bad')] },
        mounted: [a.rule('never', () => 'bad')],
      })
      assert.equal((await exchange({ port }, get())).wireBytes, 0)
      const twice = await serve({
        guard: a,
        handler(req, res) {
          b.drop(req, { res, rule: 'once' })
          a.drop(req, { res, rule: 'twice' })
        },
      })
      assert.equal((await exchange({ port: twice }, get())).wireBytes, 0)
      assert.deepEqual(told(), ['first bad close', 'once drop close'])
    })

    test('a dry run of protect holds for the rules of the other copy', async () => {
      const options = { dryRun: true, rules: [b.rule('bad', () => true)] }
      const port = await serve({ guard: a, options })
      const { data } = await exchange({ port }, get('/', { Connection: 'close' }))
      assert.match(data.toString(), /answer \/$/)
      assert.deepEqual(told(), ['bad bad dry-run'])
    })

    test('a rule in a dry run that throws passes', async () => {
      const throwing = b.rule('throwing', () => JSON.parse(''), { dryRun: true })
      const port = await serve({ guard: a, options: { rules: [throwing] } })
      const { data } = await exchange({ port }, get('/', { Connection: 'close' }))
      assert.match(data.toString(), /answer \/$/)
    })

    test('an error that another context has made goes to the app as it is', async () => {
      const thrown = new RangeError('mine')
      const given: unknown[] = []
      const throwing = b.rule('throwing', () => {
        throw thrown
      })
      const port = await serve({
        mounted: [
          (req, res, next) =>
            throwing(req, res, error => {
              given.push(error)
              next()
            }),
        ],
      })
      await exchange({ port }, get('/', { Connection: 'close' }))
      assert.equal(given[0], thrown)
    })

    const slowly: Site['handler'] = (req, res) => void setTimeout(() => res.end(`answer ${req.url}`), 30)
    const isBad = (req: Request) => req.url === '/bad' && 'bad'
    const droppers: Record<string, () => Site> = {
      'a rule of protect': () => ({ options: { rules: [b.rule('no-bad', isBad)] }, handler: slowly }),
      'a rule of the app that waits': () => ({
        mounted: [b.rule('no-bad', req => settle(60).then(() => isBad(req)))],
        handler: slowly,
      }),
      'the app, with drop': () => ({
        handler(req, res) {
          if (isBad(req)) setTimeout(() => b.drop(req, { res, rule: 'no-bad', reason: 'bad' }), 30)
          else slowly(req, res)
        },
      }),
      'a rule of the app, in front of one that waits': () => ({
        mounted: [b.rule('no-bad', isBad), a.rule('waits', async () => settle(1))],
        handler: slowly,
      }),
    }
    for (const [who, site] of Object.entries(droppers)) {
      test(`pipelined: earlier answers arrive, later requests never run: ${who}`, async () => {
        const port = await serve({ guard: a, ...site() })
        const { bodies, end } = await pipeline(port, '/1', '/2', '/bad', '/4', '/5')
        assert.deepEqual(bodies, ['answer /1', 'answer /2'])
        assert.equal(end, 'fin')
        assert.deepEqual(
          calls.filter(path => path !== '/bad'),
          ['/1', '/2'],
        )
        assert.deepEqual(told(), ['no-bad bad close'])
      })
    }

    test('without protect: a request that one copy has held is dropped by the other behind the answer before it', async () => {
      let isDestroyed: boolean | undefined
      const holding = a.rule('holds', req => settle(20).then(() => req.url === '/3' && 'bad'))
      const port = await serve({
        mounted: [b.rule('last', req => req.url === '/3' && 'bad'), holding],
        handler(req, res) {
          if (req.url === '/1') return void setTimeout(() => res.end('answer /1'), 80)
          b.drop(req, { res, rule: 'held' })
          isDestroyed = req.socket.destroyed
        },
      })
      const { bodies, end } = await pipeline(port, '/1', '/2', '/3')
      assert.deepEqual(bodies, ['answer /1'])
      assert.equal(end, 'fin')
      assert.deepEqual(told(), ['last bad close', 'held drop close'])
      assert.equal(isDestroyed, false)
    })

    test('a server has one guard, and either copy takes it off', async () => {
      const server = http.createServer((_req, res) => void res.end('fine'))
      a.protect(server)
      const refused = { code: 'DROP444_ALREADY_PROTECTED', name: 'OptionsError', option: 'server' }
      assert.throws(() => b.protect(server), refused)
      assert.throws(() => a.protect(server), refused)
      const { port } = closed(await listen(server))
      assert.equal((await exchange({ port }, 'nonsense\r\n\r\n')).wireBytes, 0)
      assert.equal(drops.events.length, 1)
      b.unprotect(server)
      assert.match((await exchange({ port }, 'nonsense\r\n\r\n')).data.toString(), /^HTTP\/1.1 400/)
      assert.equal(Object.hasOwn(server, 'emit'), false)
      b.protect(server)
      assert.equal((await exchange({ port }, 'nonsense\r\n\r\n')).wireBytes, 0)
      a.unprotect(server)
      assert.equal(drops.events.length, 2)
    })

    test('a ban of one copy, by the drops of the other, is first and stands at the door', async () => {
      const bans = b.repeatOffender({ limit: 1, window: '1m', ban: '1m' })
      const rules = [a.rule('bad', req => req.url?.startsWith('/bad') && 'bad'), bans]
      const port = await serve({ guard: a, options: { rules } })
      for (let i = 0; i < 3; i++) assert.equal((await exchange({ port }, get(`/bad/${i}`))).wireBytes, 0)
      bans.close()
      assert.deepEqual(told(), ['bad bad close', 'bad bad close', 'repeatOffender banned close'])
      // Refused before there was a request.
      assert.equal(drops.events[2]?.requestLine, '')
    })

    test('an untrusted X-Forwarded-For is no news to who has said that no proxy is trusted', async () => {
      const [first, second] = await load()
      const codes: (string | undefined)[] = []
      const hear = (warning: NodeJS.ErrnoException) => codes.push(warning.code)
      process.on('warning', hear)
      const rules = [second.denyCidr(['192.0.2.0/24'])]
      const port = await serve({ guard: first, options: { rules, trustProxy: false } })
      await exchange({ port }, get('/', { Connection: 'close', 'X-Forwarded-For': '192.0.2.1' }))
      await settle()
      process.off('warning', hear)
      assert.deepEqual(calls, ['/'])
      assert.deepEqual(codes, [])
    })

    test('a request without Host reaches the noHost of the other copy', async () => {
      const noHost = 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'
      const port = await serve({ mounted: [b.noHost()], guard: a })
      assert.equal((await exchange({ port }, noHost)).wireBytes, 0)
      const app = buildApp('express5', [a.noHost({ dryRun: true }), b.noHost()], () => {})
      const { port: express } = closed(await listen(http.createServer(app)))
      assert.equal((await exchange({ port: express }, noHost)).wireBytes, 0)
      assert.deepEqual(told().slice(-1), ['noHost no-host close'])
    })

    /** An HTTP/2 session on a server that `a` guards and on which either drops what is asked of it; what was done. */
    async function overHttp2(options: CommonOptions, paths: readonly string[], isOneByOne: boolean) {
      const rules = [
        a.rule('a', req => req.url === '/a', options),
        b.rule('b', req => req.url === '/b', { http2: 6 }),
      ]
      const app = buildApp('bare', rules, (_req, res) => void res.end('fine'))
      const server = http2.createServer(app as never)
      const { port } = closed(await listen(server))
      a.protect(server)
      const session = http2.connect(`http://127.0.0.1:${port}`)
      session.on('error', () => {})
      let heads = 0
      const ask = (path: string) =>
        new Promise<void>(resolve => {
          const stream = session.request({ ':path': path })
          stream.on('response', () => heads++).on('error', () => {})
          stream.once('close', resolve)
        })
      if (isOneByOne) for (const path of paths) await ask(path)
      else await Promise.all(paths.map(ask))
      session.destroy()
      assert.equal(heads, 0)
      return drops.events.map(({ action }) => action)
    }

    test('HTTP/2: the drops of both count towards the end of a session', async () => {
      const paths = ['/a', '/b', '/a', '/b', '/a', '/b']
      assert.deepEqual(await overHttp2({ http2: 6 }, paths, true), [...Array(5).fill('reset'), 'goaway'])
    })

    test('HTTP/2: a session that one ends is ending for the other', async () => {
      assert.deepEqual(await overHttp2({ http2: 'goaway' }, ['/a', '/b'], false), ['goaway', 'goaway'])
    })
  })
}
