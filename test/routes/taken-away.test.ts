import assert from 'node:assert/strict'
import http from 'node:http'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { djangoRoutes } from '../../lib/django.ts'
import { knownRoutes, pathAllowlist, type RoutedApp } from '../../lib/index.ts'
import { compileTaken } from '../../lib/match/paths/taken-away.ts'
import { exchange, get } from '../support/raw-client.ts'
import { runs } from '../support/runs.ts'
import { listen } from '../support/servers.ts'
import { type AnyApp, names, versions } from './express-apps.ts'

const negated = ['!/internal/**', '!/desk', '!/any/*.bak', '!/**/*.{env,map}']

/** What the routes take, and no `!` names. */
const left = [
  ...[
    '/files/7',
    '/files/.environ',
    '/files/a;b',
    '/files/a%2Fb',
    '/files/a%5Cb',
    '/files/%2e%2e',
    '/files/..',
  ],
  ...[
    '/files/a%20b',
    '/files/100%25',
    '/files/%2541',
    '/files/internal',
    '/files/desk;x',
    '/any/.git/config',
  ],
  ...[
    '/any/x/../y',
    '/any/x//y',
    '/any/a;v=1/b',
    '/internals/7',
    '/any/x.bak/y',
    '/any/internal/7',
    '/any/x/#/y',
  ],
  ...['/files/%C3%A9', '/files/cafe%CC%81', '/files/%E2%84%AA', '/any/%3Bx', '/any/..;/x'],
]

/** What `!` names, in the spellings of those who would like to come there. */
const taken = [
  ...[
    '/internal',
    '/internal/7',
    '/INTERNAL/7',
    '/internal/',
    '/%69nternal/7',
    '/%2569nternal/7',
    '/internal%2F7',
  ],
  ...[
    '/files/.env',
    '/files/%2Eenv',
    '/files/.map',
    '/files/x.env',
    '/internal/.env',
    '/internal/a;b',
    '/internal/a%2Fb',
    '/internal/..',
    '/internal/%2e%2e/files/7',
  ],
  ...[
    '//internal/7',
    '/any/../internal/7',
    '/any/%2e%2e/internal/7',
    '/any/..%2finternal/7',
    '/any/..;/internal/7',
  ],
  ...[
    '/internal;x=y/7',
    '/internal%3bx/7',
    '/any/..%5cinternal%5c7',
    '/internal%5C7',
    '/internal//7',
    '/./internal/7',
  ],
  ...[
    '/any//../internal/7',
    '/internal/7%00.png',
    '/internal%23/7',
    '/internal%3f/7',
    '/any/..%c0%afinternal/7',
  ],
  ...[
    '/desk',
    '/DES%E2%84%AA',
    '/de%C5%BFk',
    '/desk/',
    '/desk;x',
    '/any/x.bak',
    '/any/.x.bak',
    '/any/x%2Ebak',
    '/any/x.bak;z',
  ],
]

for (const version of names) {
  describe(`beside knownRoutes ! takes away what it names, however it is spelled, and nothing else: ${version}`, () => {
    const make = versions[version]
    const build = (...patterns: readonly string[]): AnyApp => {
      const app = make()
      if (patterns.length > 0) app.use(pathAllowlist([knownRoutes(app as unknown as RoutedApp), ...patterns]))
      const rest = version === 'express4' ? '*' : '*rest'
      const answer = (_req: unknown, res: http.ServerResponse) => void res.end('fine')
      for (const path of ['/files/:name', '/desk', `/any/${rest}`, '/internals/:id']) app.get(path, answer)
      // An app that decodes, and tidies, by itself.
      app.get(/internal|desk|des|bak/i, answer)
      return app
    }
    test('on the wire', async t => {
      const [alone, guarded] = await Promise.all(
        [build(), build(...negated)].map(app => listen(http.createServer(app as http.RequestListener))),
      )
      t.after(() => Promise.all([alone?.close(), guarded?.close()]))
      const ask = (port = 0, path = '') => exchange({ port }, get(path, { Connection: 'close' }))
      for (const path of left) {
        const [{ data }, answer] = await Promise.all([ask(alone?.port, path), ask(guarded?.port, path)])
        assert.match(data.toString(), /fine$/, `Express alone, ${path}`)
        assert.match(answer.data.toString(), /fine$/, path)
      }
      for (const path of taken) assert.equal((await ask(guarded?.port, path)).wireBytes, 0, path)
    })
  })
}

test('beside djangoRoutes likewise', async t => {
  const routes = djangoRoutes([
    'files/<path:name>',
    'any/<path:rest>',
    'internals/<id>',
    { re: '(?i)^.*(?:internal|des).*$' },
  ])
  const rule = pathAllowlist([routes, ...negated])
  const server = await listen(http.createServer((req, res) => rule(req, res, () => void res.end('fine'))))
  t.after(() => server.close())
  const ask = (path: string) => exchange({ port: server.port }, get(path, { Connection: 'close' }))
  for (const path of [...left, '/files/%FF', '/files/%zz', '/any/%'])
    assert.match((await ask(path)).data.toString(), /fine$/, path)
  for (const path of taken) assert.equal((await ask(path)).wireBytes, 0, path)
})

test('the rule is as strict, and as careful of case, as it is told', () => {
  const strict = compileTaken(['/a'], { caseSensitive: true, strict: true })
  assert.deepEqual(['/a', '/a/', '/A', '/%61', '/b;'].map(strict), [true, false, false, true, false])
  assert.equal(compileTaken(['/*'], { caseSensitive: false, strict: false })('*'), false)
})

const units = [
  'internal',
  'x',
  '/',
  '/',
  '.',
  '..',
  ';',
  ';y',
  '%2f',
  '%5c',
  '%2e',
  '%69',
  '\\',
  '%252e',
  '%C3%A9',
  '%00',
  '#',
  '//',
]

/** Some apps: each finds its way to the path in another manner. */
const readers: readonly ((path: string) => string)[] = [
  path => path,
  path => decodeURIComponent(path),
  path => posix.normalize(decodeURIComponent(path).replaceAll('\\', '/')),
  path => posix.normalize(path),
  path => decodeURIComponent(posix.normalize(path)),
  path => posix.normalize(path.replace(/;[^/]*/g, '')),
  path => posix.normalize(decodeURIComponent(path).replace(/;[^/]*/g, '')),
  path => posix.normalize(decodeURIComponent(decodeURIComponent(path))),
  path => decodeURIComponent(path).replace(/\0.*$/s, ''),
  path => path.replace(/#.*$/, ''),
  path => path.replace(/\/+/g, '/'),
]

test('whichever way an app goes to a path, it does not get to what is taken away; and what holds no such name is left', () => {
  const isTaken = compileTaken(['/internal/**'], { caseSensitive: false, strict: false })
  const path = fc.array(fc.constantFrom(...units), { maxLength: 8 }).map(parts => `/${parts.join('')}`)
  let reached = 0
  fc.assert(
    fc.property(path, each => {
      const isReached = readers.some(read => {
        try {
          return /^\/internal(?:\/|$)/.test(read(each))
        } catch {
          return false
        }
      })
      if (isReached) reached++
      if (isReached) assert.equal(isTaken(each), true, each)
      if (!/internal|%69/.test(each)) assert.equal(isTaken(each), false, each)
    }),
    { numRuns: runs(3000) },
  )
  assert.ok(reached > 100, `${reached}`)
})
