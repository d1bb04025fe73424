import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import express from 'express'
import expressFour from 'express4'
import type { Request } from '../../lib/index.ts'
import {
  type KnownRoutesOptions,
  knownRoutes,
  type RoutedApp,
} from '../../lib/routes/known-routes/known-routes.ts'
import { type AnyApp, answer, goOn, isFoundBy, names, type Version, versions } from './express-apps.ts'

const ask = (app: AnyApp, options?: KnownRoutesOptions) => {
  const routes = knownRoutes(app as unknown as RoutedApp, options)
  return (method: string, url: string, more = {}) =>
    routes.has({ method, url, headers: {}, ...more } as Request)
}

/** One form of a route: how it is written, and what it makes of requests. `GET` where no method is said. */
interface Form {
  name: string
  only?: Version
  build(app: AnyApp, version: Version): void
  found: string[]
  unknown: string[]
}

const optional = (version: Version) => (version === 'express4' ? '/f/:a?' : '/f{/:a}')
const wildcard = (version: Version) => (version === 'express4' ? '/w/*' : '/w/*rest')

const forms: Form[] = [
  {
    name: 'plain paths, with case, trailing slash and query as Express has them',
    build: app => void app.get('/users', answer),
    found: ['/users', '/USERS', '/users/', '/users?a=/b', 'HEAD /users', 'OPTIONS /users', 'http://h/users'],
    unknown: ['/', '/user', '/users/7', '/users//', 'POST /users', '//users', '/%75sers', '/x/../users', '*'],
  },
  {
    name: 'parameters',
    build: app => void app.get('/u/:id/e/:n', answer),
    found: ['/u/7/e/8', '/u/a%2fb/e/..', '/u/%2e%2e/e/;', '/u/%c3%a9/e/x'],
    unknown: ['/u/7/e', '/u//e/8', '/u/7/e/8/9', '/u/%/e/8', '/u/%c0%af/e/8', '/u/7/e/%zz'],
  },
  {
    name: 'optional parts',
    build: (app, version) => void app.get(optional(version), answer),
    found: ['/f', '/f/', '/f/1'],
    unknown: ['/', '/f/1/2', '/f//1'],
  },
  {
    name: 'wildcards',
    build: (app, version) => void app.get(wildcard(version), answer),
    found: ['/w/1', '/w/1/2', '/w/..', '/w/a//b'],
    unknown: ['/w', '/v/1', '/w/%ff'],
  },
  {
    name: 'regular expressions',
    build: app => void app.get(/^\/re\/(\d+)$/, answer),
    found: ['/re/12', '/re/12?x'],
    unknown: ['/re/x', '/re/12/', '/RE/12'],
  },
  {
    name: 'lists of paths',
    build: app => void app.get(['/l', /^\/m\d$/], answer),
    found: ['/l', '/m1'],
    unknown: ['/m', '/lm'],
  },
  {
    name: 'patterns within a segment',
    only: 'express4',
    build: app => void app.get('/ab?c/:n(\\d+).:ext', answer),
    found: ['/abc/1.js', '/ac/2.css'],
    unknown: ['/abc/x.js', '/abc/1'],
  },
  {
    name: 'app.all',
    build: app => void app.all('/all', answer),
    found: ['/all', 'POST /all', 'DELETE /all', 'OPTIONS /all', 'HEAD /all'],
    unknown: ['/al', 'POST /all/x'],
  },
  {
    name: 'app.route, all of it',
    build: app => {
      app.route('/r').post(answer)
      app.route('/s').all(answer)
      app.route('/nothing')
    },
    found: ['POST /r', 'OPTIONS /r', 'PATCH /s'],
    unknown: ['/r', 'HEAD /r', '/nothing', 'OPTIONS /nothing', 'OPTIONS /unknown'],
  },
  {
    name: 'methods',
    build: app => {
      app.post('/form', answer)
      app.head('/only-head', answer)
    },
    found: ['POST /form', 'OPTIONS /form', 'HEAD /only-head'],
    unknown: ['/form', 'HEAD /form', '/only-head', 'CONSTRUCTOR /form', 'post /only-head'],
  },
  {
    name: 'nested routers, behind parameters too',
    build: (app, version) => {
      const { Router } = versions[version]
      const [outer, inner] = [Router(), Router({ mergeParams: true })]
      inner.get('/c/:c', answer)
      inner.get('/', answer)
      outer.use('/b/:b', goOn, inner)
      app.use('/a', outer)
      app.use(/^\/q/, inner)
    },
    found: ['/a/b/1', '/a/b/1/', '/a/b/1/c/2', '/A/B/1/C/2', 'http://h/a/b/1/c/2?x', '/q/c/1', '/q'],
    unknown: ['/a', '/a/b', '/a/b/1/c', '/b/1', '/a.b/b/1', '/qc/1', '/a/b/%zz/c/2'],
  },
  {
    name: 'strict and caseSensitive, of the app and of a router',
    build: (app, version) => {
      app.set('strict routing', true)
      app.set('case sensitive routing', true)
      app.get('/S', answer)
      const loose = versions[version].Router()
      loose.get('/l', answer)
      const strict = versions[version].Router({ strict: true, caseSensitive: true })
      strict.get('/t/', answer)
      app.use('/M', loose, strict)
    },
    found: ['/S', '/M/l', '/M/L/', '/M/t/'],
    unknown: ['/s', '/S/', '/m/l', '/M/t', '/M/T/'],
  },
  {
    name: 'sub-apps, with settings of their own',
    build: (app, version) => {
      const make = versions[version]
      const [admin, deep, empty] = [make(), make(), make()]
      deep.set('case sensitive routing', true)
      deep.set('strict routing', true)
      deep.get('/D', answer)
      admin.get('/x', answer)
      admin.use('/deep', deep)
      app.use('/empty', empty)
      app.use(['/admin', '/root'], admin)
      const router = make.Router()
      router.use('/sub', admin)
      app.use('/router', router)
    },
    found: [
      '/admin/x',
      '/ADMIN/X/',
      '/root/x',
      '/admin/deep/D',
      'OPTIONS /root/deep/D',
      'HEAD /admin/x',
      '/router/sub/x',
      '/router/sub/deep/D',
    ],
    unknown: [
      '/x',
      '/router/x',
      '/admin',
      '/admin/deep/d',
      '/admin/deep/D/',
      'POST /admin/x',
      '/empty',
      '/empty/x',
    ],
  },
  {
    name: 'nothing after a parameter that can’t be decoded, wherever that is',
    build: (app, version) => {
      const router = versions[version].Router()
      router.get('/b/:id', answer)
      app.use('/m', router)
      app.use('/n/:id', goOn)
      app.get(/^\/[mn]\//, answer)
    },
    found: ['/m/b/%41', '/m/c/%zz', '/n/%41/x'],
    unknown: ['/m/b/%zz', '/n/%zz/x', 'OPTIONS /m/b/%ff'],
  },
  {
    name: 'a path that comes apart at a dot (Express 4 only)',
    only: 'express4',
    build: app => {
      const router = versions.express4.Router()
      router.get('/.json', answer)
      app.use(/^\/dot/, router)
    },
    found: ['/dot.json'],
    unknown: ['/dotjson', '/dot-json'],
  },
  {
    name: 'a target that url.parse reads',
    build: (app, version) => {
      const router = versions[version].Router({ strict: true })
      router.get('/', answer)
      app.use('/m', router)
      app.get('/p', answer)
    },
    found: [
      '/p#x',
      '/p\t',
      'http://h/p#x',
      '/m',
      'http://h:80/m',
      'x://y/p',
      'http://h/m?q',
      'HTTP:\\\\h\\p',
    ],
    unknown: ['h/p', 'http://', 'http://[/p', 'x:y', '?/p'],
  },
]

for (const version of names) {
  describe(`knownRoutes, ${version}`, () => {
    for (const { name, only = version, build, found, unknown } of forms) {
      if (only !== version) continue
      test(name, async () => {
        const app = versions[version]()
        const has = ask(app)
        build(app, version)
        for (const [expected, requests] of [[true, found] as const, [false, unknown] as const]) {
          for (const request of requests) {
            const [method = '', url = ''] = request.includes(' ') ? request.split(' ') : ['GET', request]
            // Express first: the table must not say what isn't so.
            assert.equal(await isFoundBy(app, method, url), expected, `Express: ${request}`)
            assert.equal(has(method, url), expected, request)
          }
        }
      })
    }

    test('an app without routes, and routes that are added later', () => {
      const make = versions[version]
      const [app, sub] = [make(), make()]
      const has = ask(app)
      assert.equal(has('GET', '/late'), false)
      app.set('strict routing', true)
      app.use('/sub', sub)
      assert.equal(has('GET', '/sub/late'), false)
      // Asking made no router before its time: the setting still counts.
      app.get('/late', answer)
      sub.set('strict routing', false)
      sub.get('/late', answer)
      assert.deepEqual(
        ['/late', '/late/', '/sub/late', '/sub/late/'].map(url => has('GET', url)),
        [true, false, true, true],
      )
    })

    test('a RegExp with g or y finds what it would have found', async () => {
      for (const flags of ['g', 'y', 'gi']) {
        const [alone, guarded] = [versions[version](), versions[version]()]
        for (const app of [alone, guarded]) {
          app.get(new RegExp('^\\/g', flags), answer)
          app.post(['/l', new RegExp('^\\/g', flags)], answer)
        }
        const has = ask(guarded)
        const outcomes: boolean[] = []
        for (let i = 0; i < 6; i++) {
          const expected = await isFoundBy(alone, 'GET', '/gg')
          assert.equal(has('GET', '/gg'), expected, `${flags} ${i}`)
          if (expected) assert.equal(await isFoundBy(guarded, 'GET', '/gg'), true)
          outcomes.push(expected)
        }
        assert.deepEqual(outcomes, [true, false, true, false, true, false])
      }
    })

    test('routers within themselves end', () => {
      const make = versions[version]
      const [app, router] = [make(), make.Router()]
      router.use('/a', router)
      router.get('/end', answer)
      app.use(router)
      const has = ask(app)
      assert.equal(has('GET', `${'/a'.repeat(50)}/end`), true)
      assert.equal(has('GET', `${'/a'.repeat(8_000)}/end`), false)
    })

    test('a router of another version within is read too', () => {
      const other = versions[version === 'express4' ? 'express5' : 'express4']
      const [app, router, sub] = [versions[version](), other.Router(), other()]
      router.get('/x/:id', answer)
      sub.get('/y', answer)
      app.use('/r', router)
      app.use('/s', sub)
      const has = ask(app)
      assert.deepEqual(
        ['/r/x/1', '/s/y', '/r/y', '/s/x/1'].map(url => has('GET', url)),
        [true, true, false, false],
      )
    })

    test('a Router, and a sub-app, are asked about the path relative to where the rule is', () => {
      const make = versions[version]
      const [app, router, sub] = [make(), make.Router(), make()]
      router.get('/x', answer)
      sub.get('/x', answer)
      app.use('/r', router)
      app.use('/s', sub)
      const mounted = (url: string) => ({ baseUrl: '/m', originalUrl: `/m${url}` })
      for (const routed of [router, sub]) {
        assert.equal(ask(routed)('GET', '/x', mounted('/x')), true)
        assert.equal(ask(routed)('GET', '/m/x'), false)
      }
      // The whole app: about all of it, where the rule is mounted under a path.
      const has = ask(app)
      assert.equal(has('GET', '/x', { baseUrl: '/r', originalUrl: '/r/x?q' }), true)
      assert.equal(has('GET', '/r/x', { baseUrl: '/m', originalUrl: '/m/r/x' }), false)
      // At the root: what the routers will be asked for, whoever rewrote or cut it before.
      assert.equal(has('GET', '/r/x', { baseUrl: '', originalUrl: '/en/r/x' }), true)
    })
  })

  test(`also, ${version}`, () => {
    const app = versions[version]()
    app.get('/x', answer)
    const has = ask(app, { also: ['/static/**', '!/static/private/**', /^\/re\d$/] })
    const listed = ['/x', '/static/a/b.css', '/STATIC/a', '/re1', 'http://h/static/a', '/static/a?q']
    const dropped = ['/static/private/k', '/re', '/static/../y', '/static/.env', '/static//a', '/staticx']
    for (const url of listed) assert.equal(has('GET', url), true, url)
    for (const url of dropped) assert.equal(has('GET', url), false, url)
    assert.equal(has('DELETE', '/static/a'), true)
    // Under a mount path, what was cut off must be clear too.
    const router = versions[version].Router()
    const inRouter = ask(router, { also: ['/static/**'] })
    assert.equal(inRouter('GET', '/static/a', { baseUrl: '/m', originalUrl: '/m/static/a' }), true)
    assert.equal(inRouter('GET', '/static/a', { baseUrl: '/n', originalUrl: '/../n/static/a' }), false)
  })
}

describe('knownRoutes refuses', () => {
  const { express4, express5 } = versions
  const app = express5()
  const refused: [string, string, () => unknown][] = [
    ...[{}, null, 'x', 7, () => {}, [app], { handle() {}, route() {}, set() {}, stack: [] }].map(
      (value): [string, string, () => unknown] => [
        'DROP444_INVALID_OPTION',
        'app',
        () => knownRoutes(value as never),
      ],
    ),
    ['DROP444_MISSING_OPTION', 'app', () => knownRoutes(undefined as never)],
    ['DROP444_UNKNOWN_OPTION', 'alsoo', () => knownRoutes(app as never, { alsoo: ['/x'] } as never)],
    ['DROP444_INVALID_OPTION', 'options', () => knownRoutes(app as never, ['/x'] as never)],
    ['DROP444_INVALID_OPTION', 'also', () => knownRoutes(app as never, { also: '/x' as never })],
    ['DROP444_INVALID_OPTION', 'also', () => knownRoutes(app as never, { also: ['!/x'] })],
    ['DROP444_INVALID_ENTRY', 'also', () => knownRoutes(app as never, { also: ['x'] })],
    ['DROP444_INVALID_ENTRY', 'also', () => knownRoutes(app as never, { also: ['/users/:id'] })],
    ['DROP444_INVALID_ENTRY', 'also', () => knownRoutes(app as never, { also: [7 as never] })],
  ]
  for (const [index, [code, option, make]] of refused.entries()) {
    test(`${index}: ${code} of ${option}`, () =>
      assert.throws(make, (error: Error & { code?: string; option?: string }) => {
        assert.deepEqual([error.name, error.code, error.option], ['OptionsError', code, option])
        assert.match(error.message, /^knownRoutes: /)
        return true
      }))
  }

  test('and takes apps and routers of both versions, and an empty list', () => {
    // Without a cast, as a user would write it.
    knownRoutes(express())
    knownRoutes(express.Router(), { also: new Set(['/x']) })
    knownRoutes(expressFour())
    for (const make of [express4, express5])
      for (const value of [make(), make.Router()]) knownRoutes(value as never, { also: [] })
  })
})
