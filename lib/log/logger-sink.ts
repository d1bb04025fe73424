import { printable } from '../diagnostics/printable.ts'
import { reportError } from '../diagnostics/report-error.ts'
import { onRejection } from '../diagnostics/thenable.ts'
import type { DropEvent } from '../events/drop-event.ts'
import { escapeText } from './log-formats.ts'
import type { LeftOut } from './thin.ts'

/** What we use of a logger: `info`, or the method that the option `level` names. */
export type LogMethod = (...args: never[]) => unknown

/** A logger of pino's kind (`info(object, message)`), winston's (`info(message, object)`) or a console (`info(message)`). */
export interface Logger {
  info: LogMethod
}

/** `444 GET /wp-login.php pathAllowlist unlisted-path`, escaped as the line of a log. */
function summary(event: DropEvent): string {
  const request = event.requestLine === undefined ? `${event.method} ${event.url}` : event.requestLine || '-'
  return escapeText(`${event.status} ${request} ${event.rule} ${event.reason}`)
}

/** Says of a line that programs may ban by that nothing was done. */
export function mark(event: DropEvent, message: string): string {
  return event.action === 'dry-run' ? `dry-run: ${message}` : message
}

/** What a logger is given: it stamps its own time, and may write a field to a terminal as it is. */
function fieldsOf(event: DropEvent | LeftOut): object {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(event)) {
    if (name !== 'time') fields[name] = typeof value === 'string' ? printable(value) : value
  }
  return fields
}

/** What a logger is handed. */
export interface LoggerSink {
  /** `line` is the formatted one where a format was asked for. */
  write(event: DropEvent, line: string | undefined): void
  say(leftOut: LeftOut, line: string): void
}

/** Hands each event to a logger in the way of its kind. */
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
      // It takes `%d0` of an address for a place that the fields are to fill, and leaves them out.
      placeholder.test(line) ? log({ ...fields, message: line }) : log(line, fields)
  }
  if (isConsole(logger)) return (_fields: object, line: string) => log(line)
  return (fields: object, line: string) => log(fields, line)
}

/** Whether each event is to be one line of text: a console has no room for an object. */
export function isConsole(logger: Logger): boolean {
  return 'dir' in logger && 'table' in logger
}
