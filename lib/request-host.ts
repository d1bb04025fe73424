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
