import { isHttp2, type Request, type Response } from '../request/http-types.ts'
import { isClosing, stateOf } from '../request/request-state.ts'
import { inThisContext } from '../runtime/async-context.ts'
import { stopParsing } from '../wire/http1.ts'

/**
 * Whether a request may have come behind a dropped one. On HTTP/1 a response that has its turn is ahead of it; of one that
 * still waits for its turn that will be known when it comes.
 */
export function isBehindDrop(req: Request, res: Response): boolean {
  if (!isClosing(req)) return false
  return isHttp2(req) || !res.socket || res.socket.destroyed
}

/**
 * Behind a dropped request nothing runs. On HTTP/1 what is ahead of it goes on with its turn, which the others never get. On
 * HTTP/2 the connection is gone.
 */
export function hold(req: Request, res: Response, goOn: () => void): void {
  if (isHttp2(req)) return
  stateOf(req).waited = true
  res.once('socket', inThisContext(goOn))
  if (req.socket) stopParsing(req.socket)
}
