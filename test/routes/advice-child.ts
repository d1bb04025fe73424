import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { pathAllowlist, rateLimit } from '../../lib/index.ts'
import { knownRoutes, type RoutedApp } from '../../lib/routes/known-routes/known-routes.ts'
import { type AnyApp, answer, goOn, type Version, versions } from './express-apps.ts'

// Argument: a version. Prints the name of each scenario behind `##`, then the warnings that it led to, one a line.
const [version] = process.argv.slice(2) as [Version]
const make = versions[version]
let app = make()
process.on('warning', warning => {
  const { code, message } = warning as Error & { code?: string }
  process.stdout.write(`${code} ${message}\n`)
})

const guard = (also: string[] = []) => {
  const routes = knownRoutes(app as unknown as RoutedApp, { also })
  app.use(pathAllowlist(routes))
  // Asked by somebody's advice, not by a client: that is not the first request.
  routes.has({ method: 'GET', url: '/favicon.ico', headers: {} } as IncomingMessage)
  return (url: string) => routes.has({ method: 'GET', url, headers: {}, socket: {} } as IncomingMessage)
}

const swallow = (on: AnyApp) => on.get(version === 'express4' ? '*' : '/{*any}', answer)

/** Has a server listen, whose requests go to the app or to another function. */
async function listen(listener: unknown = app): Promise<void> {
  await wait(30)
  process.stdout.write('now\n')
  const server = http.createServer(listener as http.RequestListener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await wait(30)
  server.close()
}

const scenarios: Record<string, () => unknown> = {
  // The list comes first, the routes after it, and no request is made.
  catchAll() {
    guard()
    swallow(app)
  },
  unseen() {
    guard()
    app.get('/x', answer)
    app.use('/files', make.static('.'))
    app.use('/graphql', function graphql() {})
  },
  async late() {
    app.get('/x', answer)
    const has = guard()
    app.set('strict routing', true)
    await wait(30)
    swallow(app)
    process.stdout.write('request\n')
    has('/a')
    has('/b')
  },
  async named() {
    const has = guard(['/files/**', '/graphql'])
    app.use('/files', make.static('.'))
    app.use('/graphql', function graphql() {})
    app.get('/a/:b', answer)
    await wait(30)
    has('/a')
  },
  async noRoute() {
    guard()
    app.use(answer)
    await listen()
  },
  async noRouteBehindFunction() {
    guard()
    app.use('/in', make.Router())
    await listen((req: unknown, res: unknown) => app(req, res))
  },
  async noRouteAsked() {
    const has = guard()
    app.use(answer)
    await wait(30)
    process.stdout.write('now\n')
    has('/')
    has('/')
  },
  async otherServer() {
    guard()
    const other = http.createServer(make() as unknown as http.RequestListener).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const plain = net.createServer().listen(0, '127.0.0.1')
    await once(plain, 'listening')
    await wait(30)
    other.close()
    plain.close()
  },
  async onlyAlso() {
    const has = guard(['/files/**'])
    await wait(30)
    has('/')
  },
  async routesInTime() {
    guard()
    const server = http.createServer(app as unknown as http.RequestListener).listen(0, '127.0.0.1')
    app.get('/x', answer)
    await once(server, 'listening')
    await wait(30)
    server.close()
  },
  async unseenLate() {
    guard()
    app.get('/x', answer)
    await wait(30)
    app.use('/graphql', function graphql() {})
    await listen()
  },
  async ordinary() {
    const has = guard()
    app.use(goOn)
    app.use('/api', goOn)
    app.use('/login', rateLimit({ rate: '10r/m' }))
    app.get('/api/x', answer)
    app.get('/:slug', answer)
    app.use(answer)
    await wait(30)
    has('/a')
  },
}
for (const [name, play] of Object.entries(scenarios)) {
  process.stdout.write(`## ${name}\n`)
  app = make()
  await play()
  await wait(30)
}
