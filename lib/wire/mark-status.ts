import { ServerResponse } from 'node:http'
import { isHttp2Response, type Response } from '../request/http-types.ts'

/**
 * Makes loggers that watch the response (morgan, pino-http) print 444: they read `headersSent`, then `statusCode`. Called when
 * nothing can reach the client any more.
 */
export function markStatus(res: Response): void {
  if (res.headersSent) return
  try {
    if (isHttp2Response(res) || res.writeHead === ServerResponse.prototype.writeHead) {
      // On HTTP/2 `writeHead` would send HEADERS; without a hook on it the call is wasted work.
      res.statusCode = 444
      Object.defineProperty(res, 'headersSent', { value: true, configurable: true })
    } else {
      // Makes the head but sends nothing. Loggers hook it to stop their clocks.
      res.writeHead(444)
    }
  } catch {
    // A hook on `writeHead` threw: the drop goes on, only the hook's log line is lost.
  }
}
