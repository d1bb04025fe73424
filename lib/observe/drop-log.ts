import type { Writable } from 'node:stream'
import { onDrop } from '../drop-channel.ts'
import type { DropEvent } from '../drop-event.ts'
import { refuse } from '../errors.ts'
import { type Check, integer, readOptions, text } from '../options.ts'
import { formatOf, isBannedBy, type LogFormat } from './log-formats.ts'
import { isConsole, type Logger, loggerSink, mark } from './logger-sink.ts'
import { streamSink } from './stream-sink.ts'

/** Options of {@link dropLog}. */
export interface DropLogOptions {
  /** Default `'rule'`; a logger gets the event and a short message unless a format is named. */
  format?: LogFormat | undefined
  /** The method of a logger. Default `'info'`. */
  level?: string | undefined
  /** Bytes that may wait in a slow stream before lines are lost. Default 1 MiB. */
  maxBuffer?: number | undefined
}

/** Ends the log when it is called. */
export interface DropLog {
  (): void
  /** How many lines the stream did not take. */
  readonly lost: number
}

const format: Check<LogFormat> = (value, fail) =>
  typeof value === 'function' || value === 'rule' || value === 'combined' || value === 'json'
    ? (value as LogFormat)
    : fail("'rule', 'combined', 'json' or a function")

const checks = {
  format,
  level: text,
  maxBuffer: integer(1, 2 ** 30),
} satisfies Record<keyof DropLogOptions, Check<unknown>>

/**
 * Writes a line for each drop: to a stream, or through pino, winston or a console as they are.
 *
 * Never waits for the stream, keeps at most `maxBuffer` bytes for it, survives its end, and counts the lines it did not
 * take. Dry-run drops are left out of `'rule'` and `'combined'`, by which fail2ban would ban; in `'json'` and through
 * loggers they are marked.
 *
 * @param target default: standard output
 * @returns the unsubscriber
 *
 * @example
 * const stop = dropLog(fs.createWriteStream('/var/log/app/drop.log', { flags: 'a' }))
 *
 * @throws OptionsError
 */
export function dropLog(target: Writable | Logger = process.stdout, options?: DropLogOptions): DropLog {
  const { format, level = 'info', maxBuffer = 2 ** 20 } = readOptions('dropLog', options, checks)
  if (isLogger(target)) return logThrough(target, level, format)
  if (!isStream(target)) refuse('dropLog', 'target', target, 'a writable stream or a logger')
  const line = formatOf(format ?? 'rule')
  const hidesDryRun = isBannedBy(format ?? 'rule')
  const sink = streamSink(target, maxBuffer)
  const unsubscribe = onDrop(event => {
    if (hidesDryRun && event.action === 'dry-run') return
    const written = line(event)
    if (typeof written === 'string') sink.write(written)
  })
  let ended = false
  const stop = () => {
    if (ended) return
    ended = true
    unsubscribe()
    sink.close()
  }
  return Object.defineProperty(stop, 'lost', { get: () => sink.lost }) as unknown as DropLog
}

function logThrough(logger: Logger, level: string, format: LogFormat | undefined): DropLog {
  if (typeof (logger as unknown as Record<string, unknown>)[level] !== 'function') {
    refuse('dropLog', 'level', level, 'the name of a method of the logger')
  }
  const write = loggerSink(logger, level)
  const chosen = format ?? (isConsole(logger) ? 'rule' : undefined)
  const format_ = chosen === undefined ? undefined : formatOf(chosen)
  const line =
    format_ && chosen !== undefined && isBannedBy(chosen)
      ? (event: DropEvent) => mark(event, format_(event) ?? '')
      : format_
  const unsubscribe = onDrop((event: DropEvent) => {
    const written = line?.(event)
    if (line === undefined || typeof written === 'string') write(event, written)
  })
  return Object.assign(unsubscribe, { lost: 0 })
}

/** A winston logger is a stream too, so this is asked first. */
function isLogger(target: unknown): target is Logger {
  return typeof (target as Logger | null)?.info === 'function'
}

function isStream(target: unknown): target is Writable {
  const stream = target as Writable | null
  return typeof stream?.write === 'function' && typeof stream.on === 'function'
}
