import { isHttp2Response, type Request, type Response } from '../../request/http-types.ts'
import type { Exchange } from '../connection.ts'

/** Who is told when the body is asked for. */
export type Continues = Pick<Exchange, 'awaitsContinue'>

/** RFC 9110 10.1.1: a list, of which this is the only member there is. */
export const isContinue = (expect = '') =>
  expect.split(',').every(member => member.trim().toLowerCase() === '100-continue')

/**
 * Node says `100 Continue` before anyone is asked. Here the client is told when somebody wants the body: rules mounted in
 * the app have passed the request by then. Where nobody does, the client will not send it, and unless it has done so
 * unasked the connection can't go on.
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
