import type { Break } from '../break.ts'

const printable = ['log/printable.test.ts']
const files = ['log/file-log.test.ts']

/** What gets into a log, and what becomes of it when it can't be written. */
export const logs: readonly Break[] = [
  {
    name: 'logs: JSON has the control characters that JSON.stringify leaves',
    file: 'log/log-formats.ts',
    find: 'return printableJson(JSON.stringify({ ...event,',
    replace: 'return (JSON.stringify({ ...event,',
    tests: printable,
  },
  {
    name: 'logs: the message of a logger is as the client wrote it',
    file: 'log/logger-sink.ts',
    find: 'return escapeText(`',
    replace: 'return (`',
    tests: printable,
  },
  {
    name: 'logs: the fields of a logger are as the client wrote them',
    file: 'log/logger-sink.ts',
    find: "typeof value === 'string' ? printable(value) : value",
    replace: 'value',
    tests: printable,
  },
  {
    name: 'logs: winston takes a part of an address for a place for its fields',
    file: 'log/logger-sink.ts',
    find: 'placeholder.test(line) ? log({ ...fields, message: line }) : log(line, fields)',
    replace: 'log(line, fields)',
    tests: printable,
  },
  {
    name: 'logs: C1 is printable',
    file: 'diagnostics/printable.ts',
    find: '\\x7f-\\x9f',
    replace: '\\x7f',
    tests: printable,
  },
  {
    name: 'logs: a warning quotes a client as it is',
    file: 'diagnostics/warnings.ts',
    find: 'printableCut(message, MAX_WARNING)',
    replace: 'message',
    tests: printable,
  },
  {
    name: 'logs: DEBUG shows what a client wrote',
    file: 'diagnostics/debug.ts',
    find: "typeof value === 'string' ? printable(value) : value",
    replace: 'value',
    tests: printable,
  },
  {
    name: 'logs: a file that has failed stays silent',
    file: 'log/stream-sink.ts',
    find: '    if (this.#hasFailed && !this.#isOpen()) this.#reopen()\n',
    replace: '',
    tests: files,
  },
  {
    name: 'logs: that a file can not be opened is swallowed at start',
    file: 'log/stream-sink.ts',
    find: 'this.#reopener?.onFailed()\n    this.#fail(error)\n',
    replace: 'this.#reopener?.onFailed()\n',
    tests: files,
  },
  {
    name: 'logs: a file that its owner has ended is opened anew',
    file: 'log/stream-sink.ts',
    find: 'if (this.#hasFailed && !this.#isOpen()) this.#reopen()',
    replace:
      'if (!this.#isOpen()) {\n      if (!this.#hasFailed) this.#reopener?.onFailed()\n      this.#hasFailed = true\n      this.#reopen()\n    }',
    tests: files,
  },
  {
    name: 'logs: a line that had no room whole is joined with the next one',
    file: 'log/whole-lines.ts',
    find: 'this.#isTorn && this.#isFirst ?',
    replace: 'this.#isTorn && !this.#isFirst ?',
    tests: files,
  },
  {
    name: 'logs: standard output goes on within a line that had no room whole',
    file: 'log/whole-lines.ts',
    find: 'if (!this.#isFile || bytesOf(stream) > this.#wholeAt)',
    replace: 'if (this.#isFile && bytesOf(stream) > this.#wholeAt)',
    tests: files,
  },
  {
    name: 'logs: lines that are in the file are counted as lost',
    file: 'log/stream-sink.ts',
    find: 'if (error && !this.#lines.isWhole(this.#stream, size)) {',
    replace: 'if (error) {',
    tests: files,
  },
  {
    name: 'logs: a FIFO without a reader is opened, and waited for',
    file: 'log/file-stream.ts',
    find: 'mayOpen = error !== null || !stats.isFIFO()',
    replace: 'mayOpen = true || stats',
    tests: files,
  },
  {
    name: 'logs: the end of a log does not wait for its lines',
    file: 'log/stream-sink.ts',
    find: 'if (this.#pending > 0 && this.#isOpen() && typeof',
    replace: 'if (this.#pending < 0 && this.#isOpen() && typeof',
    tests: files,
  },
  {
    name: 'logs: the end of a log waits for a stream that takes nothing',
    file: 'log/stream-sink.ts',
    find: 'setTimeout(resolve, PATIENCE)',
    replace: 'setTimeout(resolve, 600 * PATIENCE)',
    tests: files,
  },
  {
    name: 'logs: in JSON the number of lost lines is none',
    file: 'log/log-formats.ts',
    find: "return format === 'json'\n    ? count",
    replace: "return format === 'rule'\n    ? count",
    tests: files,
  },
]
