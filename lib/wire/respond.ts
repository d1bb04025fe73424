import { ServerResponse, STATUS_CODES } from 'node:http'
import { isHttp2Response, type Request, type Response } from '../request/http-types.ts'
import { forbidStoring, sealCaching } from './caching.ts'
import { clearContent, endWith } from './content.ts'

/** A user's own answer in place of the plain one. `res.statusCode` is set already. */
export type Handler = (req: Request, res: Response) => unknown

/**
 * Sends a status with a plain body, or with none. No cache may keep it.
 *
 * @returns the length of the body in bytes
 */
export function respond(res: Response, status: number, body: string): number {
  clearContent(res)
  res.statusCode = status
  if (!isHttp2Response(res)) res.statusMessage = STATUS_CODES[status] ?? ''
  if (body !== '') res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  return finish(res, body)
}

/**
 * Ends a response whose head is set: no cache may keep it.
 *
 * @returns the length of the body in bytes
 */
export function finish(res: Response, body: string): number {
  if (isPlain(res)) forbidStoring(res)
  else sealCaching(res)
  return endWith(res, body)
}

/** Whether nobody has a word in between: most have no hooks, and a property of its own makes a response slow. */
function isPlain(res: Response): boolean {
  const { writeHead, end } = ServerResponse.prototype
  return res.writeHead === writeHead && res.end === end
}

/** The plain body of a status: its name. */
export function plainBody(status: number): string {
  return `${STATUS_CODES[status] ?? status}\n`
}
