import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { djangoRoutes } from '../../lib/django.ts'
import { routerOf } from '../../lib/express/app.ts'
import type { Layer } from '../../lib/express/layer.ts'
import { knownRoutes } from '../../lib/index.ts'
import { compileAgents } from '../../lib/match/agents/agents.ts'
import { compileServerNames } from '../../lib/match/hosts/server-names.ts'
import { compilePaths } from '../../lib/match/paths/paths.ts'
import type { Request } from '../../lib/request/http-types.ts'
import { answer, goOn, type Version, versions } from '../routes/express-apps.ts'

/** How often an expression with a mark in its source was asked while the work was done. */
function timesAsked(mark: string, work: () => unknown): number {
  const { exec, test: testOf } = RegExp.prototype
  let times = 0
  let isInside = false
  const count = (expression: RegExp) => {
    if (!isInside && expression.source.includes(mark)) times++
  }
  RegExp.prototype.exec = function (text) {
    count(this)
    return exec.call(this, text)
  }
  RegExp.prototype.test = function (text) {
    count(this)
    isInside = true
    try {
      return testOf.call(this, text)
    } finally {
      isInside = false
    }
  }
  try {
    work()
  } finally {
    RegExp.prototype.exec = exec
    RegExp.prototype.test = testOf
  }
  return times
}

const options = { caseSensitive: false, strict: false }

for (const path of [
  '/mark',
  '/mark/',
  '/x',
  '/m%61rk',
  '/%C3%A9',
  '/a;b',
  '/mark;x',
  '/.mark',
  '/(mark',
  '/%2fmark',
  '//',
]) {
  for (const list of [[/mark/], ['/**', /mark/], [/mark/, '!/x'], ['/w(a)', /^\/.?mark.*$/]]) {
    test(`${list.join(' ')} is asked once at most about ${path}`, () => {
      const isListed = compilePaths(list, options)
      assert.ok(timesAsked('mark', () => isListed(path)) <= 1)
    })
  }
}

test('an agent is asked about once, whether it matches or not', () => {
  for (const patterns of [
    [/mark/],
    [/x/, /mark/, /y/],
    Array.from({ length: 60 }, (_, i) => (i === 30 ? /ma?rk/ : /[qz]/)),
  ]) {
    const find = compileAgents(patterns)
    for (const agent of ['mark', 'mrk mark', 'nothing', 'y']) {
      assert.ok(timesAsked('ma', () => find(agent)) <= 1, `${patterns.length} ${agent}`)
      assert.equal(find('a mark'), String(patterns.find(pattern => pattern.source.startsWith('ma'))))
    }
  }
})

test('a host is asked about once', () => {
  const isServed = compileServerNames([/x/, /mark/])
  assert.ok(typeof isServed === 'function')
  for (const host of ['mark', 'a']) assert.ok(timesAsked('mark', () => isServed(host)) <= 1)
})

test("Django's re_path() is asked about a path, and about the path with a slash, once, for any number of languages", () => {
  const languages = ['en', 'de', 'fr', 'it']
  const routes = [{ re: '^[0-9]mark' }, { include: 'x/', routes: [{ i18n: ['y/'] }] }]
  const has = djangoRoutes(routes, { languages, localeRedirect: false })
  for (const [url, most] of [
    ['/0mark', 1],
    ['/nothing', 2],
    ['/nothing/', 1],
  ] as const) {
    // The expression is written in code points.
    const times = timesAsked('\\u{6d}\\u{61}\\u{72}\\u{6b}', () => has.has({ url } as Request))
    assert.ok(times <= most && (times > 0 || url !== '/nothing'), `${url}: ${times}`)
  }
})

for (const version of ['express4', 'express5'] as Version[]) {
  test(`${version}: each layer is asked once at most, whatever the method`, () => {
    const app = versions[version]()
    const inner = versions[version].Router()
    inner.get('/a', answer)
    inner.post('/a', answer)
    app.use(goOn)
    app.use('/in', inner as never)
    app.get('/:id', answer)
    app.head('/b', answer)
    app.get(/^\/c+$/, answer)
    const routes = knownRoutes(app)
    const asked = new Map<Layer, number>()
    const watch = (layers: readonly Layer[]) => {
      for (const layer of layers) {
        const match = layer.match.bind(layer)
        Object.assign(layer, {
          match(path: string) {
            asked.set(layer, (asked.get(layer) ?? 0) + 1)
            return match(path)
          },
        })
      }
    }
    watch(routerOf(app)?.stack ?? [])
    watch((inner as unknown as { stack: Layer[] }).stack)
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE']) {
      for (const url of ['/in/a', '/in/none', '/7', '/b', '/ccc', '/d/e', '/%zz', '/.x;y', 'http://h/in/a']) {
        asked.clear()
        routes.has({ method, url, headers: {} } as IncomingMessage)
        assert.ok(Math.max(...asked.values()) <= 1, `${method} ${url}`)
      }
    }
  })
}
