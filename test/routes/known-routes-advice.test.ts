import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { routerOf } from '../../lib/express/app.ts'
import type { Router } from '../../lib/express/layer.ts'
import { drop444, rateLimit } from '../../lib/index.ts'
import { adviseOnRoutes, findCatchAll } from '../../lib/routes/known-routes/advice.ts'
import { unseenHandlers } from '../../lib/routes/known-routes/unseen-handlers.ts'
import { reader } from '../support/reader.ts'
import { type AnyApp, answer, goOn, names, type Version, versions } from './express-apps.ts'

function routerFor(version: Version, build: (app: AnyApp) => unknown): Router {
  const app = versions[version]()
  build(app)
  return routerOf(app) as Router
}

/** What a process of its own printed, by scenario. */
function playAll(version: Version): Map<string, string[]> {
  const child = fileURLToPath(new URL('advice-child.ts', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [...reader, child, version], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NODE_OPTIONS: '--no-warnings' },
  })
  assert.equal(stderr, '')
  const parts = stdout.split('## ').slice(1)
  return new Map(parts.map(part => part.trim().split('\n')).map(([name = '', ...lines]) => [name, lines]))
}

const played = new Map<Version, Map<string, string[]>>()

/** The warnings of one scenario. */
function warningsOf(version: Version, scenario: string): string[] {
  const all = played.get(version) ?? playAll(version)
  played.set(version, all)
  const lines = all.get(scenario)
  assert.ok(lines, `${scenario} was not played`)
  return lines
}

type Handler = (req: unknown, res: unknown, next: () => void) => unknown
// biome-ignore lint/suspicious/noExplicitAny: what these packages hang on a request has no type
type Marked = any

/** What these packages return, by what it is called and what it hangs on a request (vhost 1 to 3, express-subdomain 1). */
const byHost = {
  vhost: (host: string, handle: unknown) =>
    function vhost(req: Marked, res: unknown, next: () => void) {
      if (req.headers.host !== host) return next()
      req.vhost = { host }
      ;(handle as Handler)(req, res, next)
    },
  bundled: (host: string, handle: unknown) =>
    (() => (req: Marked, res: unknown, next: () => void) => {
      if (req.headers.host !== host) return next()
      req.vhost = { host }
      ;(handle as Handler)(req, res, next)
    })(),
  expressSubdomain: (name: string, handle: unknown) =>
    (() => (req: Marked, res: unknown, next: () => void) => {
      req._subdomainLevel = req._subdomainLevel || 0
      if (req.subdomains[req._subdomainLevel] !== name) return next()
      req._subdomainLevel++
      ;(handle as Handler)(req, res, next)
    })(),
}

const handler = (name: string) => ({ [name]: (_req: unknown, _res: unknown, _next: unknown) => {} })[name]

