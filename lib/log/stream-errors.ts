import type { Writable } from 'node:stream'

type OnError = (error: unknown) => void

/** By stream, who is told of its errors. */
const known = new WeakMap<object, Set<OnError>>()

/**
 * Calls `onError` with each error of a stream until the returned function is called. The listener itself stays: what is still
 * buffered may fail later, and must not end the process then.
 */
export function hearErrors(stream: Writable, onError: OnError): () => void {
  const told = known.get(stream) ?? new Set<OnError>()
  if (!known.has(stream)) {
    known.set(stream, told)
    stream.on('error', error => {
      for (const tell of told) tell(error)
    })
  }
  told.add(onError)
  return () => void told.delete(onError)
}
