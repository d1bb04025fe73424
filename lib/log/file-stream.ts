import type { WriteStream } from 'node:fs'
import type { Writable } from 'node:stream'

/** Loaded on use: most logs are not written to a file of ours. */
const fs = () => process.getBuiltinModule('node:fs')

/** Milliseconds between two attempts to open a file anew. */
const RETRY = 1_000

/** Opens the file of a failed stream anew: a full disk may have room again, a missing folder may exist by now. */
export interface Reopener {
  /** To be called when the stream has failed. */
  onFailed(): void
  /** A new stream that appends to the file; undefined if it is too early for another attempt, or the file is a FIFO. */
  open(): Writable | undefined
}

/** Undefined if the stream does not write to a file with a name. */
export function reopenerOf(stream: Writable): Reopener | undefined {
  if (!(stream instanceof fs().WriteStream) || !stream.path) return undefined
  const { path, mode = 0o666 } = stream as WriteStream & { mode?: number }
  let mayOpen = false
  let triedAt = 0
  return {
    onFailed() {
      triedAt = performance.now()
      // Opening a FIFO waits for its reader, and blocks one of Node's few threads meanwhile.
      fs().stat(path, (error, stats) => {
        mayOpen = error !== null || !stats.isFIFO()
      })
    },
    open() {
      if (!mayOpen || performance.now() - triedAt < RETRY) return undefined
      triedAt = performance.now()
      // Appends whatever the flags were at first, so that the file keeps its content.
      return fs().createWriteStream(path, { flags: 'a', mode })
    },
  }
}

/** The bytes of a stream that have reached its file. */
export const bytesOf = (stream: Writable) => (stream as WriteStream).bytesWritten