for (const version of names) {
  const make = versions[version]
  const isFour = version === 'express4'

  describe(`advice at start, ${version}`, () => {
    test('names what takes every path', () => {
      const found = (build: (app: AnyApp) => unknown, also: (string | RegExp)[] = []) =>
        findCatchAll(routerFor(version, build), also)
      const star = isFour ? '*' : '/{*any}'
      assert.equal(
        found(app => app.get(star, answer)),
        `the route GET ${star}`,
      )
      assert.equal(
        found(app => app.all(/.*/, answer)),
        'the route GET /.*/',
      )
      assert.equal(
        found(app => app.post(star, answer)),
        `the route POST ${star}`,
      )
      const [router, sub] = [make.Router(), make()]
      router.get(star, answer)
      sub.use(router)
      assert.equal(
        found(app => app.use('/', sub)),
        `the route GET ${star}`,
      )
      const none = () => {}
      assert.equal(found(none, ['/x', '/**']), '/** in "also"')
      assert.equal(found(none, [/^/]), '/^/ in "also"')
      assert.equal(findCatchAll(undefined, ['/{a,**}/**']), '/{a,**}/** in "also"')
      assert.equal(found(none, ['/x/**', '!/**', /^\/y/]), undefined)
      assert.equal(findCatchAll(undefined, []), undefined)
    })

    test('says nothing of what takes much, but not all', () => {
      const router = routerFor(version, app => {
        const star = isFour ? '/*' : '/*any'
        app.get('/:slug', answer)
        app.get(`/files${star}`, answer)
        app.options(isFour ? '*' : star, answer)
        app.use('/admin', versions[version]().get(star, answer) as never)
        app.use(answer)
      })
      assert.equal(findCatchAll(router, []), undefined)
    })

    test('survives routers a thousand deep', async () => {
      const app = make()
      let router = make.Router()
      for (let i = 0; i < 3_000; i++) router = make.Router().use(router as never) as never
      app.use(router as never)
      const advise = adviseOnRoutes(app, [])
      advise()
      await new Promise(resolve => setImmediate(resolve))
    })

    test('leaves a RegExp with g where it was', () => {
      const expression = /^\/d/g
      const router = routerFor(version, app => app.get(expression, answer))
      expression.lastIndex = 1
      findCatchAll(router, [])
      unseenHandlers(router, [])
      assert.equal(expression.lastIndex, 1)
    })

    test('names handlers that can’t be seen, and nothing else', () => {
      const unseen = (build: (app: AnyApp) => unknown, also: (string | RegExp)[] = []) =>
        unseenHandlers(routerFor(version, build), also)
      const statics = (app: AnyApp) => {
        app.use(make.static('.'))
        app.use('/static/', make.static('.'))
      }
      assert.deepEqual(unseen(statics), ['serveStatic at /', 'serveStatic at /static'])
      assert.deepEqual(unseen(statics, ['/static/**']), ['serveStatic at /'])
      assert.deepEqual(unseen(statics, ['/static/**', '/*.css']), [])
      assert.deepEqual(unseen(statics, [/\.css$/]), [])
      assert.deepEqual(
        unseen(app => app.use('/static', make.static('.')), ['/other/**', '!/static/x']),
        ['serveStatic at /static'],
      )
      const mounted = (app: AnyApp) => {
        app.use('/graphql', handler('graphql'))
        app.use('/:tenant/files-x', handler('files'))
        const router = make.Router()
        router.use('/deep.er', handler('deep'))
        app.use('/in', router)
      }
      const pattern = isFour ? 'a pattern' : '/:tenant/files-x'
      assert.deepEqual(unseen(mounted), [`graphql at /graphql`, `files at ${pattern}`, 'deep at /in/deep.er'])
      assert.deepEqual(unseen(mounted, ['/graphql', '/*/files-x/**', '/in/**']), [])
    })

    test('names what leads to another app by the host, wherever it stands', () => {
      const hosts = (app: AnyApp) => {
        app.use(byHost.vhost('api.example', make()))
        app.get('/x', answer)
        app.use(byHost.expressSubdomain('api', make()))
        app.use('/sub', byHost.vhost('b.example', make()))
      }
      const unseen = (also: string[]) => unseenHandlers(routerFor(version, hosts), also)
      assert.deepEqual(unseen([]), ['vhost at /', 'express-subdomain at /', 'vhost at /sub'])
      assert.deepEqual(unseen(['/api/**']), ['vhost at /sub'])
      assert.deepEqual(unseen(['/sub/**', '/api/**']), [])
      // Bundled, a function loses its name; traced, it is behind a wrapper.
      const traced = Object.assign((...args: unknown[]) => args, {
        __original: byHost.bundled('c.example', make()),
      })
      assert.deepEqual(
        unseenHandlers(
          routerFor(version, app => app.use(traced as never)),
          [],
        ),
        ['vhost at /'],
      )
      const reads = (req: { vhost?: unknown }, _res: unknown, next: () => void) => req.vhost === 1 || next()
      assert.deepEqual(
        unseenHandlers(
          routerFor(version, app => app.use(reads as never)),
          [],
        ),
        [],
      )
    })

    test('takes a middleware with routes behind it for a guard', () => {
      const router = routerFor(version, app => {
        const [inner, sub] = [make.Router(), make()]
        app.use('/api', goOn)
        app.use('/a', goOn, inner)
        app.use('/b/:id', goOn)
        app.use('/re', goOn)
        app.use('/late', goOn)
        app.use('/opt', goOn)
        app.use('/sub/x', goOn)
        app.use('/limited', rateLimit({ rate: '1r/s' }), drop444({ badAgent: true }))
        app.use('/failed', (_error: unknown, _req: unknown, _res: unknown, _next: unknown) => {})
        app.get('/api/users/:id', answer)
        inner.get('/x', answer)
        app.put('/b/:id/y', answer)
        app.get(/^\/re\/.+/, answer)
        inner.use('/late', goOn)
        app.post('/late/x', answer)
        inner.get('/late', answer)
        app.get(isFour ? '/opt/:x?' : '/opt{/:x}', answer)
        sub.delete('/x/y', answer)
        app.use('/sub', sub)
        // A router within itself must not keep us.
        inner.use('/again', inner, inner)
      })
      assert.deepEqual(unseenHandlers(router, []), [])
    })

    test('takes no middleware behind which routes have passed already for a guard', () => {
      const router = routerFor(version, app => {
        app.get('/api/health', answer)
        app.use('/api', handler('proxy'))
        app.use('/again', goOn)
        app.use('/again', handler('proxyAgain'))
        app.get('/again/x', answer)
      })
      assert.deepEqual(unseenHandlers(router, []), ['proxy at /api'])
      assert.deepEqual(unseenHandlers(router, ['/api/**']), [])
    })

    test('names what is mounted at a path and answers without a route, however deep', () => {
      const unseen = (build: (app: AnyApp) => unknown, also: string[] = []) =>
        unseenHandlers(routerFor(version, build), also)
      const [pages, deep, router, empty, routed] = [make(), make(), make.Router(), make(), make()]
      pages.use(handler('render'))
      deep.use(goOn, pages)
      router.use(handler('render'))
      routed.use(handler('render'))
      routed.get('/x', answer)
      const build = (app: AnyApp) => {
        app.use('/pages', pages)
        app.use('/deep', deep)
        app.use('/router', router)
        app.use('/empty', empty)
        app.use('/routed', routed)
        app.use('/ours', make.Router().use(rateLimit({ rate: '1r/s' })))
        app.use(handler('logger'))
      }
      const names = ['mounted_app at /pages', 'mounted_app at /deep', 'router at /router']
      assert.deepEqual(unseen(build), names)
      assert.deepEqual(unseen(build, ['/pages/**', '/router/**']), ['mounted_app at /deep'])
    })

    test('names what hides its routes, also at the root', () => {
      const hidden = (name: string, properties = {}) => Object.assign(handler(name) as object, properties)
      const unseen = (build: (app: AnyApp) => unknown) => unseenHandlers(routerFor(version, build), [])
      assert.deepEqual(
        unseen(app => {
          app.use(hidden('connect', { stack: [{ route: '', handle() {} }] }))
          app.use(hidden('router'))
          app.use(hidden('mounted_app'))
          app.use('/c', hidden('connect', { handle() {}, route: '/' }))
          app.get('/c/x', answer)
        }),
        ['connect at /', 'router at /', 'mounted_app at /', 'connect at /c'],
      )
    })

    test('says that an app has no route, once it listens or is asked', () => {
      for (const scenario of ['noRoute', 'noRouteBehindFunction', 'noRouteAsked']) {
        const [marker, warning = '', ...more] = warningsOf(version, scenario)
        assert.equal(marker, 'now', scenario)
        assert.match(warning, /^DROP444_NO_ROUTE .*docs\/errors/, scenario)
        assert.deepEqual(more, [], scenario)
      }
    })

    test('says so of no app that is not there yet, has a list, or is served by nobody', () => {
      for (const scenario of ['otherServer', 'onlyAlso', 'routesInTime'])
        assert.deepEqual(warningsOf(version, scenario), [], scenario)
    })

    test('names at the start of a server what was mounted late', () => {
      const [marker, warning = '', ...more] = warningsOf(version, 'unseenLate')
      assert.equal(marker, 'now')
      assert.match(warning, /^DROP444_UNSEEN_HANDLER .*: graphql at \/graphql\./)
      assert.deepEqual(more, [])
    })

    test('is given at start, with no request made', () => {
      const [warning = '', ...more] = warningsOf(version, 'catchAll')
      assert.match(
        warning,
        /^DROP444_CATCH_ALL knownRoutes: the route GET (?:\*|\/\{\*any\}) takes every path/,
      )
      assert.deepEqual(more, [])
      const [unseen = '', ...others] = warningsOf(version, 'unseen')
      assert.match(
        unseen,
        /^DROP444_UNSEEN_HANDLER .*: serveStatic at \/files, graphql at \/graphql\. .*docs\/errors/,
      )
      assert.deepEqual(others, [])
    })

    test('is given once at the first request, where the routes came late', () => {
      const [request, warning = '', ...more] = warningsOf(version, 'late')
      assert.equal(request, 'request')
      assert.match(warning, /^DROP444_CATCH_ALL /)
      assert.deepEqual(more, [])
    })

    test('is not given to an ordinary app, nor to one that names what can’t be seen', () => {
      assert.deepEqual(warningsOf(version, 'ordinary'), [])
      assert.deepEqual(warningsOf(version, 'named'), [])
    })
  })
}
