import type { DropEvent } from '../drop-event.ts'

/** What we use of a logger: `info`, or the method that the option `level` names. */
export type LogMethod = (...args: never[]) => unknown

/** A logger of pino's kind (`info(object, message)`), winston's (`info(message, object)`) or a console (`info(message)`). */
export interface Logger {
  info: LogMethod
}

type Write = (event: DropEvent, line: string | undefined) => void

/** `444 GET /wp-login.php pathAllowlist unlisted-path`, and `dry-run:` before it where nothing was done. */
function summary(event: DropEvent): string {
  return `${event.status} ${event.method} ${event.url} ${event.rule} ${event.reason}`
}

/** Says of a line that programs may ban by that nothing was done. */
export function mark(event: DropEvent, message: string): string {
  return event.action === 'dry-run' ? `dry-run: ${message}` : message
}

/** The event for a logger, which stamps its own time. */
function fieldsOf({ time: _, ...fields }: DropEvent): Omit<DropEvent, 'time'> {
  return fields
}

/** Hands each event to a logger in the way of its kind. `line` is the formatted one where a format was asked for. */
export function loggerSink(logger: Logger, level: string): Write {
  const methods = logger as unknown as Record<string, (...args: unknown[]) => void>
  const log = (...args: unknown[]) => methods[level]?.(...args)
  // A winston logger is a stream; a console has no child loggers.
  if ('write' in logger) return (event, line) => log(line ?? mark(event, summary(event)), fieldsOf(event))
  if (isConsole(logger)) return (event, line) => log(line ?? mark(event, summary(event)))
  return (event, line) => log(fieldsOf(event), line ?? mark(event, summary(event)))
}

/** Whether each event is to be one line of text: a console has no room for an object. */
export function isConsole(logger: Logger): boolean {
  return 'dir' in logger && 'table' in logger
}
