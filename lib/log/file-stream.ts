import type { WriteStream } from 'node:fs'
import type { Writable } from 'node:stream'

/** Not imported: most logs are written elsewhere. */
const fs = () => process.getBuiltinModule('node:fs')

/** Milliseconds between two attempts to open a file anew. */
const RETRY = 1_000

/** Opens the file of a stream anew that has failed: a full disk may have room again, a folder be there by now. */
export interface Reopener {
  /** The stream has failed. */
  onFailed(): void
  /** A new stream to the end of the file; undefined where it is not time for that yet. */
  open(): Writable | undefined
}

/** Undefined for what is no stream to a file with a name. */
export function reopenerOf(stream: Writable): Reopener | undefined {
  if (!(stream instanceof fs().WriteStream) || !stream.path) return undefined
  const { path, mode = 0o666 } = stream as WriteStream & { mode?: number }
  let mayOpen = false
  let triedAt = 0
  return {
    onFailed() {
      triedAt = performance.now()
      // To open a FIFO is to wait for its reader, and meanwhile for one of Node's few threads.
      fs().stat(path, (error, stats) => {
        mayOpen = error !== null || !stats.isFIFO()
      })
    },
    open() {
      if (!mayOpen || performance.now() - triedAt < RETRY) return undefined
      triedAt = performance.now()
      // Whatever flags it was opened with: what stands in the file stays.
      return fs().createWriteStream(path, { flags: 'a', mode })
    },
  }
}

/** Bytes of a stream that have reached its file. */
export const bytesOf = (stream: Writable) => (stream as WriteStream).bytesWritten
