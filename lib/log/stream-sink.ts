import type { Writable } from 'node:stream'
import { messageOf } from '../diagnostics/thrown.ts'
import { warn } from '../diagnostics/warnings.ts'
import { type Reopener, reopenerOf } from './file-stream.ts'
import { hearErrors } from './stream-errors.ts'
import { WholeLines } from './whole-lines.ts'

/** Takes lines, and counts those that were lost. */
export interface Sink {
  write(line: string): void
  /** Stops writing; the given stream stays open. Resolves when it has taken its lines, has failed, or takes none for a second. */
  close(): Promise<void>
  readonly lost: number
}

/** `size`: see {@link WholeLines.next}. */
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
 */
export class StreamSink implements Sink {
  lost = 0
  readonly #given: Writable
  readonly #maxBuffer: number
  readonly #lostLine: (count: number) => string
  readonly #reopener: Reopener | undefined
  #stream: Writable
  #stopHearing: () => void
  /** Lost lines that the log does not mention yet. */
  #unsaid = 0
  /** Writes whose callback has not been called. */
  #pending = 0
  #blocked = false
  #hasFailed = false
  #isWarned = false
  #warnedAt = 0
  readonly #lines: WholeLines
  #onIdle = () => {}

  /** @param lostLine writes the line of the log that says how many lines are missing */
  constructor(given: Writable, maxBuffer: number, lostLine: (count: number) => string) {
    this.#given = given
    this.#maxBuffer = maxBuffer
    this.#lostLine = lostLine
    this.#reopener = reopenerOf(given)
    this.#lines = new WholeLines(this.#reopener !== undefined)
    this.#stream = given
    this.#stopHearing = this.#listen(given)
    if (given.errored) this.#onFailed(given.errored)
  }

  /** Listens to a stream. Returns the function that ends this. */
  #listen(to: Writable): () => void {
    to.on('drain', this.#say)
    const stop = hearErrors(to, this.#onFailed)
    return () => {
      to.off?.('drain', this.#say)
      stop()
    }
  }

  #alarm(why: string): void {
    if (this.#isWarned) return
    this.#isWarned = true
    this.#warnedAt = performance.now()
    const until = this.#reopener && this.#hasFailed ? ', until the file can be written' : ''
    warn('DROP444_LOG_LOST', `the log stream ${why}: its lines are lost, and counted${until}`)
  }

  #lose(why: string): void {
    this.lost++
    this.#unsaid++
    this.#alarm(why)
  }

  /** A failure is warned of even if the same stream was warned of as slow before. */
  #fail(error: unknown): void {
    if (isDestroyed(error)) return this.#alarm('was destroyed')
    if (!this.#hasFailed) this.#isWarned = false
    this.#hasFailed = true
    this.#lines.failed(this.#stream)
    this.#alarm(`failed (${messageOf(error)})`)
  }

  readonly #onFailed = (error: unknown): void => {
    if (!isDestroyed(error)) this.#reopener?.onFailed()
    this.#fail(error)
  }

  #onWorking(): void {
    this.#lines.worked(this.#stream)
    if (this.#hasFailed && performance.now() - this.#warnedAt > WARN_AGAIN) {
      this.#hasFailed = false
      this.#isWarned = false
    }
  }

  readonly #onWritten = (error: Error | null | undefined, size: number): void => {
    this.#pending--
    if (error && !this.#lines.isWhole(this.#stream, size)) {
      this.#fail(error)
      this.#lose('failed')
    } else if (!error) {
      this.#onWorking()
      // A stream that never reported to be full emits no 'drain'.
      if (this.#unsaid > 0 && this.#stream.writableLength === 0) this.#say()
    }
    if (this.#pending === 0) this.#onIdle()
  }

  #isOpen(): boolean {
    return (
      !this.#stream.destroyed &&
      !this.#stream.writableEnded &&
      this.#stream.writable !== false &&
      !this.#stream.errored
    )
  }

  #reopen(): void {
    const next = this.#reopener?.open()
    if (!next) return
    this.#stopHearing()
    this.#stopHearing = this.#listen(next)
    this.#stream = next
    this.#blocked = false
    this.#lines.begin()
  }

  /** Whether the stream has room. If its length in bytes is unknown, the result of its last `write` decides. */
  #hasRoom(): boolean {
    const hasLength = typeof this.#stream.writableLength === 'number' && !this.#stream.writableObjectMode
    return hasLength ? this.#stream.writableLength < this.#maxBuffer : !this.#blocked
  }

  /** False if `write` itself threw. */
  #tryWrite(line: string, done: Written): boolean {
    const { text, size } = this.#lines.next(line)
    try {
      this.#pending++
      this.#blocked = !this.#stream.write(text, error => done(error, size))
      return true
    } catch {
      this.#pending--
      return false
    }
  }

  readonly #say = (): void => {
    this.#blocked = false
    if (this.#unsaid === 0 || !this.#isOpen()) return
    const said = this.#unsaid
    this.#unsaid = 0
    const isSaid = this.#tryWrite(this.#lostLine(said), (error, size) => {
      if (error && !this.#lines.isWhole(this.#stream, size)) this.#unsaid += said
      this.#pending--
      if (this.#pending === 0) this.#onIdle()
    })
    if (!isSaid) this.#unsaid += said
  }

  write(line: string): void {
    if (this.#hasFailed && !this.#isOpen()) this.#reopen()
    if (!this.#isOpen()) return this.#lose('has ended')
    if (!this.#hasRoom()) return this.#lose('is full')
    if (this.#unsaid > 0) this.#say()
    if (!this.#tryWrite(line, this.#onWritten)) this.#lose('throws')
  }

  #finish(): void {
    this.#onIdle = () => {}
    this.#stopHearing()
    if (this.#stream !== this.#given) this.#stream.end()
    if (this.#unsaid > 0) warn('DROP444_LOG_LOST', `${this.#unsaid} log lines were lost, ${this.lost} in all`)
  }

  async close(): Promise<void> {
    // A stream without `writableLength` may never call back, so it is not waited for.
    if (this.#pending > 0 && this.#isOpen() && typeof this.#stream.writableLength === 'number') {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, PATIENCE)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#finish()
  }
}
