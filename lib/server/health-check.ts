import { reportError } from '../diagnostics/report-error.ts'
import { clientAddress, isTrustedPeer, trustOf } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { peerOfRequest } from '../request/peer-address.ts'
import { believes, isPrivate, type Trust } from '../request/trust.ts'
import type { GuardedServer } from './guarded-server.ts'

/** HAProxy's `option httpchk` asks with OPTIONS by default. */
const methods = /* @__PURE__ */ new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Tells the health checks of the site: a path of `healthCheck`, asked for by a machine of ours. A checker often sends an
 * address as Host, or none, and no User-Agent, so that rules would drop it and its balancer would take the server out.
 *
 * Undefined where the option is not given.
 */
export function makeHealthCheck(guarded: GuardedServer): ((req: Request) => boolean) | undefined {
  const { healthCheck: paths, trustProxy } = guarded.settings
  if (!paths) return undefined

  /**
   * A visitor who comes through a proxy has an entry in X-Forwarded-For that the proxy wrote. Without the header the peer asks for
   * itself. With it, every sender has to be a trusted proxy, as where the outer of two proxies checks through the inner one,
   * or private.
   */
  function isFromWithin(req: Request, trust: Trust): boolean {
    const forwarded = req.headers['x-forwarded-for'] as string | undefined
    if (forwarded !== undefined && !isTrustedPeer(req, trust)) return false
    const client = clientAddress(req, trust)
    // Only programs of this machine can open a unix-domain socket. Elsewhere Node has left header fields out.
    if (!client) return forwarded === undefined && peerOfRequest(req)?.isUnix === true
    const hops = forwarded?.split(',').length ?? 0
    return isPrivate(client) || believes(trust, client.text, hops)
  }

  return function isHealthCheck(req) {
    const { url = '', method = '', headers } = req
    if (!paths.has(url) || !methods.has(method) || headers.upgrade !== undefined) return false
    try {
      return isFromWithin(req, trustOf(req, trustProxy))
    } catch (error) {
      reportError('the trust function', error)
      return false
    }
  }
}
