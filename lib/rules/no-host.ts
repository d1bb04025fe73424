import { isRegExp } from 'node:util/types'
import { type CommonOptions, commonChecks, commonOf } from '../common-options.ts'
import { refuseEntry } from '../errors.ts'
import { framework, isHttp2, type Request } from '../http-types.ts'
import { type Host, parseHost, targetAuthority } from '../match/host.ts'
import { compileServerNames, type ServerNames } from '../match/server-names.ts'
import { type Check, list, readOptions, refuseRequest } from '../options.ts'
import { Reason } from '../reasons.ts'
import { type Finding, makeRule, type Rule } from '../rule.ts'
import { learnServer, watchMissingHost } from '../server/missing-host.ts'

/** Options of {@link noHost}. */
export interface NoHostOptions extends CommonOptions {
  /**
   * The names that are served, as in nginx's `server_name`: `example.com`, `*.example.com` (any depth, not the name
   * itself), `.example.com` (both), `mail.*`, a RegExp (tested on the lower-case name without port), or an address.
   * Default: any name, but no address.
   */
  serverNames?: (Iterable<string | RegExp> & object) | undefined
}

const serverNames: Check<ServerNames> = (value, fail) => {
  const names = list(value, fail)
  if (names.length === 0) fail('a list with at least one name (without it, any name is served)')
  for (const name of names) {
    if (typeof name !== 'string' && !isRegExp(name)) refuseName(name, 'it is no string or RegExp')
  }
  const compiled = compileServerNames(names as (string | RegExp)[])
  return typeof compiled === 'function' ? compiled : refuseName(compiled.pattern, compiled.problem)
}

const refuseName = (name: unknown, problem: string) => refuseEntry('noHost', 'serverNames', name, problem)

const checks = { ...commonChecks, serverNames } satisfies Record<keyof NoHostOptions, Check<unknown>>

/**
 * Drops requests that name no site of ours: no Host, an empty, duplicate or invalid one, an address instead of a name, and
 * with `serverNames` every other name. nginx: `server { listen 80 default_server; server_name _; return 444; }`.
 *
 * An absolute-form target's host wins over Host (RFC 9112 3.2.2); on HTTP/2 `:authority` is the Host.
 *
 * @example
 * app.use(noHost({ serverNames: ['example.com', '*.example.com'] }))
 *
 * @throws OptionsError
 */
export function noHost(options?: NoHostOptions): Rule {
  refuseRequest('noHost', options)
  const checked = readOptions('noHost', options, checks)
  const common = commonOf(checked, { name: 'noHost' })
  const isServed = checked.serverNames

  function judge(req: Request): Finding | undefined {
    if (!common.dryRun) learnServer(req)
    const host = hostOf(req)
    if ('reason' in host) return host
    if (isServed?.(host.name)) return undefined
    if (host.isAddress) return { reason: Reason.IP_HOST, detail: host.name }
    return isServed ? { reason: Reason.UNKNOWN_HOST, detail: host.name } : undefined
  }

  const rule = makeRule(common, judge)
  watchMissingHost(rule, common.dryRun)
  return rule
}

/** The host that a request is for, or why it names none. */
function hostOf(req: Request): Host | Finding {
  const fields = hostFields(req)
  if (fields.length > 1) return { reason: Reason.DUPLICATE_HOST, detail: fields.join(', ') }
  const [field] = fields
  const authority = targetAuthority(framework(req).originalUrl ?? req.url ?? '')
  // HTTP/1.0 had no Host: there an absolute-form target is enough, as in nginx.
  if (field === undefined && (authority === undefined || req.httpVersion !== '1.0'))
    return { reason: Reason.NO_HOST }
  if (field === '') return { reason: Reason.EMPTY_HOST }
  for (const name of [field, authority]) {
    if (name !== undefined && !parseHost(name)) return { reason: Reason.INVALID_HOST, detail: name }
  }
  return parseHost(authority ?? (field as string)) as Host
}

/** Every Host that was sent: Node keeps only the first in `headers`. HTTP/2's `:authority` and Host may agree. */
function hostFields(req: Request): string[] {
  const fields: string[] = []
  const { rawHeaders } = req
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if ((name.length === 4 && name.toLowerCase() === 'host') || name === ':authority') {
      const value = rawHeaders[i + 1] as string
      if (!isHttp2(req) || !fields.includes(value)) fields.push(value)
    }
  }
  return fields
}
