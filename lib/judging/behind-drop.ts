import { isHttp2, type Request, type Response } from '../request/http-types.ts'
import { isClosing, stateOf } from '../request/request-state.ts'
import { inThisContext } from '../runtime/async-context.ts'
import { stopParsing } from '../wire/http1.ts'

/**
 * Whether a request may have come after a dropped one on its connection. On HTTP/1 a response that already has the socket comes
 * before the dropped one. A response that still waits for the socket may come after it, so it counts as behind until then.
 */
export function isBehindDrop(req: Request, res: Response): boolean {
  if (!isClosing(req)) return false
  return isHttp2(req) || !res.socket || res.socket.destroyed
}

/**
 * Holds a request that may have come after a dropped one. On HTTP/1 it goes on when its response gets the socket; requests after
 * the dropped one never get it. On HTTP/2 it never goes on, because the connection is gone.
 */
export function hold(req: Request, res: Response, goOn: () => void): void {
  if (isHttp2(req)) return
  stateOf(req).waited = true
  res.once('socket', inThisContext(goOn))
  if (req.socket) stopParsing(req.socket)
}
