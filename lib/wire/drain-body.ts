import type { IncomingMessage } from 'node:http'

/** Bytes of an unwanted body that are read for the sake of the connection: more than 1 MB a stock nginx passes to nobody. */
const MAX_BYTES = 1_048_576

/** How long the rest of it may take, in milliseconds (nginx: `lingering_timeout`). */
const MAX_TIME = 2_000

/** A client that was not told to go on may never send its body, and the next request can't be told from it. */
const isUncertain = ({ headers, complete }: IncomingMessage) => !complete && headers.expect !== undefined

/**
 * Reads the body of a request that nobody wants and throws it away, so that the next request on the connection is not
 * mistaken for it. Calls back once: at once where it is pointless.
 *
 * @param isLost no more of it will come
 * @param done told whether it was read to its end
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
