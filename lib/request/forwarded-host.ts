import { isTrustedPeer, trustOf } from './client-address.ts'
import { framework, type Request } from './http-types.ts'
import { stateOf } from './request-state.ts'
import { type Trust, trustOfApp } from './trust.ts'

/**
 * The names that `X-Forwarded-Host` puts in the place of Host: none, unless the peer is a trusted proxy, of the rule (`own`) or
 * of the Express app. Express takes the first value as `req.hostname`, and so does Koa; Fastify takes the last.
 */
export function forwardedHosts(req: Request, own: Trust | undefined): readonly string[] {
  const field = req.headers['x-forwarded-host'] as string | undefined
  if (!field) return none
  const app = framework(req).app ?? stateOf(req).serverApp
  const appTrust = trustOfApp(app)
  const isBelieved = isTrustedPeer(req, trustOf(req, own)) || (appTrust && isTrustedPeer(req, appTrust))
  if (!isBelieved) return none
  const comma = field.indexOf(',')
  if (comma < 0) return [field]
  const first = field.slice(0, comma).trim()
  return appTrust ? [first] : [first, field.slice(field.lastIndexOf(',') + 1).trim()]
}

const none: readonly string[] = []
