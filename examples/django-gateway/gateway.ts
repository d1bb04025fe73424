import { createServer, type Server, type ServerResponse } from 'node:http'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
// In an app of yours: from 'drop444/django'
import { type DjangoExport, djangoRoutes } from '../../lib/django.ts'
// In an app of yours: from 'drop444'
import { badAgent, browserPaths, methodAllowlist, noHost, pathAllowlist, protect } from '../../lib/index.ts'

export interface GatewayOptions {
  /** The loopback port that Django listens on. */
  django: number
  /** The names that the site is asked by. */
  serverNames: readonly string[]
  /** What export_routes.py printed. */
  routes: DjangoExport
  /** The address of a proxy in front of the gateway. Default: there is none. */
  proxy?: string | undefined
}

/** What only the gateway may say to Django, and what belongs to one connection (RFC 9110 7.6.1). */
const notForDjango = /^(?:forwarded|x-forwarded-.+|x-real-ip|.*_.*|keep-alive|te|upgrade)$/

function ownHeaders(req: Request, _res: Response, next: NextFunction): void {
  for (const name of Object.keys(req.headers)) if (notForDjango.test(name)) delete req.headers[name]
  // http-proxy may pass on another, and Django's connection would stay open for more than this request.
  if (req.headers.connection?.toLowerCase() !== 'close') delete req.headers.connection
  next()
}

function noDjango(_error: Error, _req: unknown, res: object): void {
  const { headersSent, destroy } = res as ServerResponse
  if (headersSent) destroy.call(res)
  else (res as ServerResponse).writeHead(502, { 'Content-Type': 'text/plain' }).end('Try again later.\n')
}

/** Rules, then Django. What they drop, Django never hears of. */
export function createGateway({ django, serverNames, routes, proxy }: GatewayOptions): Server {
  const app = express()
  app.disable('x-powered-by')
  if (proxy !== undefined) app.set('trust proxy', proxy)
  const rules = [
    noHost({ serverNames }),
    badAgent(),
    methodAllowlist(['GET', 'POST']),
    // A folder of static files lists whatever is asked for in it. No dotfile, and nothing that http-proxy or Django may read
    // in another way, as `//` is merged; then `!` takes away what nobody has there.
    pathAllowlist(['/**', '/.well-known/**'], { name: 'plainPath' }),
    pathAllowlist([...browserPaths, djangoRoutes(routes), '!**/*.php']),
  ]
  app.use(rules)
  // The list does not have it: only health checks from within get past the rules.
  app.get('/healthz', (_req, res) => void res.send('ok\n'))
  app.use(ownHeaders)
  app.use(
    createProxyMiddleware<Request, Response>({
      target: `http://127.0.0.1:${django}`,
      // Django checks the Host, builds redirects and compares Origin with what the browser asked for.
      changeOrigin: false,
      xfwd: true,
      on: {
        // Of Django's connection, not of the browser's.
        proxyRes: proxyRes => {
          delete proxyRes.headers.connection
        },
        error: noDjango,
      },
    }),
  )
  return protect(createServer(app), { rules, healthCheck: '/healthz' })
}
