import express, { type Express } from 'express'
// In an app of yours: from 'drop444'
import { badAgent, browserPaths, denyCidr, noHost, pathAllowlist, rateLimit } from '../../lib/index.ts'

/** Requests a second of one client, and how many more it may send at once: a page with its forty assets. */
export const limit = { rate: 10, burst: 40 }

/** Dropped whoever they say they are: an example network, and one that spams in the access log (91.236.74.0/23 there). */
export const denied = ['127.51.100.0/24', '127.236.74.0/23']

/** What the site of the access log has. */
const archive = [
  ...['/about', '/articles', '/blog', '/demo', '/files', '/icons', '/images', '/kibana', '/logging', '/misc'],
  ...['/presentations', '/projects', '/scripts'],
]
const archiveFiles = ['/reset.css', '/style2.css', '/resume.css', '/resume.xml', '/resume.xsl', '/test.xml']

const knownPaths = [
  ...browserPaths,
  ...['/', '/users/**', '/orders/**', '/static/**'],
  ...archive.map(section => `${section}/**`),
  ...archiveFiles,
  // No PHP here, and no WordPress in the blog, whatever stands above.
  ...['!**/*.php', '!**/wp-admin/**'],
]

/**
 * A small site in the style of Django's URLs, with five rules in front. With `oneAddress` its clients are told apart by
 * X-Forwarded-For, and since there is no proxy that could do the dropping, the connection is closed all the same.
 */
export function createSite(oneAddress: boolean): Express {
  const app = express()
  app.disable('x-powered-by')
  if (oneAddress) app.set('trust proxy', '127.0.0.1')
  const common = oneAddress ? ({ handOff: 'close' } as const) : {}

  app.use(noHost({ ...common, serverNames: ['localhost', '*.localhost'] }))
  app.use(denyCidr(denied, common))
  app.use(badAgent(common))
  app.use(pathAllowlist(knownPaths, common))
  app.use(rateLimit({ ...common, rate: `${limit.rate}r/s`, burst: limit.burst }))

  app.get(
    '/',
    (_req, res) => void res.send('<h1>Home</h1><a href="/users/">users</a> <a href="/orders/">orders</a>\n'),
  )
  app.get(
    '/users{/:name}',
    (req, res) => void res.send(`<h1>Users</h1>${req.params.name ? 'one' : 'all'} of them\n`),
  )
  app.get('/orders{/:year}{/:month}', (_req, res) => void res.send('<h1>Orders</h1>\n'))
  app.get('/static/*file', (_req, res) => void res.type('css').send('h1 { color: teal }\n'))
  app.get('/favicon.ico', (_req, res) => void res.status(204).end())
  app.get('/robots.txt', (_req, res) => void res.type('txt').send('User-agent: *\nAllow: /\n'))
  app.use([...archive, ...archiveFiles], (_req, res) => void res.type('txt').send('From the archive.\n'))
  return app
}
