import { isHttp2Response, type Request, type Response } from '../../request/http-types.ts'
import type { Exchange } from '../connection.ts'

/** Keeps whether the body is still to be asked for. */
export type Continues = Pick<Exchange, 'awaitsContinue'>

/** RFC 9110 10.1.1: a list, of which this is the only member there is. */
export const isContinue = (expect = '') =>
  expect.split(',').every(member => member.trim().toLowerCase() === '100-continue')

/**
 * Sends `100 Continue` when the app first reads the body, not before it runs, as Node does. By then the rules mounted in the app
 * have passed the request. If nobody reads the body, the connection ends with the response, unless the body came unasked.
 */
export function continueWhenRead(req: Request, res: Response, continues: Continues): void {
  continues.awaitsContinue = true
  if (!isHttp2Response(res)) {
    let isKept = res.shouldKeepAlive
    Object.defineProperty(res, 'shouldKeepAlive', {
      get: () => isKept && (!continues.awaitsContinue || req.complete),
      set(value: boolean) {
        isKept = value
      },
      configurable: true,
    })
  }
  const onListener = (event: string | symbol) => {
    if (event === 'data' || event === 'readable') onRead()
  }
  function onRead(): void {
    if (!continues.awaitsContinue) return
    continues.awaitsContinue = false
    req.off('newListener', onListener).off('resume', onRead)
    Reflect.deleteProperty(req, 'read')
    if (!res.headersSent && !res.writableEnded && !res.destroyed) res.writeContinue()
  }
  req.on('newListener', onListener).on('resume', onRead)
  // Node itself reads 0 bytes, to look ahead.
  req.read = (size?: number) => {
    if (size !== 0) onRead()
    return Object.getPrototypeOf(req).read.call(req, size)
  }
}
