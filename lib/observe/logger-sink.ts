import type { DropEvent } from '../drop-event.ts'
import type { LeftOut } from './thin.ts'

/** What we use of a logger: `info`, or the method that the option `level` names. */
export type LogMethod = (...args: never[]) => unknown

/** A logger of pino's kind (`info(object, message)`), winston's (`info(message, object)`) or a console (`info(message)`). */
export interface Logger {
  info: LogMethod
}

/** `444 GET /wp-login.php pathAllowlist unlisted-path`, and `dry-run:` before it where nothing was done. */
function summary(event: DropEvent): string {
  const request = event.requestLine === undefined ? `${event.method} ${event.url}` : event.requestLine || '-'
  return `${event.status} ${request} ${event.rule} ${event.reason}`
}

/** Says of a line that programs may ban by that nothing was done. */
export function mark(event: DropEvent, message: string): string {
  return event.action === 'dry-run' ? `dry-run: ${message}` : message
}

/** The event for a logger, which stamps its own time. */
function fieldsOf({ time: _, ...fields }: DropEvent): Omit<DropEvent, 'time'> {
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
  const methods = logger as unknown as Record<string, (...args: unknown[]) => void>
  const log = handTo(logger, (...args) => methods[level]?.(...args))
  return {
    write: (event, line) => log(fieldsOf(event), line ?? mark(event, summary(event))),
    say: (leftOut, line) => log(leftOut, line),
  }
}

function handTo(logger: Logger, log: (...args: unknown[]) => void) {
  // A winston logger is a stream; a console has no child loggers.
  if ('write' in logger) return (fields: object, line: string) => log(line, fields)
  if (isConsole(logger)) return (_fields: object, line: string) => log(line)
  return (fields: object, line: string) => log(fields, line)
}

/** Whether each event is to be one line of text: a console has no room for an object. */
export function isConsole(logger: Logger): boolean {
  return 'dir' in logger && 'table' in logger
}
