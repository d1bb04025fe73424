import { STATUS_CODES } from 'node:http'
import { isHttp2Response, type Request, type Response } from '../http-types.ts'

/** A user's own answer in place of the plain one. `res.statusCode` is set already. */
export type Handler = (req: Request, res: Response) => unknown

/**
 * Sends a status with a plain body, or with none.
 *
 * @returns the length of the body in bytes
 */
export function respond(res: Response, status: number, body: string): number {
  res.statusCode = status
  if (!isHttp2Response(res)) res.statusMessage = STATUS_CODES[status] ?? ''
  if (body !== '') res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.setHeader('Content-Length', body.length)
  res.end(body)
  return res.req?.method === 'HEAD' ? 0 : body.length
}

/** The plain body of a status: its name. */
export function plainBody(status: number): string {
  return `${STATUS_CODES[status] ?? status}\n`
}
