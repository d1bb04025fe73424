import type { Writable } from 'node:stream'
import { messageOf } from '../diagnostics/thrown.ts'
import { warn } from '../diagnostics/warnings.ts'
import { bytesOf, reopenerOf } from './file-stream.ts'
import { hearErrors } from './stream-errors.ts'

/** Where lines go, and how many did not. */
export interface Sink {
  write(line: string): void
  /** Ends our part; the stream that was given stays open. Resolves when it has taken its lines, or failed, or takes none. */
  close(): Promise<void>
  readonly lost: number
}

/** `size` in bytes, of a line in a file; else 0. */
type Written = (error: Error | null | undefined, size: number) => void

/** How long `close` waits for a stream that takes nothing, in milliseconds. */
const PATIENCE = 1_000
/** A stream that works again, and fails again, is warned of no more often than this, in milliseconds. */
const WARN_AGAIN = 60_000

/** What a write meets that was under way when the owner of the stream destroyed it: no failure of the file. */
function isDestroyed(error: unknown): boolean {
  try {
    return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_STREAM_DESTROYED'
  } catch {
    return false
  }
}

/**
 * Writes lines to a stream that may be slow or break. What it has not taken yet is bounded; beyond that lines are lost,
 * counted, and the count is said: in the log itself as soon as the stream takes lines again, else by a process warning.
 * The file of a stream that has failed is opened anew.
 *
 * @param lostLine what the log itself says of so many lines that are missing
 */
export function streamSink(given: Writable, maxBuffer: number, lostLine: (count: number) => string): Sink {
  const reopener = reopenerOf(given)
  let stream = given
  let stopHearing = listen(given)
  let lost = 0
  let unsaid = 0
  /** Writes that have not been called back. */
  let pending = 0
  let blocked = false
  let hasFailed = false
  let isWarned = false
  let warnedAt = 0
  /** Bytes of the file when its last line was whole. */
  let wholeAt = 0
  /** The log may end within a line, and nothing was written since. */
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

  /** Is warned of also where the stream was slow before. */
  function fail(error: unknown): void {
    if (isDestroyed(error)) return alarm('was destroyed')
    if (!hasFailed) isWarned = false
    hasFailed = true
    isFirst = true
    // How much of a line standard output has taken is not known.
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

  /** Of lines that are written together one may fail the others: a line that is whole in the file is not lost. */
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
      // There is no 'drain' where the stream itself never said that it is full.
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

  /** A stream that does not tell its length in bytes is believed when it says that it is full. */
  function hasRoom(): boolean {
    const tells = typeof stream.writableLength === 'number' && !stream.writableObjectMode
    return tells ? stream.writableLength < maxBuffer : !blocked
  }

  /** False where the stream throws instead of failing. */
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
    // A stream without `writableLength` may never call back: it is not waited for.
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
