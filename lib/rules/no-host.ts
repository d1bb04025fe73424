import type { Rule } from '../judgement.ts'
import type { Host } from '../match/hosts/host.ts'
import { type CommonOptions, commonChecks, commonOf } from '../options/common-options.ts'
import { type Check, readOptions, refuseRequest } from '../options/read-options.ts'
import { serverNames } from '../options/server-names-option.ts'
import type { Finding } from '../reasons.ts'
import { Reason } from '../reasons.ts'
import { forwardedHosts } from '../request/forwarded-host.ts'
import type { Request } from '../request/http-types.ts'
import { memoPerConnection } from '../request/memo-per-connection.ts'
import { contradictionOf, hostOf, hostOfField, onlyHost } from '../request/request-host.ts'
import { makeRule } from '../rule.ts'
import { addHostRule } from '../server/host-rules.ts'
import { meetHost, watchMissingHost } from '../server/missing-host.ts'

/** Options of {@link noHost}. */
export interface NoHostOptions extends CommonOptions {
  /**
   * The host names that are served, as in nginx's `server_name`: `example.com`, `*.example.com` (any depth, not the name
   * itself), `.example.com` (both), `mail.*`, a RegExp (tested on the lower-case name without port), or an address.
   * Default: any name, but no address.
   */
  serverNames?: (Iterable<string | RegExp> & object) | undefined
}

const checks = () =>
  ({ ...commonChecks(), serverNames }) satisfies Record<keyof NoHostOptions, Check<unknown>>

/**
 * Drops requests for no site of this server: without Host, with an empty, duplicate or invalid one, with an address instead of a
 * name, and with `serverNames` for every other name. nginx: `server { listen 80 default_server; server_name _; return 444; }`.
 *
 * An absolute-form target must have the scheme http or https and the same host as Host (RFC 9112 3.2). On HTTP/2 `:authority`
 * is the Host. `X-Forwarded-Host` from a trusted proxy is judged like Host, because frameworks use it.
 *
 * @example
 * app.use(noHost({ serverNames: ['example.com', '*.example.com'] }))
 *
 * @throws OptionsError
 */
export function noHost(options?: NoHostOptions): Rule {
  refuseRequest('noHost', options)
  const checked = readOptions('noHost', options, checks())
  const common = commonOf(checked, { name: 'noHost' })
  const isServed = checked.serverNames

  function judgeHost(host: Host | Finding): Finding | undefined {
    if ('reason' in host) return host
    if (isServed?.(host.name)) return undefined
    if (host.isAddress) return { reason: Reason.IP_HOST, detail: host.name }
    return isServed ? { reason: Reason.UNKNOWN_HOST, detail: host.name } : undefined
  }

  const judgeField = memoPerConnection(field => judgeHost(hostOfField(field)))

  function judge(req: Request): Finding | undefined {
    const field = onlyHost(req)
    return (field === undefined ? judgeHead(req) : judgeField(req, field)) ?? judgeForwarded(req)
  }

  function judgeHead(req: Request): Finding | undefined {
    const host = hostOf(req)
    return ('reason' in host ? undefined : contradictionOf(req)) ?? judgeHost(host)
  }

  function judgeForwarded(req: Request): Finding | undefined {
    for (const host of forwardedHosts(req, common.trustProxy)) {
      const finding = judgeHost(hostOfField(host))
      if (finding) return finding
    }
    return undefined
  }

  const rule = makeRule(common, judge, { onMeet: req => meetHost(req, common.dryRun) })
  addHostRule(rule, common.dryRun)
  watchMissingHost()
  return rule
}
