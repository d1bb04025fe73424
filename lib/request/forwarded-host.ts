import { isTrustedPeer, trustOf } from './client-address.ts'
import { framework, type Request } from './http-types.ts'
import { stateOf } from './request-state.ts'
import { type Trust, trustOfApp } from './trust.ts'

/**
 * The names in `X-Forwarded-Host` that a framework uses instead of Host; none unless the rule (`own`) or the Express app trusts the
 * peer as a proxy. Express and Koa use the first value, Fastify the last.
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
