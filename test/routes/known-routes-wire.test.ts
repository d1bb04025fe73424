import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import connect from 'connect'
import fc from 'fast-check'
import { onDrop, pathAllowlist, protect } from '../../lib/index.ts'
import { knownRoutes, type RoutedApp } from '../../lib/routes/known-routes/known-routes.ts'
import { exchange } from '../support/raw-client.ts'
import { runs } from '../support/runs.ts'
import { listen } from '../support/servers.ts'
import { type AnyApp, answer, names, versions } from './express-apps.ts'
import { type Asked, appOf, requestFor, seeds, tables } from './generated-tables.ts'

onDrop(() => {})

const serve = (app: AnyApp) =>
  listen(
    http.createServer((req, res) => {
      app(Object.assign(req, { found: () => res.end('found') }), res)
    }),
  )

const send = (port: number, { method, url }: Asked) =>
  exchange({ port }, `${method} ${url} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)

/**
 * What Express says by itself; undefined where Node's own parser has answered before it.
 *
 * @param empty where an app of the same version listens that has no route: a RegExp with the flag `g` must be asked once
 */
async function isFoundAt(port: number, empty: number, asked: Asked): Promise<boolean | undefined> {
  const text = (await send(port, asked)).data.toString('latin1')
  if (text === 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n') return undefined
  // `url.parse` finds no path in some targets (`ttp://h`), and from Node 24 on it throws for some: Express asks no middleware then,
  // so no rule either. The answer to a HEAD has no body that would say so.
  const told = asked.method === 'HEAD' ? await send(empty, { ...asked, method: 'GET' }) : { data: text }
  if (/<pre>Cannot \w+ (?:resource|null)</.test(told.data.toString('latin1'))) return undefined
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1]
  // Lists of paths with parameters can confuse Express 4's search itself: 500.
  assert.match(status as string, /^(?:200|400|404|500)$/, text)
  return status === '200'
}

for (const version of names) {
  test(`on the wire, what Express alone answers 404 is dropped, and nothing else: ${version}`, async t => {
    const seen = { found: 0, dropped: 0, unread: 0 }
    const empty = await serve(versions[version]())
    t.after(() => empty.close())
    await fc.assert(
      fc.asyncProperty(
        tables(),
        fc.array(seeds, { minLength: 12, maxLength: 12 }),
        async (table, requests) => {
          const alone = await serve(appOf(table, version))
          const guarded = await serve(
            appOf(table, version, app => pathAllowlist(knownRoutes(app as unknown as RoutedApp))),
          )
          try {
            for (const asked of requests.map(each => requestFor(table, each))) {
              const isFound = await isFoundAt(alone.port, empty.port, asked)
              seen[isFound === undefined ? 'unread' : isFound ? 'found' : 'dropped']++
              if (isFound === undefined) continue
              const { wireBytes, end, data } = await send(guarded.port, asked)
              const what = `${asked.method} ${JSON.stringify(asked.url)}`
              if (isFound) assert.match(data.toString('latin1'), /^HTTP\/1\.1 200 /, what)
              else assert.deepEqual([wireBytes, end], [0, 'fin'], what)
            }
          } finally {
            await alone.close()
            await guarded.close()
          }
        },
      ),
      { numRuns: runs(20) },
    )
    assert.ok(seen.found > runs(10) && seen.dropped > runs(10), JSON.stringify(seen))
  })
}

for (const version of names) {
  test(`where the rule can stand: ${version}`, async t => {
    const make = versions[version]
    const rule = (app: AnyApp) => pathAllowlist(knownRoutes(app as unknown as RoutedApp))
    const build = (first: (app: AnyApp) => void) => {
      const [app, router] = [make(), make.Router()]
      first(app)
      router.get('/x/:id', answer)
      app.use('/api', router)
      app.use(answer)
      return app
    }
    /** Which of the three get an answer. The app answers all that reach it. */
    const answered = async (listener: http.RequestListener, prepare = (_server: http.Server) => {}) => {
      const inner = http.createServer(listener)
      prepare(inner)
      const server = await listen(inner)
      t.after(() => server.close())
      const urls = ['/api/x/1', '/api/y', '/shop/api/x/1']
      const wires = await Promise.all(urls.map(url => send(server.port, { method: 'GET', url })))
      return wires.map(({ wireBytes }) => wireBytes > 0)
    }
    const listener = (app: AnyApp) => (req: http.IncomingMessage, res: http.ServerResponse) =>
      app(Object.assign(req, { found: () => res.end('found') }), res)

    const atRoot = build(app => app.use(rule(app)))
    assert.deepEqual(await answered(listener(atRoot)), [true, false, false], 'at the root')
    const underPath = build(app => app.use('/api', rule(app)))
    assert.deepEqual(
      await answered(listener(underPath)),
      [true, false, true],
      'under a path: of its paths only',
    )
    const onServer = build(() => {})
    const guard = (server: http.Server) => void protect(server, { rules: [rule(onServer)] })
    assert.deepEqual(await answered(listener(onServer), guard), [true, false, false], 'on the server')
    // Connect cuts the path that it has mounted the app under.
    const inConnect = connect().use('/shop', listener(atRoot) as connect.SimpleHandleFunction)
    inConnect.use((_req, res) => void res.end('Connect'))
    assert.deepEqual(await answered(inConnect), [true, true, true], 'in a Connect app')
  })
}
