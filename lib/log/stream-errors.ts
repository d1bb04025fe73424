import type { Writable } from 'node:stream'

type OnError = (error: unknown) => void

/** The listeners of each stream's errors. */
const known = new WeakMap<object, Set<OnError>>()

/**
 * Calls `onError` with each error of a stream until the returned function is called. One listener stays on the stream for ever:
 * lines that are still buffered may fail later, and an unhandled error would end the process.
 */
export function hearErrors(stream: Writable, onError: OnError): () => void {
  const listeners = known.get(stream) ?? new Set<OnError>()
  if (!known.has(stream)) {
    known.set(stream, listeners)
    stream.on('error', error => {
      for (const listener of listeners) listener(error)
    })
  }
  listeners.add(onError)
  return () => void listeners.delete(onError)
}
