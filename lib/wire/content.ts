import type { Response } from '../request/http-types.ts'

/** The part of a text that a response may carry. */
export interface Content {
  /** The value of Content-Length; undefined where the field itself is forbidden. */
  readonly length: number | undefined
  readonly body: string
}

/**
 * RFC 9110 6.4.1, 8.6: a response to HEAD has the Content-Length of the body that it lacks; 205 has a length of 0; 204, 304 and
 * a 2xx to CONNECT have neither length nor body. With `rejectNonStandardBodyWrites` Node throws if such a body is written.
 */
export function contentFor(method: string | undefined, status: number, text: string): Content {
  const isTunnel = method === 'CONNECT' && status < 300
  if (status === 204 || status === 304 || isTunnel) return { length: undefined, body: '' }
  if (status === 205) return { length: 0, body: '' }
  return { length: Buffer.byteLength(text), body: method === 'HEAD' ? '' : text }
}

/** The fields that describe a body. They would describe another one than the one sent; `Trailer` without chunks makes Node throw. */
const ofContent =
  /^(?:content-(?!security-policy)|(?:etag|last-modified|accept-ranges|trailer|transfer-encoding)$)/

/** Removes fields about a body that other middleware has set. */
export function clearContent(res: Response): void {
  for (const name of res.getHeaderNames()) if (ofContent.test(name)) res.removeHeader(name)
}

/** Ends a response with the part of a text that its status and method allow. Returns the bytes of that part. */
export function endWith(res: Response, text: string): number {
  const { length, body } = contentFor(res.req?.method, res.statusCode, text)
  if (length !== undefined) {
    // A correct length is left alone: the app may write the name of the field in another case.
    if (Number(res.getHeader('Content-Length') ?? -1) !== length) res.setHeader('Content-Length', length)
  } else {
    // If both are removed Node adds neither of them again.
    res.removeHeader('Content-Length')
    res.removeHeader('Transfer-Encoding')
    res.removeHeader('Content-Type')
  }
  if (body === '') res.end()
  else res.end(body)
  return Buffer.byteLength(body)
}

/** Discards the body that a user's handler writes in answer to HEAD, as Node does by default. */
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
