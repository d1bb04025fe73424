import type { Response } from '../request/http-types.ts'

/** What of a text a response may carry. */
export interface Content {
  /** The value of Content-Length; undefined where the field itself is forbidden. */
  readonly length: number | undefined
  readonly body: string
}

/**
 * RFC 9110 6.4.1, 8.6: a response to HEAD has the length of the body that it lacks, 205 has a length of 0, and 204, 304 and
 * a 2xx to CONNECT have neither. Node throws where a server with `rejectNonStandardBodyWrites` writes such a body.
 */
export function contentFor(method: string | undefined, status: number, text: string): Content {
  const isTunnel = method === 'CONNECT' && status < 300
  if (status === 204 || status === 304 || isTunnel) return { length: undefined, body: '' }
  if (status === 205) return { length: 0, body: '' }
  return { length: Buffer.byteLength(text), body: method === 'HEAD' ? '' : text }
}

/** Of another body than the one that will be sent. `Trailer` without chunks is an error of Node's. */
const ofContent =
  /^(?:content-(?!security-policy)|(?:etag|last-modified|accept-ranges|trailer|transfer-encoding)$)/

/** Takes away what other middleware has said of a body. */
export function clearContent(res: Response): void {
  for (const name of res.getHeaderNames()) if (ofContent.test(name)) res.removeHeader(name)
}

/** Ends a response with what its status and method allow of a text. Returns how much that is. */
export function endWith(res: Response, text: string): number {
  const { length, body } = contentFor(res.req?.method, res.statusCode, text)
  if (length !== undefined) {
    // An app's page writes the name in its own way.
    if (Number(res.getHeader('Content-Length') ?? -1) !== length) res.setHeader('Content-Length', length)
  } else {
    // Without both Node adds neither.
    res.removeHeader('Content-Length')
    res.removeHeader('Transfer-Encoding')
    res.removeHeader('Content-Type')
  }
  if (body === '') res.end()
  else res.end(body)
  return Buffer.byteLength(body)
}

/** Has what a user's handler writes in answer to HEAD come to nothing, as Node has it by default. */
export function ignoreBody(res: Response): void {
  const { end } = res as { end(callback?: () => void): unknown }
  const last = (args: unknown[]) => args.find(arg => typeof arg === 'function') as (() => void) | undefined
  own(res, 'write', (...args) => {
    const done = last(args)
    if (done) process.nextTick(done)
    return true
  })
  own(res, 'end', (...args) => end.call(res, last(args)))
}

/** Shadows a method of one response. */
export function own(res: Response, name: string, value: (...args: unknown[]) => unknown): void {
  Object.defineProperty(res, name, { value, configurable: true, writable: true })
}
