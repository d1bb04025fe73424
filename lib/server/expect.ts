import { isHttp2Response, type Request, type Response } from '../http-types.ts'
import type { Exchange } from './connection.ts'

/** Who is told when the body is asked for. */
export type Continues = Pick<Exchange, 'awaitsContinue'>

/** RFC 9110 10.1.1: a list, of which this is the only member there is. */
export const isContinue = (expect = '') =>
  expect.split(',').every(member => member.trim().toLowerCase() === '100-continue')

/**
 * Node says `100 Continue` before anyone is asked. Here the client is told when somebody wants the body: rules mounted in
 * the app have passed the request by then. Where nobody does, the client will not send it, and the connection can't go on.
 */
export function continueWhenRead(req: Request, res: Response, continues: Continues): void {
  continues.awaitsContinue = true
  const http1 = isHttp2Response(res) ? undefined : res
  const wasKept = http1?.shouldKeepAlive ?? false
  if (http1) http1.shouldKeepAlive = false
  const onListener = (event: string | symbol) => {
    if (event === 'data' || event === 'readable') onRead()
  }
  function onRead(): void {
    req.off('newListener', onListener).off('resume', onRead)
    continues.awaitsContinue = false
    if (res.headersSent || res.writableEnded || res.destroyed) return
    if (http1) http1.shouldKeepAlive = wasKept
    res.writeContinue()
  }
  req.on('newListener', onListener).on('resume', onRead)
}
