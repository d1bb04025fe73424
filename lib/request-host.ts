import { framework, isHttp2, type Request } from './http-types.ts'
import { type Host, parseHost, targetAuthority } from './match/host.ts'
import { Reason } from './reasons.ts'
import type { Finding } from './rule.ts'

/** The host that a request is for, or why it names none. */
export function hostOf(req: Request): Host | Finding {
  const { rawHeaders } = req
  const first = nextHost(rawHeaders, 0)
  const field = rawHeaders[first + 1]
  if (field !== undefined && nextHost(rawHeaders, first + 2) < rawHeaders.length) {
    const fields = hostFields(req)
    if (fields.length > 1) return { reason: Reason.DUPLICATE_HOST, detail: fields.join(', ') }
  }
  const authority = targetAuthority(framework(req).originalUrl ?? req.url ?? '')
  // HTTP/1.0 had no Host: there an absolute-form target is enough, as in nginx.
  if (field === undefined && (authority === undefined || req.httpVersion !== '1.0'))
    return { reason: Reason.NO_HOST }
  if (field === '') return { reason: Reason.EMPTY_HOST }
  const host = parseHost(field ?? (authority as string))
  if (!host) return { reason: Reason.INVALID_HOST, detail: field ?? authority }
  if (authority === undefined) return host
  return parseHost(authority) ?? { reason: Reason.INVALID_HOST, detail: authority }
}

/** Where the next Host stands: Node keeps only the first in `headers`. The length where there is none. */
function nextHost(rawHeaders: readonly string[], from: number): number {
  for (let i = from; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 ? name === 'Host' || name.toLowerCase() === 'host' : name === ':authority') return i
  }
  return rawHeaders.length
}

/** Every Host that was sent. HTTP/2's `:authority` and Host may agree. */
function hostFields(req: Request): string[] {
  const { rawHeaders } = req
  const fields: string[] = []
  for (let i = nextHost(rawHeaders, 0); i < rawHeaders.length; i = nextHost(rawHeaders, i + 2)) {
    const value = rawHeaders[i + 1] as string
    if (!isHttp2(req) || !fields.includes(value)) fields.push(value)
  }
  return fields
}
