import type { Response } from '../request/http-types.ts'
import { own } from './content.ts'

/*
 * Our answer is meant for one client, but a cache would give it to every client that asks for the same page. nginx
 * (`proxy_cache_valid any`), HAProxy, Varnish and CDNs obey `no-store`, unless another field overrules it.
 */

/** The fields that control caches. `X-Accel-Expires` overrules `Cache-Control` in nginx, `Surrogate-Control` in Varnish. */
const ofCaches =
  /^(?:cache-control|expires|age|x-accel-expires|surrogate-control|edge-control|(?:.+-)?cdn-cache-control)$/

/** Whether the value of a field already forbids storing. */
function forbids(name: string, value: string): boolean {
  if (name === 'expires') return !(Date.parse(value) > Date.now())
  if (name === 'x-accel-expires') return value === '0'
  return /(?:^|,)\s*no-store\s*(?:,|$)/i.test(value)
}

/** Forbids caches to store the response: fields that allow it are removed, fields that forbid it stay. */
export function forbidStoring(res: Response): void {
  for (const name of res.getHeaderNames())
    if (ofCaches.test(name) && !forbids(name, String(res.getHeader(name)))) res.removeHeader(name)
  if (!res.hasHeader('cache-control')) res.setHeader('Cache-Control', 'no-store')
}

/** {@link forbidStoring}, and ignores cache fields that a hook on `writeHead` or a user's handler sets from now on. */
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

/** Removes sealed fields from an argument of `writeHead`: an object, a list of names and values by turns, or a list of pairs. */
function withoutSealed(fields: unknown, isSealed: (name: unknown) => boolean): unknown {
  if (typeof fields !== 'object' || fields === null) return fields
  if (!Array.isArray(fields))
    return Object.fromEntries(Object.entries(fields).filter(([name]) => !isSealed(name)))
  if (Array.isArray(fields[0])) return fields.filter(([name]) => !isSealed(name))
  return fields.filter((_, i) => !isSealed(fields[i - (i % 2)]))
}
