import type { Writable } from 'node:stream'
import { onDrop } from '../events/drop-channel.ts'
import type { DropEvent } from '../events/drop-event.ts'
import { refuse } from '../options/options-error.ts'
import { type Check, integer, reading, readOptions, text } from '../options/read-options.ts'
import { formatOf, isReadByBanTools, type LogFormat, leftOutLine, lostLine } from './log-formats.ts'
import { isConsole, type Logger, loggerSink, mark } from './logger-sink.ts'
import { StreamSink } from './stream-sink.ts'
import { type LeftOut, thin } from './thin.ts'

/** Options of {@link dropLog}. */
export interface DropLogOptions {
  /** Default `'rule'`; a logger gets the event and a short message unless a format is named. */
  format?: LogFormat | undefined
  /** The method of a logger. Default `'info'`. */
  level?: string | undefined
  /** Bytes that may wait in a slow stream before lines are lost. Default 1 MiB. */
  maxBuffer?: number | undefined
  /** Writes one of this many events of each rule and reason; once a minute a line has the number of the others. Default: all are written. */
  sample?: number | undefined
  /**
   * Writes the first event of each rule and reason in this many milliseconds; at their end a line has the number of the others.
   * Default: all are written. Not together with `sample`.
   */
  sum?: number | undefined
}

/** Ends the log when it is called. */
export interface DropLog {
  /**
   * Resolves when the stream has taken its lines or has failed, or after a second if it takes none. With a logger, which has a
   * buffer of its own, it resolves at once. Never rejects.
   */
  (): Promise<void>
  /** The number of lines that the stream did not take. */
  readonly lost: number
}

const format: Check<LogFormat> = (value, fail) =>
  typeof value === 'function' || value === 'rule' || value === 'combined' || value === 'json'
    ? (value as LogFormat)
    : fail("'rule', 'combined', 'json' or a function")

const checks = () =>
  ({
    format,
    level: text,
    maxBuffer: integer(1, 2 ** 30),
    sample: integer(1, 1e9),
    sum: integer(1, 2 ** 31 - 1),
  }) satisfies Record<keyof DropLogOptions, Check<unknown>>

/**
 * Writes a line for each drop: to a stream, or through pino, winston or a console as they are.
 *
 * It never waits for the stream, keeps at most `maxBuffer` bytes for it, survives its end, and counts the lines that it did not
 * take. If a file fails (a full disk, a missing folder) there is a warning at once, and the file is opened anew at the first drop
 * after a second. Dry-run drops are left out of `'rule'` and `'combined'`, because fail2ban would ban by them; in `'json'` and
 * through loggers they are marked. Control characters from a client are escaped in each line, and in what a logger gets; a
 * `format` function gets the event as it is.
 *
 * @param target default: standard output
 * @returns the unsubscriber
 *
 * @example
 * const stop = dropLog(fs.createWriteStream('/var/log/app/drop.log', { flags: 'a' }))
 * process.once('SIGTERM', () => stop().then(() => process.listenerCount('SIGTERM') || process.exit()))
 *
 * @throws OptionsError
 */
export function dropLog(target: Writable | Logger = process.stdout, options?: DropLogOptions): DropLog {
  const {
    format,
    level = 'info',
    maxBuffer = 2 ** 20,
    ...thinning
  } = readOptions('dropLog', options, checks())
  if (thinning.sample !== undefined && thinning.sum !== undefined) {
    refuse('dropLog', 'sum', thinning.sum, 'left out where "sample" is given')
  }
  const output = reading('dropLog', 'target', target, () => outputOf(target, level, format, maxBuffer))
  const { push, close } = thin(thinning, output.write, output.say)
  const hidesDryRun = output.hidesDryRun
  const unsubscribe = onDrop(event => {
    if (!hidesDryRun || event.action !== 'dry-run') push(event)
  })
  let ended: Promise<void> | undefined
  const stop = () => {
    if (ended) return ended
    unsubscribe()
    close()
    ended = output.close()
    return ended
  }
  return Object.defineProperty(stop, 'lost', { get: output.lost }) as unknown as DropLog
}

/** Writes events, and the numbers of events that were left out. */
interface Output {
  write(event: DropEvent): void
  say(leftOut: LeftOut): void
  close(): Promise<void>
  lost(): number
  readonly hidesDryRun: boolean
}

function outputOf(
  target: Writable | Logger,
  level: string,
  format: LogFormat | undefined,
  maxBuffer: number,
): Output {
  if (isLogger(target)) return loggerOutput(target, level, format)
  if (!isStream(target)) refuse('dropLog', 'target', target, 'a writable stream or a logger')
  const line = formatOf(format ?? 'rule')
  const said = leftOutLine(format ?? 'rule')
  const sink = new StreamSink(target, maxBuffer, lostLine(format ?? 'rule'))
  return {
    hidesDryRun: isReadByBanTools(format ?? 'rule'),
    write(event) {
      const written = line(event)
      if (typeof written === 'string') sink.write(written)
    },
    say: leftOut => sink.write(said(leftOut)),
    close: () => sink.close(),
    lost: () => sink.lost,
  }
}

function loggerOutput(logger: Logger, level: string, format: LogFormat | undefined): Output {
  if (typeof (logger as unknown as Record<string, unknown>)[level] !== 'function') {
    refuse('dropLog', 'level', level, 'the name of a method of the logger')
  }
  const { write, say } = loggerSink(logger, level)
  const chosen = format ?? (isConsole(logger) ? 'rule' : undefined)
  const line = chosen === undefined ? undefined : formatOf(chosen)
  const marks = chosen !== undefined && isReadByBanTools(chosen)
  return {
    hidesDryRun: false,
    write(event) {
      if (!line) return write(event, undefined)
      const written = line(event)
      if (typeof written === 'string') write(event, marks ? mark(event, written) : written)
    },
    say: leftOut => say(leftOut, leftOutLine(chosen ?? 'rule')(leftOut)),
    close: async () => {},
    lost: () => 0,
  }
}

/** Checked before {@link isStream}: a winston logger is a stream too. */
function isLogger(target: unknown): target is Logger {
  return typeof (target as Logger | null)?.info === 'function'
}

function isStream(target: unknown): target is Writable {
  const stream = target as Writable | null
  return typeof stream?.write === 'function' && typeof stream.on === 'function'
}
