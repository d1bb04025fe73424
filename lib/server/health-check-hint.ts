import { warnOnce } from '../diagnostics/warnings.ts'
import type { Verdict } from '../events/drop-event.ts'
import { type VerdictWatcher, watchVerdicts } from '../events/verdict-watchers.ts'
import { isPrivatePeer, isTrustedPeer } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { stateOf } from '../request/request-state.ts'
import type { Trust } from '../request/trust.ts'

/** Checkers that ask from within, past every proxy. */
const checkers = /^(?:kube-probe|ELB-HealthChecker|GoogleHC|Consul Health Check)\b/

const methods = /* @__PURE__ */ new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Who asks, if a request is most likely a health check: a trusted proxy that asks itself (what it passes on has an
 * X-Forwarded-For), or a known checker in the private network.
 */
export function healthChecker(req: Request, trust: Trust | undefined): string | undefined {
  const { headers, method = '' } = req
  if (headers['x-forwarded-for'] !== undefined || !methods.has(method)) return undefined
  const agent = headers['user-agent'] ?? ''
  if (checkers.test(agent) && isPrivatePeer(req)) return agent
  return trust && isTrusted(req, trust) ? 'a trusted proxy itself' : undefined
}

/** What the trust function throws was reported when the client was looked for. */
function isTrusted(req: Request, trust: Trust): boolean {
  try {
    return isTrustedPeer(req, trust)
  } catch {
    return false
  }
}

let stop: (() => void) | undefined

/** Held here, as it would be collected otherwise. */
const watcher: VerdictWatcher = {
  onRequest({ rule, reason }: Verdict, req) {
    const who = healthChecker(req, stateOf(req).trust)
    if (who === undefined) return
    stop?.()
    warnOnce(
      'DROP444_HEALTH_CHECK',
      `${rule} (${reason}) refused ${req.method} ${req.url?.slice(0, 80)} of ${who}. ` +
        "If that is a health check: protect(server, { healthCheck: '/its-path' })",
    )
  },
  onConnection() {},
}

/** Warns once where a rule refuses what is most likely a health check: its sender then takes the server out. */
export function watchForHealthChecks(): void {
  stop ??= watchVerdicts(watcher)
}
