import { framework, isHttp2, type Request } from './http-types.ts'
import { type Host, parseHost, targetAuthority } from './match/host.ts'
import { Reason } from './reasons.ts'
import type { Finding } from './rule.ts'

/** The host that a request is for, or why it names none. */
export function hostOf(req: Request): Host | Finding {
  const fields = hostFields(req)
  if (fields.length > 1) return { reason: Reason.DUPLICATE_HOST, detail: fields.join(', ') }
  const [field] = fields
  const authority = targetAuthority(framework(req).originalUrl ?? req.url ?? '')
  // HTTP/1.0 had no Host: there an absolute-form target is enough, as in nginx.
  if (field === undefined && (authority === undefined || req.httpVersion !== '1.0'))
    return { reason: Reason.NO_HOST }
  const host = field === undefined ? undefined : hostOfField(field)
  if (authority === undefined || (host && 'reason' in host)) return host as Host | Finding
  return parseHost(authority) ?? { reason: Reason.INVALID_HOST, detail: authority }
}

/** What the text of one Host field names. */
export function hostOfField(field: string): Host | Finding {
  if (field === '') return { reason: Reason.EMPTY_HOST }
  return parseHost(field) ?? { reason: Reason.INVALID_HOST, detail: field }
}

/** The field that alone says what a request is for: there is no other one, and the target has no authority. */
export function onlyHost(req: Request): string | undefined {
  const { rawHeaders } = req
  const first = nextHost(rawHeaders, 0)
  const isOnly = nextHost(rawHeaders, first + 2) >= rawHeaders.length
  const target = framework(req).originalUrl ?? req.url ?? ''
  return isOnly && target.charCodeAt(0) === 47 ? rawHeaders[first + 1] : undefined
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
