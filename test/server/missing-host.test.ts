import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { afterEach, describe, test } from 'node:test'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import { drop444, noHost, type Rule } from '../../lib/index.ts'
import { collectDrops } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'

const bare = 'GET / HTTP/1.1\r\n\r\n'
const running: RunningServer[] = []
const drops = collectDrops()

afterEach(async () => {
  drops.events.length = 0
  for (const server of running.splice(0)) await server.close()
})

async function up(server: Parameters<typeof listen>[0], tls = false) {
  const started = await listen(server)
  running.push(started)
  return { port: started.port, tls, alpn: ['http/1.1'] }
}

type App = { use(...args: unknown[]): unknown } & http.RequestListener

const creators: [string, () => App][] = [
  ['Express 4', express4 as unknown as () => App],
  ['Express 5', express as unknown as () => App],
  ['Connect', connect as unknown as () => App],
]

/** With `app` in front of `rule`, from the very first request on. */
async function assertSilent(app: http.RequestListener, to?: Awaited<ReturnType<typeof up>>): Promise<void> {
  const wire = await exchange(to ?? (await up(http.createServer(app))), bare)
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
  assert.deepEqual(
    drops.events.map(({ rule, reason }) => `${rule} ${reason}`),
    ['noHost no-host'],
  )
}

for (const [name, create] of creators) {
  describe(`an HTTP/1.1 request without Host, the first of all: ${name}`, () => {
    test('is silent, also over TLS and behind other middleware', async () => {
      const app = create()
      app.use((_req: unknown, _res: unknown, next: () => void) => next())
      app.use(noHost())
      app.use((_req: unknown, res: http.ServerResponse) => res.end('fine'))
      await assertSilent(app)
      drops.events.length = 0
      await assertSilent(app, await up(https.createServer(credentials, app), true))
      drops.events.length = 0
      if (name === 'Connect') {
        const server = http2.createSecureServer({ ...credentials, allowHTTP1: true }, app as never)
        await assertSilent(app, await up(server, true))
      }
    })

    test('is silent through drop444()', async () => {
      const app = create()
      app.use(drop444({ noHost: true }))
      await assertSilent(app)
    })

    test("leaves servers alone whose app has no such rule, or not at the root: Node's 400", async () => {
      const plain = create()
      const elsewhere = create()
      elsewhere.use('/admin', noHost())
      for (const app of [plain, elsewhere]) {
        const wire = await exchange(await up(http.createServer(app)), bare)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 400 Bad Request\r\n/)
      }
      const wire = await exchange(await up(http.createServer((_req, res) => res.end('bare'))), bare)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
      assert.equal(drops.events.length, 0)
    })

    test('dryRun: judged and logged, and the answer is what it was', async () => {
      const app = create()
      app.use(noHost({ dryRun: true }))
      const wire = await exchange(await up(http.createServer(app)), bare)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
      assert.deepEqual(
        drops.events.map(({ reason, action }) => [reason, action]),
        [['no-host', 'dry-run']],
      )
    })

    test('dryRun within drop444(), however it is set: nothing but noHost judges, once', async () => {
      for (const options of [
        { noHost: { dryRun: true } },
        { noHost: true, dryRun: true },
        { noHost: true, badAgent: { dryRun: false }, dryRun: true },
      ]) {
        const app = create()
        app.use(drop444(options))
        const wire = await exchange(await up(http.createServer(app)), bare)
        assert.match(wire.data.toString(), /^HTTP\/1\.1 400 /)
        assert.deepEqual(
          drops.events.splice(0).map(({ reason, action }) => [reason, action]),
          [['no-host', 'dry-run']],
        )
      }
    })

    test('enforced within a drop444() that is a dry run otherwise', async () => {
      const app = create()
      app.use(drop444({ noHost: { dryRun: false }, badAgent: true, dryRun: true }))
      await assertSilent(app)
    })

    test('except lets health checks pass', async () => {
      const app = create()
      app.use(noHost({ except: ['loopback'] }))
      app.use((_req: unknown, res: http.ServerResponse) => {
        res.setHeader('Connection', 'close')
        res.end('healthy')
      })
      const wire = await exchange(await up(http.createServer(app)), bare)
      assert.match(wire.data.toString(), /healthy/)
    })

    test('status: 400 is answered by the rule', async () => {
      const app = create()
      app.use(noHost({ status: 400 }))
      const wire = await exchange(await up(http.createServer(app)), bare, 200)
      assert.match(wire.data.toString(), /^HTTP\/1\.1 400 [\s\S]*Bad Request\n$/)
      assert.equal(drops.events[0]?.action, 'respond')
    })
  })
}

test('in a router at the root of Express', async () => {
  for (const create of [express4, express]) {
    const app = create()
    const router = express.Router()
    router.use(noHost() as unknown as express.RequestHandler)
    app.use(router)
    await assertSilent(app)
    drops.events.length = 0
  }
})

