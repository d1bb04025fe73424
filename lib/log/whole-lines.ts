import type { Writable } from 'node:stream'
import { bytesOf } from './file-stream.ts'

/** Knows whether a log that failed ends with a whole line. Only a file tells how much it has taken; standard output does not. */
export class WholeLines {
  readonly #isFile: boolean
  /** Bytes written to the file up to the end of its last whole line. */
  #wholeAt = 0
  /** The log may end in the middle of a line. */
  #isTorn = false
  /** No line was written since the last failure. */
  #isFirst = false

  constructor(isFile: boolean) {
    this.#isFile = isFile
  }

  /** A new file begins. */
  begin(): void {
    this.#wholeAt = 0
  }

  /** A line as it is to be written, and its bytes in a file, 0 for other streams. Behind half a line it begins a new one. */
  next(line: string): { text: string; size: number } {
    const text = this.#isTorn && this.#isFirst ? `\n${line}\n` : `${line}\n`
    this.#isFirst = false
    return { text, size: this.#isFile ? Buffer.byteLength(text) : 0 }
  }

  /** A write succeeded. */
  worked(stream: Writable): void {
    if (this.#isFile) this.#wholeAt = bytesOf(stream)
    this.#isTorn = false
  }

  /** The stream failed. */
  failed(stream: Writable): void {
    this.#isFirst = true
    if (!this.#isFile || bytesOf(stream) > this.#wholeAt) this.#isTorn = true
  }

  /** Whether a line whose write failed is whole in the file. Lines written together all fail with the one that failed. */
  isWhole(stream: Writable, size: number): boolean {
    if (size === 0 || bytesOf(stream) - this.#wholeAt < size) return false
    this.#wholeAt += size
    return true
  }
}
