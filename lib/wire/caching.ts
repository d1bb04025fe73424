import type { Response } from '../request/http-types.ts'
import { own } from './content.ts'

/*
 * An answer of ours is to one client, but a cache would give it to everybody who asks for the same page. `no-store` is the
 * word that nginx (`proxy_cache_valid any`), HAProxy, Varnish and CDNs obey, unless another field overrules it.
 */

/** By which an app allows caches. `X-Accel-Expires` overrules `Cache-Control` in nginx, `Surrogate-Control` in Varnish. */
const ofCaches =
  /^(?:cache-control|expires|age|x-accel-expires|surrogate-control|edge-control|(?:.+-)?cdn-cache-control)$/

/** Whether a field already says what we would. */
function forbids(name: string, value: string): boolean {
  if (name === 'expires') return !(Date.parse(value) > Date.now())
  if (name === 'x-accel-expires') return value === '0'
  return /(?:^|,)\s*no-store\s*(?:,|$)/i.test(value)
}

/** Has no cache keep the response: what allows it is taken away, what forbids it stays. */
export function forbidStoring(res: Response): void {
  for (const name of res.getHeaderNames())
    if (ofCaches.test(name) && !forbids(name, String(res.getHeader(name)))) res.removeHeader(name)
  if (!res.hasHeader('cache-control')) res.setHeader('Cache-Control', 'no-store')
}

/** The same, whatever a hook on the head, or a user's handler, says of caches from now on. */
export function sealCaching(res: Response): void {
  forbidStoring(res)
  const isSealed = (name: unknown) => ofCaches.test(String(name).toLowerCase())
  for (const method of ['setHeader', 'appendHeader', 'removeHeader'] as const) {
    const original = res[method] as ((...args: unknown[]) => unknown) | undefined
    if (original) own(res, method, (...args) => (isSealed(args[0]) ? res : original.apply(res, args)))
  }
  const { writeHead } = res as { writeHead(...args: unknown[]): unknown }
  own(res, 'writeHead', (...args) =>
    writeHead.apply(
      res,
      args.map(arg => withoutSealed(arg, isSealed)),
    ),
  )
}

/** The arguments of `writeHead`: fields may be an object, names and values by turns, or pairs of them. */
function withoutSealed(fields: unknown, isSealed: (name: unknown) => boolean): unknown {
  if (typeof fields !== 'object' || fields === null) return fields
  if (!Array.isArray(fields))
    return Object.fromEntries(Object.entries(fields).filter(([name]) => !isSealed(name)))
  if (Array.isArray(fields[0])) return fields.filter(([name]) => !isSealed(name))
  return fields.filter((_, i) => !isSealed(fields[i - (i % 2)]))
}
