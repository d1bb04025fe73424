import { printable } from '../diagnostics/printable.ts'
import { reportError } from '../diagnostics/report-error.ts'
import { onRejection } from '../diagnostics/thenable.ts'
import type { DropEvent } from '../events/drop-event.ts'
import { escapeText } from './log-formats.ts'
import type { LeftOut } from './thin.ts'

/** The method of a logger that is called: `info`, or the one that the option `level` names. */
export type LogMethod = (...args: never[]) => unknown

/** A logger of pino's kind (`info(object, message)`), winston's (`info(message, object)`) or a console (`info(message)`). */
export interface Logger {
  /** Called with each line, unless the option `level` names another method. */
  info: LogMethod
}

/** `444 GET /wp-login.php pathAllowlist unlisted-path`, escaped like a line of the log. */
function summary(event: DropEvent): string {
  const request = event.requestLine === undefined ? `${event.method} ${event.url}` : event.requestLine || '-'
  return escapeText(`${event.status} ${request} ${event.rule} ${event.reason}`)
}

/** Puts `dry-run:` before the message of an event for which nothing was done. */
export function mark(event: DropEvent, message: string): string {
  return event.action === 'dry-run' ? `dry-run: ${message}` : message
}

/** The fields for a logger: without `time`, as a logger adds its own, and printable, as it may write them to a terminal. */
function fieldsOf(event: DropEvent | LeftOut): object {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(event)) {
    if (name !== 'time') fields[name] = typeof value === 'string' ? printable(value) : value
  }
  return fields
}

/** Passes events and left-out numbers to a logger. */
export interface LoggerSink {
  /** `line`: the formatted line, if the option `format` was given. */
  write(event: DropEvent, line: string | undefined): void
  say(leftOut: LeftOut, line: string): void
}

/** Makes a sink for a logger of any kind. */
export function loggerSink(logger: Logger, level: string): LoggerSink {
  const methods = logger as unknown as Record<string, (...args: unknown[]) => unknown>
  const log = handTo(logger, (...args) => {
    onRejection(methods[level]?.(...args), error => reportError('a logger', error))
  })
  return {
    write: (event, line) => log(fieldsOf(event), line ?? mark(event, summary(event))),
    say: (leftOut, line) => log(fieldsOf(leftOut), line),
  }
}

const placeholder = /%[scdjifoO%]/

function handTo(logger: Logger, log: (...args: unknown[]) => void) {
  // A winston logger is a stream; a console has no child loggers.
  if ('write' in logger) {
    return (fields: object, line: string) =>
      // winston takes a `%d` in the message for a placeholder: it fills it from the fields, and leaves them out.
      placeholder.test(line) ? log({ ...fields, message: line }) : log(line, fields)
  }
  if (isConsole(logger)) return (_fields: object, line: string) => log(line)
  return (fields: object, line: string) => log(fields, line)
}

/** Whether a logger is a console. It gets one line of text for each event, and no object. */
export function isConsole(logger: Logger): boolean {
  return 'dir' in logger && 'table' in logger
}
