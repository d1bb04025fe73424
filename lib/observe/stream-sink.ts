import type { Writable } from 'node:stream'
import { warn } from '../warnings.ts'

/** Where lines go, and how many did not. */
export interface Sink {
  write(line: string): void
  /** Ends our part; the stream stays open. */
  close(): void
  readonly lost: number
}

function ignoreError(): void {}

/**
 * Writes lines to a stream that may be slow or break. What it has not taken yet is bounded; beyond that lines are lost,
 * counted, and the count is said: in the log itself as soon as the stream takes lines again, else by a process warning.
 */
export function streamSink(stream: Writable, maxBuffer: number): Sink {
  let lost = 0
  let unsaid = 0
  let blocked = false
  let alarmed = false

  function lose(): void {
    lost++
    unsaid++
    if (alarmed) return
    alarmed = true
    warn('DROP444_LOG_LOST', 'the log stream does not take its lines: they are lost, and counted')
  }

  function onWritten(error?: Error | null): void {
    if (error) lose()
  }

  function isOpen(): boolean {
    return !stream.destroyed && !stream.writableEnded && stream.writable !== false
  }

  /** A stream that does not tell its length is believed when it says that it is full. */
  function hasRoom(): boolean {
    return typeof stream.writableLength === 'number' ? stream.writableLength < maxBuffer : !blocked
  }

  function say(): void {
    blocked = false
    if (unsaid === 0 || !isOpen()) return
    const said = unsaid
    unsaid = 0
    stream.write(`# drop444: ${said} lines lost\n`, error => {
      if (error) unsaid += said
    })
  }

  function write(line: string): void {
    if (!isOpen() || !hasRoom()) return lose()
    // There is no 'drain' where the stream itself never said that it is full.
    if (unsaid > 0) say()
    blocked = !stream.write(`${line}\n`, onWritten)
  }

  stream.on('drain', say)
  // Stays when we leave: what is still buffered may fail later, and must not end the process then.
  if (!stream.listeners('error').includes(ignoreError)) stream.on('error', ignoreError)

  return {
    write,
    close() {
      stream.off('drain', say)
      if (unsaid > 0) warn('DROP444_LOG_LOST', `${unsaid} log lines were lost, ${lost} in all`)
    },
    get lost() {
      return lost
    },
  }
}
