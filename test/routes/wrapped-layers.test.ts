import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { innerRouter, routerOf } from '../../lib/express/app.ts'
import type { Layer, Router } from '../../lib/express/layer.ts'
import { unwrap } from '../../lib/express/unwrap.ts'
import type { Request } from '../../lib/index.ts'
import { knownRoutes, type RoutedApp } from '../../lib/routes/known-routes/known-routes.ts'
import { unseenHandlers } from '../../lib/routes/known-routes/unseen-handlers.ts'
import { type AnyApp, answer, goOn, names, versions } from './express-apps.ts'

type Handle = Layer['handle']

/** Wraps the handler of each layer, as tracing does. */
function wrapAll(app: AnyApp, wrap: (handle: Handle) => Handle): void {
  for (const layer of (routerOf(app) as Router).stack) Object.assign(layer, { handle: wrap(layer.handle) })
}

/** Reads what tracing reads, and goes on. */
const traced = (handle: Handle) =>
  function traced(req: { originalUrl: string; headers: { host?: string } }, res: unknown, next: unknown) {
    req.originalUrl.startsWith('/')
    return handle(req, res, next, String(req.headers.host))
  } as unknown as Handle

const wrappers: Record<string, (handle: Handle) => Handle> = {
  'shimmer, OpenTelemetry': handle => Object.assign(traced(handle), { __original: handle, __wrapped: true }),
  Sentry: handle => Object.assign(traced(handle), { __sentry_original__: handle }),
  'one in another': handle => {
    const inner = Object.assign(traced(handle), { __original: handle })
    return Object.assign(traced(inner), { __sentry_original__: inner })
  },
}

for (const version of names) {
  const make = versions[version]
  const ask = (app: AnyApp) => {
    const routes = knownRoutes(app as unknown as RoutedApp)
    return (url: string) => routes.has({ method: 'GET', url, headers: {} } as Request)
  }

  /** An app with a sub-app, one within that, and routers, all of them wrapped. */
  function wrappedSite(wrap: (handle: Handle) => Handle): AnyApp {
    const [app, sub, deep, router, atRoot] = [make(), make(), make(), make.Router(), make.Router()]
    sub.get('/users', answer)
    deep.get('/d', answer)
    sub.use('/deep', deep)
    router.get('/r', answer)
    atRoot.get('/root', answer)
    app.use('/admin', sub)
    app.use('/api', router)
    app.use(atRoot)
    for (const each of [app, sub, deep, router, atRoot]) wrapAll(each, wrap)
    return app
  }

  describe(`wrapped layers, ${version}`, () => {
    for (const [name, wrap] of Object.entries(wrappers)) {
      test(`are looked behind: ${name}`, () => {
        const app = wrappedSite(wrap)
        const has = ask(app)
        for (const url of ['/admin/users', '/admin/deep/d', '/api/r', '/root']) assert.ok(has(url), url)
        for (const url of ['/admin', '/users', '/api', '/admin/deep/x']) assert.ok(!has(url), url)
        assert.deepEqual(unseenHandlers(routerOf(app) as Router, []), [])
      })
    }

    test('that leave no way in are named, at the root too', () => {
      const app = wrappedSite(traced)
      const seen = unseenHandlers(routerOf(app) as Router, [])
      assert.deepEqual(seen, ['mounted_app at /admin', 'router at /api', 'router at /'])
      assert.equal(ask(app)('/admin/users'), false)
    })

    test('a handler of the user’s is never called with a request that nobody sent', () => {
      let calls = 0
      // Whatever translates this file may give a function of its own another name.
      const named = (handle: unknown) =>
        Object.defineProperty(handle, 'name', { value: 'mounted_app' }) as Handle
      const counted = (handle: Handle) =>
        named((...args: unknown[]) => {
          calls++
          return handle(...args)
        })
      const [app, sub, wrapped] = [make(), make(), make()]
      sub.get('/x', answer)
      wrapped.get('/x', answer)
      app.use(
        '/named',
        named((_req: unknown, _res: unknown, next: () => void) => {
          calls++
          next()
        }),
      )
      app.use('/wrapped', wrapped)
      wrapAll(app, counted)
      app.use('/sub', sub)
      const has = ask(app)
      assert.deepEqual(['/named/x', '/wrapped/x', '/sub/x'].map(has), [false, false, true])
      unseenHandlers(routerOf(app) as Router, [])
      assert.equal(calls, 0)
    })

    test('a sub-app is found outside of the request that asks first', () => {
      const storage = new AsyncLocalStorage<string>()
      const stores: unknown[] = []
      const [app, sub] = [make(), make()]
      sub.get('/x', answer)
      app.use('/sub', sub)
      // What Express does with the made-up request: it asks the sub-app for this setting.
      Object.assign(sub, { enabled: () => stores.push(storage.getStore()) === 0 })
      assert.ok(storage.run('visitor', () => ask(app)('/sub/x')))
      assert.deepEqual(stores, [undefined])
    })

    test('a wrapper that names itself ends', () => {
      const handle = goOn as unknown as Handle
      const loop = Object.assign(traced(handle), { __original: undefined as unknown })
      loop.__original = loop
      assert.equal(unwrap(loop), loop)
      assert.equal(unwrap(handle), handle)
      assert.equal(innerRouter({ handle: loop, name: 'traced' } as unknown as Layer), undefined)
    })
  })
}
