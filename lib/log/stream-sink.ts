import type { Writable } from 'node:stream'
import { messageOf } from '../diagnostics/thrown.ts'
import { warn } from '../diagnostics/warnings.ts'
import { bytesOf, reopenerOf } from './file-stream.ts'
import { hearErrors } from './stream-errors.ts'

/** Takes lines, and counts those that were lost. */
export interface Sink {
  write(line: string): void
  /** Stops writing; the given stream stays open. Resolves when it has taken its lines, has failed, or takes none for a second. */
  close(): Promise<void>
  readonly lost: number
}

/** `size`: the bytes of a line in a file; 0 for other streams. */
type Written = (error: Error | null | undefined, size: number) => void

/** How long `close` waits for a stream that takes nothing, in milliseconds. */
const PATIENCE = 1_000
/** The least time between two warnings about a stream that fails, works and fails again, in milliseconds. */
const WARN_AGAIN = 60_000

/** Whether a write failed because the owner destroyed the stream meanwhile. That is no failure of the file. */
function isDestroyed(error: unknown): boolean {
  try {
    return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_STREAM_DESTROYED'
  } catch {
    return false
  }
}

/**
 * Writes lines to a stream that may be slow or break. At most `maxBuffer` bytes wait in the stream; further lines are lost and
 * counted. The count is written to the log itself as soon as the stream takes lines again, else into a process warning. The file
 * of a failed stream is opened anew.
 *
 * @param lostLine writes the line of the log that says how many lines are missing
 */
export function streamSink(given: Writable, maxBuffer: number, lostLine: (count: number) => string): Sink {
  const reopener = reopenerOf(given)
  let stream = given
  let stopHearing = listen(given)
  let lost = 0
  let unsaid = 0
  /** Writes whose callback has not been called. */
  let pending = 0
  let blocked = false
  let hasFailed = false
  let isWarned = false
  let warnedAt = 0
  /** Bytes written to the file up to the end of its last whole line. */
  let wholeAt = 0
  /** The log may end in the middle of a line. */
  let isTorn = false
  let isFirst = false
  let onIdle = () => {}

  function listen(to: Writable): () => void {
    to.on('drain', say)
    const stop = hearErrors(to, onFailed)
    return () => {
      to.off?.('drain', say)
      stop()
    }
  }

  function alarm(why: string): void {
    if (isWarned) return
    isWarned = true
    warnedAt = performance.now()
    const until = reopener && hasFailed ? ', until the file can be written' : ''
    warn('DROP444_LOG_LOST', `the log stream ${why}: its lines are lost, and counted${until}`)
  }

  function lose(why: string): void {
    lost++
    unsaid++
    alarm(why)
  }

  /** A failure is warned of even if the same stream was warned of as slow before. */
  function fail(error: unknown): void {
    if (isDestroyed(error)) return alarm('was destroyed')
    if (!hasFailed) isWarned = false
    hasFailed = true
    isFirst = true
    // Only a file tells how much of a line it has taken; standard output does not.
    if (!reopener || bytesOf(stream) > wholeAt) isTorn = true
    alarm(`failed (${messageOf(error)})`)
  }

  function onFailed(error: unknown): void {
    if (!isDestroyed(error)) reopener?.onFailed()
    fail(error)
  }

  function onWorking(): void {
    if (reopener) wholeAt = bytesOf(stream)
    isTorn = false
    if (hasFailed && performance.now() - warnedAt > WARN_AGAIN) {
      hasFailed = false
      isWarned = false
    }
  }

  /** Whether a line whose write failed is whole in the file. Lines written together all fail with the one that failed. */
  function isWhole(size: number): boolean {
    if (size === 0 || bytesOf(stream) - wholeAt < size) return false
    wholeAt += size
    return true
  }

  function onWritten(error: Error | null | undefined, size: number): void {
    pending--
    if (error && !isWhole(size)) {
      fail(error)
      lose('failed')
    } else if (!error) {
      onWorking()
      // A stream that never reported to be full emits no 'drain'.
      if (unsaid > 0 && stream.writableLength === 0) say()
    }
    if (pending === 0) onIdle()
  }

  const isOpen = () =>
    !stream.destroyed && !stream.writableEnded && stream.writable !== false && !stream.errored

  function reopen(): void {
    const next = reopener?.open()
    if (!next) return
    stopHearing()
    stopHearing = listen(next)
    stream = next
    blocked = false
    wholeAt = 0
  }

  /** Whether the stream has room. If its length in bytes is unknown, the result of its last `write` decides. */
  function hasRoom(): boolean {
    const hasLength = typeof stream.writableLength === 'number' && !stream.writableObjectMode
    return hasLength ? stream.writableLength < maxBuffer : !blocked
  }

  /** False if `write` itself threw. */
  function tryWrite(line: string, done: Written): boolean {
    const text = isTorn && isFirst ? `\n${line}\n` : `${line}\n`
    const size = reopener ? Buffer.byteLength(text) : 0
    isFirst = false
    try {
      pending++
      blocked = !stream.write(text, error => done(error, size))
      return true
    } catch {
      pending--
      return false
    }
  }

  function say(): void {
    blocked = false
    if (unsaid === 0 || !isOpen()) return
    const said = unsaid
    unsaid = 0
    const isSaid = tryWrite(lostLine(said), (error, size) => {
      if (error && !isWhole(size)) unsaid += said
      pending--
      if (pending === 0) onIdle()
    })
    if (!isSaid) unsaid += said
  }

  function write(line: string): void {
    if (hasFailed && !isOpen()) reopen()
    if (!isOpen()) return lose('has ended')
    if (!hasRoom()) return lose('is full')
    if (unsaid > 0) say()
    if (!tryWrite(line, onWritten)) lose('throws')
  }

  function finish(): void {
    onIdle = () => {}
    stopHearing()
    if (stream !== given) stream.end()
    if (unsaid > 0) warn('DROP444_LOG_LOST', `${unsaid} log lines were lost, ${lost} in all`)
  }

  async function close(): Promise<void> {
    // A stream without `writableLength` may never call back, so it is not waited for.
    if (pending > 0 && isOpen() && typeof stream.writableLength === 'number') {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, PATIENCE)
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    finish()
  }

  if (given.errored) onFailed(given.errored)

  return {
    write,
    close,
    get lost() {
      return lost
    },
  }
}
