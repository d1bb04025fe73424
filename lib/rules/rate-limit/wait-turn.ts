import { isHttp2, type Request, type Response } from '../../request/http-types.ts'

/** The longest timeout of a Node timer, in milliseconds. A longer one fires at once. */
const MAX_TIMER = 2 ** 31 - 1

/** Resolves after `delay` milliseconds; never if the client has left by then. */
export function waitTurn(req: Request, res: Response, delay: number): Promise<undefined> {
  return new Promise(resolve => {
    const timer = setTimeout(
      () => {
        res.off('close', forget)
        if (!isGone(req)) resolve(undefined)
      },
      Math.min(delay, MAX_TIMER),
    ).unref()
    const forget = () => clearTimeout(timer)
    res.once('close', forget)
  })
}

function isGone(req: Request): boolean {
  return isHttp2(req) ? req.stream.destroyed : req.socket.destroyed
}
