import { absoluteTarget, type Host, isHttpScheme, parseHost } from '../match/hosts/host.ts'
import type { Finding } from '../reasons.ts'
import { Reason } from '../reasons.ts'
import { framework, isHttp2, type Request } from './http-types.ts'

/** The host that a request names, or the reason why it names none. The host of an absolute-form target wins (RFC 9112 3.2.2). */
export function hostOf(req: Request): Host | Finding {
  const fields = hostFields(req)
  if (fields.length > 1 && !isHttp2(req)) return duplicate(fields)
  const [field] = fields
  const target = absoluteTargetOf(req)
  // HTTP/1.0 had no Host, so an absolute-form target is enough there, as in nginx.
  if (field === undefined && (target === undefined || req.httpVersion !== '1.0'))
    return { reason: Reason.NO_HOST }
  const host = field === undefined ? undefined : hostOfField(field)
  if (host && 'reason' in host) return host
  if (host && fields.length > 1 && fields.some(other => parseHost(other)?.name !== host.name))
    return duplicate(fields)
  if (target === undefined) return host as Host
  return parseHost(target.authority) ?? { reason: Reason.INVALID_HOST, detail: target.authority }
}

/**
 * What in a valid request contradicts its Host: an absolute-form target with another name (RFC 9112 3.2 demands the same), or a
 * scheme other than http and https. Node, frameworks and upstream servers use the Host.
 */
export function contradictionOf(req: Request): Finding | undefined {
  const target = absoluteTargetOf(req)
  const scheme = isHttp2(req) ? req.scheme : target?.scheme
  // CONNECT over HTTP/2 has no scheme.
  if (scheme !== undefined && !isHttpScheme(scheme)) return { reason: Reason.INVALID_TARGET, detail: scheme }
  const { host } = req.headers
  if (target === undefined || host === undefined) return undefined
  const isSame = parseHost(target.authority)?.name === parseHost(host)?.name
  return isSame ? undefined : duplicate([target.authority, host])
}

const targetOf = (req: Request) => framework(req).originalUrl ?? req.url ?? ''

/** CONNECT has no absolute-form target: its target is the far end of a tunnel, not this server. */
const absoluteTargetOf = (req: Request) =>
  req.method === 'CONNECT' ? undefined : absoluteTarget(targetOf(req))

const duplicate = (fields: readonly string[]): Finding => ({
  reason: Reason.DUPLICATE_HOST,
  detail: fields.join(', '),
})

/** The host that one Host field names, or what is wrong with it. */
export function hostOfField(field: string): Host | Finding {
  if (field === '') return { reason: Reason.EMPTY_HOST }
  return parseHost(field) ?? { reason: Reason.INVALID_HOST, detail: field }
}

/** The only Host field of a request, if neither the target nor an unusual scheme contradicts it; else undefined. */
export function onlyHost(req: Request): string | undefined {
  const { rawHeaders } = req
  if (isHttp2(req) && req.scheme !== 'https' && req.scheme !== 'http') return undefined
  const first = nextHost(rawHeaders, 0)
  const isOnly = nextHost(rawHeaders, first + 2) >= rawHeaders.length
  return isOnly && targetOf(req).charCodeAt(0) === 47 ? rawHeaders[first + 1] : undefined
}

/** The index of the next Host in `rawHeaders`, or its length if there is none. `headers` has only the first Host. */
function nextHost(rawHeaders: readonly string[], from: number): number {
  for (let i = from; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 ? name === 'Host' || name.toLowerCase() === 'host' : name === ':authority') return i
  }
  return rawHeaders.length
}

/** Every Host that was sent. On HTTP/2 it is the first field, usually `:authority`, and the fields that differ from it. */
function hostFields(req: Request): string[] {
  const { rawHeaders } = req
  const fields: string[] = []
  for (let i = nextHost(rawHeaders, 0); i < rawHeaders.length; i = nextHost(rawHeaders, i + 2)) {
    const value = rawHeaders[i + 1] as string
    if (!isHttp2(req) || value !== fields[0]) fields.push(value)
  }
  return fields
}
