import { ServerResponse } from 'node:http'
import { isHttp2Response, type Response } from '../request/http-types.ts'

/**
 * Makes loggers that watch the response (morgan, pino-http) print 444. They ask for `statusCode` and, first, whether
 * headers were sent. Called when nothing can reach the client any more.
 */
export function markStatus(res: Response): void {
  if (res.headersSent) return
  try {
    if (isHttp2Response(res) || res.writeHead === ServerResponse.prototype.writeHead) {
      // On HTTP/2 `writeHead` would send HEADERS; where nobody hooks it, it is work for nothing.
      res.statusCode = 444
      Object.defineProperty(res, 'headersSent', { value: true, configurable: true })
    } else {
      // Composes the head and sends nothing; loggers hook it to stop their clocks.
      res.writeHead(444)
    }
  } catch {
    // A hook on `writeHead` threw: the log line is its own loss, the drop is not.
  }
}
