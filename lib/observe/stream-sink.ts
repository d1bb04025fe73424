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
    // There is no 'drain' where the stream itself never said that it is full.
    else if (unsaid > 0 && stream.writableLength === 0) say()
  }

  function isOpen(): boolean {
    return !stream.destroyed && !stream.writableEnded && stream.writable !== false
  }

  /** A stream that does not tell its length in bytes is believed when it says that it is full. */
  function hasRoom(): boolean {
    const tells = typeof stream.writableLength === 'number' && !stream.writableObjectMode
    return tells ? stream.writableLength < maxBuffer : !blocked
  }

  /** False where the stream throws instead of failing. */
  function tryWrite(text: string, done: (error?: Error | null) => void): boolean {
    try {
      blocked = !stream.write(text, done)
      return true
    } catch {
      return false
    }
  }

  function say(): void {
    blocked = false
    if (unsaid === 0 || !isOpen()) return
    const said = unsaid
    unsaid = 0
    const isSaid = tryWrite(`# drop444: ${said} lines lost\n`, error => {
      if (error) unsaid += said
    })
    if (!isSaid) unsaid += said
  }

  function write(line: string): void {
    if (!isOpen() || !hasRoom()) return lose()
    if (unsaid > 0) say()
    if (!tryWrite(`${line}\n`, onWritten)) lose()
  }

  stream.on('drain', say)
  // Stays when we leave: what is still buffered may fail later, and must not end the process then.
  if (!stream.listeners?.('error').includes(ignoreError)) stream.on('error', ignoreError)

  return {
    write,
    close() {
      stream.off?.('drain', say)
      if (unsaid > 0) warn('DROP444_LOG_LOST', `${unsaid} log lines were lost, ${lost} in all`)
    },
    get lost() {
      return lost
    },
  }
}
