import { ServerResponse, STATUS_CODES } from 'node:http'
import { isHttp2Response, type Request, type Response } from '../request/http-types.ts'
import { forbidStoring, sealCaching } from './caching.ts'
import { clearContent, endWith } from './content.ts'

/** A user's own answer instead of the plain one. `res.statusCode` is set before the call. */
export type Handler = (req: Request, res: Response) => unknown

/**
 * Sends a status with a plain body, or with none, and forbids caches to store it.
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
 * Ends a response whose head is set, and forbids caches to store it.
 *
 * @returns the length of the body in bytes
 */
export function finish(res: Response, body: string): number {
  if (isPlain(res)) forbidStoring(res)
  else sealCaching(res)
  return endWith(res, body)
}

/** Whether a response has no hooks, as most have none. Sealing adds own properties to a response, which makes it slow. */
function isPlain(res: Response): boolean {
  const { writeHead, end } = ServerResponse.prototype
  return res.writeHead === writeHead && res.end === end
}

/** The plain body of a status: its name and a line end. */
export function plainBody(status: number): string {
  return `${STATUS_CODES[status] ?? status}\n`
}
