import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { onDrop, pathAllowlist } from '../../lib/index.ts'
import { knownRoutes, type RoutedApp } from '../../lib/routes/known-routes/known-routes.ts'
import { settle, uncaught } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { goOn, names, versions } from './express-apps.ts'

onDrop(() => {})

interface Seen {
  params: Record<string, string>
  baseUrl: string
  url: string
  path: string
}

/** Some moments, of different length for each request. */
const pause = () => wait(Math.random() * 4)

for (const version of names) {
  describe(`knownRoutes beside requests in flight, ${version}`, () => {
    test('none finds another one’s parameters, mount path or route', async t => {
      const make = versions[version]
      const [app, inner] = [make(), make.Router({ mergeParams: true })]
      const routes = knownRoutes(app as unknown as RoutedApp)
      app.use(pathAllowlist(routes))
      const asks = (id: number) =>
        assert.ok(routes.has({ method: 'GET', url: `/t${id}/o/${id}`, headers: {} } as http.IncomingMessage))
      // The worst moments: between a match and its handlers, and before the parameters are read.
      inner.param('o', async (_req: unknown, _res: unknown, next: () => void, id: string) => {
        asks(Number(id) + 1_000)
        await pause()
        asks(Number(id) + 2_000)
        next()
      })
      inner.use(async (_req: unknown, _res: unknown, next: () => void) => {
        asks(5_000)
        await pause()
        next()
      })
      inner.get('/o/:o', goOn, async (req: Seen & { route: { path: string } }, res: http.ServerResponse) => {
        await pause()
        const { params, baseUrl, url, route } = req
        res.end(JSON.stringify({ params: { ...params }, baseUrl, url, path: route.path }))
      })
      app.use('/:t', inner)
      const server = await listen(http.createServer(app as unknown as http.RequestListener))
      t.after(() => server.close())
      const one = async (id: number) => {
        const request = get(`/t${id}/o/${id}`, { Connection: 'close' })
        const { data } = await exchange({ port: server.port }, request)
        const seen = JSON.parse(data.toString().split('\r\n\r\n')[1] ?? '')
        const expected = {
          params: { t: `t${id}`, o: `${id}` },
          baseUrl: `/t${id}`,
          url: `/o/${id}`,
          path: '/o/:o',
        }
        assert.deepEqual(seen, expected)
      }
      for (let from = 0; from < 120; from += 40)
        await Promise.all(Array.from({ length: 40 }, (_, i) => one(from + i)))
    })

    test('looking into sub-apps runs nothing of theirs', async () => {
      const make = versions[version]
      const ran: string[] = []
      const note = (what: string) => (_req: unknown, _res: unknown, next: () => void) => {
        ran.push(what)
        next()
      }
      const errors =
        (what: string) => (error: unknown, _req: unknown, _res: unknown, next: (e: unknown) => void) => {
          ran.push(what)
          next(error)
        }
      const complain = console.error
      console.error = (...args: unknown[]) => void ran.push(`console.error ${args}`)
      const apps = [make(), make(), make()]
      const [app, sub, deep] = apps as [(typeof apps)[0], (typeof apps)[0], (typeof apps)[0]]
      for (const each of apps) {
        each.set('query parser', () => ran.push('query parser'))
        each.set('etag', () => ran.push('etag'))
        each.use(note('middleware'), errors('error handler'))
        each.use('/x', note('mounted'))
        each.param('id', note('param'))
        each.get('/x/:id', note('handler'))
      }
      sub.use('/deep', deep)
      app.use('/sub', sub)
      for (const each of apps) each.use(note('late middleware'), errors('late error handler'))
      const routes = knownRoutes(app as unknown as RoutedApp)
      const has = (url: string) => routes.has({ method: 'GET', url, headers: {} } as http.IncomingMessage)
      const urls = ['/sub/x/1', '/sub/deep/x/1', '/sub/x/%zz', '/sub/deep/x', '/sub/deep/x/1']
      const answers = urls.map(has)
      await settle(50)
      console.error = complain
      assert.deepEqual(answers, [true, true, false, false, true])
      assert.deepEqual([ran, uncaught], [[], []])
    })
  })
}
