import { debugAdvice } from '../../diagnostics/debug.ts'
import type { Request } from '../../request/http-types.ts'

/** Paths that clients request by themselves, and that a list of an app's own paths easily misses. */
const forgotten = {
  '/favicon.ico': 'browsers ask for it on every site',
  '/robots.txt': 'a crawler that finds none may crawl all, or nothing',
  '/.well-known/acme-challenge/token': 'certificates are renewed by it (RFC 8555 8.3)',
}

/**
 * With `DEBUG=drop444:*`, logs once each path that a list misses. It waits a turn of the event loop, in which the app adds its routes.
 *
 * @param passes whether the list lets a request through
 */
export function adviseOnPaths(name: string, passes: (req: Request, path: string) => boolean): void {
  if (!debugAdvice.enabled) return
  setImmediate(() => {
    for (const [path, why] of Object.entries(forgotten)) {
      const req = { method: 'GET', url: path, headers: {}, httpVersion: '1.1', httpVersionMajor: 1 }
      if (!passes(req as Request, path)) debugAdvice('%s drops %s: %s. Add ...browserPaths', name, path, why)
    }
  }).unref()
}