test('an app that cannot be looked into is known from its first request on', async () => {
  const rule: Rule = noHost()
  const to = await up(http.createServer((req, res) => rule(req, res, () => res.end('fine'))))
  const first = await exchange(to, get('/', { Connection: 'close' }))
  assert.match(first.data.toString(), /fine/)
  const wire = await exchange(to, bare)
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
})

test('HTTP/1.0 needs no Host for Node, and is dropped all the same', async () => {
  const app = express()
  app.use(noHost() as unknown as express.RequestHandler)
  const wire = await exchange(await up(http.createServer(app)), 'GET / HTTP/1.0\r\n\r\n')
  assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
})

describe('a rule on one route changes nothing elsewhere', () => {
  type Methods = App & Record<'get' | 'post' | 'all' | 'route', (...args: unknown[]) => Methods>
  type Create = () => Methods
  const expresses: [string, Create][] = [
    ['Express 4', express4 as unknown as Create],
    ['Express 5', express as unknown as Create],
  ]
  const page = (_req: unknown, res: http.ServerResponse) => res.setHeader('X-App', 'yes').end('app')
  const request = (path: string, method = 'GET', more = '') => `${method} ${path} HTTP/1.1\r\n${more}\r\n`
  const withoutDate = (text: string) => text.replace(/^Date: .*\r\n/m, '')

  /** What Node itself answers. */
  async function nodes(): Promise<string> {
    const wire = await exchange(await up(http.createServer(page)), request('/'))
    return withoutDate(wire.data.toString())
  }

  /** Where a Host is missing: silence under `silent`, Node's own answer under `others`, before a request to the rule and after it. */
  async function assertOnlyThere(
    app: http.RequestListener,
    silent: string[],
    others: string[],
    secure = false,
  ) {
    const theirs = await nodes()
    const server = secure ? https.createServer(credentials, app) : http.createServer(app)
    const to = await up(server, secure)
    for (const round of ['before', 'after']) {
      for (const path of silent) {
        const wire = await exchange(to, request(path))
        assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'], `${path} ${round}`)
        assert.deepEqual(
          drops.events.splice(0).map(({ reason, url }) => [reason, url]),
          [['no-host', path]],
        )
      }
      for (const path of others) {
        const wire = await exchange(to, request(path))
        assert.equal(withoutDate(wire.data.toString()), theirs, `${path} ${round}`)
        assert.equal((server as { requireHostHeader?: boolean }).requireHostHeader, true)
      }
      for (const path of [...silent, ...others]) await exchange(to, get(path, { Connection: 'close' }))
      assert.deepEqual(drops.events, [])
    }
  }

  for (const [name, create] of expresses) {
    const router = (...layers: unknown[]) => {
      const made = express.Router() as unknown as Methods
      return layers.length === 1 ? made.use(layers[0]) && made : made
    }
    const sites: Record<string, (app: Methods) => [silent: string[], others: string[]]> = {
      'app.get': app => {
        app.get('/admin', noHost({ serverNames: ['localhost'] }), page)
        return [
          ['/admin', '/admin?x', '/ADMIN/'],
          ['/other', '/', '/admins'],
        ]
      },
      'app.use under a path': app => {
        app.use('/admin', noHost(), page)
        return [
          ['/admin', '/admin/a/b'],
          ['/other', '/administrator'],
        ]
      },
      'app.all with a parameter, and app.route': app => {
        app.all('/a/:id', noHost(), page)
        app.route('/b').get(noHost(), page)
        return [
          ['/a/1', '/b'],
          ['/a', '/a/1/2', '/c', '/a/%'],
        ]
      },
      'a router under a path': app => {
        app.use('/api', router(noHost()), page)
        return [['/api', '/api/x'], ['/other']]
      },
      'a sub-app under a path': app => {
        const sub = create()
        sub.use(noHost())
        sub.use(page)
        app.use('/sub', sub)
        return [['/sub', '/sub/x'], ['/other']]
      },
      'drop444 on a route': app => {
        app.get('/admin', drop444({ noHost: true, badAgent: true }), page)
        return [['/admin'], ['/other']]
      },
      'behind a condition': app => {
        const rule = noHost()
        app.use((req: http.IncomingMessage, res: http.ServerResponse, next: () => void) =>
          req.url?.startsWith('/admin') ? rule(req, res, next) : next(),
        )
        return [[], ['/other', '/']]
      },
    }
    for (const [where, mount] of Object.entries(sites)) {
      test(`${name}: ${where}`, async () => {
        const app = create()
        const [silent, others] = mount(app)
        app.use(page)
        await assertOnlyThere(app, silent, others)
        if (where === 'app.get') await assertOnlyThere(app, silent, others, true)
      })
    }

    test(`${name}: a pipeline of requests without Host, one server of two`, async () => {
      const app = create()
      app.get('/admin', noHost({ except: ['loopback'] }), page)
      app.get('/early', page)
      app.use('/early', noHost())
      const theirs = await nodes()
      const server = http.createServer(app)
      const to = await up(server)
      // Past the rule by `except`: the app answers. The next one of the same packet is Node's.
      const both = await exchange(to, request('/admin') + request('/other'))
      const [first, second = ''] = both.data.toString().split(/(?<=\r\n\r\napp)/)
      assert.match(first ?? '', /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-App: yes\r\n/)
      assert.equal(withoutDate(second), theirs)
      // Never met: somebody else answers first.
      for (const path of ['/early', '/other']) {
        const wire = await exchange(to, request(path))
        assert.equal(withoutDate(wire.data.toString()), theirs, path)
      }
      assert.equal((server as { requireHostHeader?: boolean }).requireHostHeader, true)
      assert.deepEqual(drops.events, [])
    })

    test(`${name}: skip lets pass, status answers, another method and Expect are Node's`, async () => {
      const app = create()
      app.get('/skipped', noHost({ skip: () => true }), page)
      app.get('/told', noHost({ status: 403 }), page)
      app.post('/form', noHost(), page)
      const theirs = await nodes()
      const to = await up(http.createServer(app))
      const answers: Record<string, string> = {}
      for (const [path, method] of [
        ['/skipped', 'GET'],
        ['/told', 'GET'],
        ['/form', 'GET'],
      ] as const) {
        const client = await exchange(to, request(path, method, 'Connection: close\r\n'))
        answers[path] = withoutDate(client.data.toString())
      }
      assert.match(answers['/skipped'] ?? '', /^HTTP\/1\.1 200 [\s\S]*app$/)
      assert.match(answers['/told'] ?? '', /^HTTP\/1\.1 403 [\s\S]*Forbidden\n$/)
      assert.equal(answers['/form'], theirs)
      const expecting = 'Expect: 100-continue\r\nContent-Length: 3\r\n'
      const wire = await exchange(to, request('/form', 'POST', expecting))
      assert.equal(withoutDate(wire.data.toString()), theirs)
    })

    test(`${name}: no handler runs elsewhere`, async () => {
      const app = create()
      let ran = 0
      app.get('/admin', noHost(), page)
      app.use('/under', noHost(), page)
      app.use((_req: unknown, res: http.ServerResponse) => res.end(String(ran++)))
      const to = await up(http.createServer(app))
      for (const path of ['/admin', '/under']) await exchange(to, get(path, { Connection: 'close' }))
      await exchange(to, request('/other'))
      assert.equal(ran, 0)
    })

    test(`${name}: dryRun on a route is logged once, and Node answers`, async () => {
      const app = create()
      app.use(noHost({ dryRun: true, name: 'trial' }))
      app.get('/admin', noHost({ dryRun: true }), page)
      app.get('/real', noHost(), page)
      const theirs = await nodes()
      const to = await up(http.createServer(app))
      for (const [path, events] of [
        ['/admin', ['trial dry-run', 'noHost dry-run']],
        ['/other', ['trial dry-run']],
      ] as const) {
        const wire = await exchange(to, request(path))
        assert.equal(withoutDate(wire.data.toString()), theirs)
        assert.deepEqual(
          drops.events.splice(0).map(({ rule, action }) => `${rule} ${action}`),
          events,
        )
      }
      const wire = await exchange(to, request('/real'))
      assert.equal(wire.wireBytes, 0)
      assert.deepEqual(
        drops.events.splice(0).map(({ rule, action }) => `${rule} ${action}`),
        ['trial dry-run', 'noHost close'],
      )
    })
  }

  test('Connect: under a path', async () => {
    const app = connect() as unknown as App
    app.use('/admin', noHost())
    app.use(page)
    await assertOnlyThere(app, ['/admin', '/admin/x', '/Admin'], ['/other', '/admins'])
  })

  test('a bare handler, behind a condition: what the rule has not met is answered as by Node', async () => {
    const rule = noHost()
    const server = http.createServer((req, res) =>
      req.url === '/admin' ? rule(req, res, () => page(req, res)) : page(req, res),
    )
    const theirs = await nodes()
    const to = await up(server)
    await exchange(to, get('/admin', { Connection: 'close' }))
    const wire = await exchange(to, request('/admin'))
    assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
    const other = await exchange(to, request('/other'))
    assert.equal(withoutDate(other.data.toString()), theirs)
    assert.equal((server as { requireHostHeader?: boolean }).requireHostHeader, true)
  })

  test('two servers of one app, and HTTP/1.0, which needs no Host', async () => {
    const app = express()
    app.get('/admin', noHost() as unknown as express.RequestHandler, page)
    app.get('/other', page)
    await assertOnlyThere(app, ['/admin'], ['/other'])
    await assertOnlyThere(app, ['/admin'], ['/other'])
    const to = await up(http.createServer(app))
    assert.match((await exchange(to, 'GET /other HTTP/1.0\r\n\r\n')).data.toString(), /^HTTP\/1\.1 200 /)
    assert.equal((await exchange(to, 'GET /admin HTTP/1.0\r\n\r\n')).wireBytes, 0)
  })
})
