import type { IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { pathAllowlist, rateLimit } from '../../lib/index.ts'
import { knownRoutes, type RoutedApp } from '../../lib/routes/known-routes.ts'
import { type AnyApp, answer, goOn, type Version, versions } from './express-apps.ts'

// Warnings are given once a process. Arguments: a version, a scenario. Prints the warnings, one a line.
const [version, scenario] = process.argv.slice(2) as [Version, string]
const make = versions[version]
const app = make()
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

const scenarios: Record<string, () => unknown> = {
  // The list comes first, the routes after it, and no request is made.
  catchAll() {
    guard()
    swallow(app)
  },
  unseen() {
    guard()
    app.use('/files', make.static('.'))
    app.use('/graphql', function graphql() {})
  },
  async late() {
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
await scenarios[scenario]?.()
await wait(30)
