import type { IncomingMessage } from 'node:http'

/** The most bytes of an unwanted body that are read to keep the connection. nginx by default passes on no more than 1 MB. */
const MAX_BYTES = 1_048_576

/** How long reading the rest of a body may take, in milliseconds (nginx: `lingering_timeout`). */
const MAX_TIME = 2_000

/** Without `100 Continue` a client may send its body or not, and a body can't be distinguished from the next request. */
const isUncertain = ({ headers, complete }: IncomingMessage) => !complete && headers.expect !== undefined

/**
 * Reads and discards an unwanted body, so that the next request on the connection is not mistaken for it. Calls `done` once;
 * at once if reading is pointless.
 *
 * @param isLost no more of the body will come
 * @param done called with whether the body was read to its end
 */
export function drainBody(req: IncomingMessage, isLost: boolean, done: (isWhole: boolean) => void): void {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (isLost || announced > MAX_BYTES || isUncertain(req) || req.destroyed) return done(false)
  let bytes = 0
  const timer = setTimeout(stop, MAX_TIME, false).unref()

  function stop(isWhole: boolean): void {
    clearTimeout(timer)
    req.off('data', count).off('end', whole).off('close', whole)
    done(isWhole)
  }

  function whole(): void {
    stop(req.complete)
  }

  function count(chunk: Buffer | string): void {
    bytes += chunk.length
    if (bytes > MAX_BYTES) stop(false)
  }

  req.on('data', count).on('end', whole).on('close', whole)
  req.resume()
}
