import { printableJson } from '../diagnostics/printable.ts'
import { reportError } from '../diagnostics/report-error.ts'
import { onRejection } from '../diagnostics/thenable.ts'
import { type DropEvent, UNKNOWN_PEER } from '../events/drop-event.ts'
import type { LeftOut } from './thin.ts'

/**
 * How a drop is written: `'rule'` is nginx's combined line and then the rule and the reason, `'combined'` nginx's line
 * alone, `'json'` the whole event. A function gives its own line, or nothing to leave the event out: it gets the event as the
 * client's bytes made it, and escapes what it writes.
 */
export type LogFormat = 'rule' | 'combined' | 'json' | ((event: DropEvent) => string | undefined)

const unsafe = /[\x00-\x1f"\\\x7f-\uffff]/
const wide = /[\u0100-\uffff]+/g

/** By byte whether it is escaped. */
const isUnsafe = Uint8Array.from({ length: 256 }, (_, byte) => Number(unsafe.test(String.fromCharCode(byte))))
const [BACKSLASH, LETTER_X] = [0x5c, 0x78]
const hexDigits = Buffer.from('0123456789ABCDEF')

/** Escapes as nginx's log module: bytes below 0x20, `"`, `\` and from 0x7F on, as `\xHH`. */
export function escapeText(text: string): string {
  if (!unsafe.test(text)) return text
  // What comes from the network is a byte a character; a reason of the user's may hold more, and is UTF-8 then.
  const bytes = Buffer.from(
    text.replace(wide, characters => Buffer.from(characters).toString('latin1')),
    'latin1',
  )
  const escaped = Buffer.allocUnsafe(4 * bytes.length)
  let length = 0
  for (const byte of bytes) {
    if (isUnsafe[byte] === 0) escaped[length++] = byte
    else {
      escaped[length++] = BACKSLASH
      escaped[length++] = LETTER_X
      escaped[length++] = hexDigits[byte >> 4] as number
      escaped[length++] = hexDigits[byte & 15] as number
    }
  }
  return escaped.toString('latin1', 0, length)
}

/** A missing value is `-`, an empty one stays empty. */
const field = (value: string | undefined) => (value === undefined ? '-' : escapeText(value))

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number) => String(value).padStart(2, '0')

let lastSecond = -1
let lastTime = ''

/** nginx's `$time_local`. Drops come in floods, so a second is written once. */
function timeLocal(time: number): string {
  const second = Math.trunc(time / 1000)
  if (second === lastSecond) return lastTime
  const date = new Date(time)
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  const day = `${two(date.getDate())}/${months[date.getMonth()]}/${date.getFullYear()}`
  lastTime = `${day}:${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`
  lastSecond = second
  return lastTime
}

/** `"GET /x HTTP/1.1"`; nginx calls HTTP/2 `HTTP/2.0`, as Node does. A request of HTTP/0.9 names no version. */
function requestLineOf({ method, url, httpVersion, requestLine }: DropEvent): string {
  if (requestLine !== undefined) return requestLine === '' ? '-' : escapeText(requestLine)
  return escapeText(httpVersion === '0.9' ? `${method} ${url}` : `${method} ${url} HTTP/${httpVersion}`)
}

/** nginx writes `unix:` of a unix-domain socket. No pattern of fail2ban takes `-` for a host. */
function addressOf({ clientAddress, peerAddress }: DropEvent): string {
  return clientAddress ?? (peerAddress === UNKNOWN_PEER ? '-' : (peerAddress ?? 'unix:'))
}

function combined(event: DropEvent): string {
  return (
    `${addressOf(event)} - ${field(event.remoteUser)} [${timeLocal(event.time)}] "${requestLineOf(event)}" ` +
    `${event.status} ${event.bodyBytesSent} "${field(event.referer)}" "${field(event.userAgent)}"`
  )
}

function withRule(event: DropEvent): string {
  return `${combined(event)} "${escapeText(event.rule)}" "${escapeText(event.reason)}"`
}

/** A line of JSON: the event, with its time as ISO 8601. */
function json(event: DropEvent): string {
  return printableJson(JSON.stringify({ ...event, time: new Date(event.time).toISOString() }))
}

/** How many lines a stream did not take, in the log itself. */
export function lostLine(format: LogFormat): (count: number) => string {
  return format === 'json'
    ? count => JSON.stringify({ time: new Date().toISOString(), lost: count })
    : count => `# drop444: ${count} lines lost`
}

/** A number of events in place of their lines; a comment in formats of one line a request. */
export function leftOutLine(format: LogFormat): (leftOut: LeftOut) => string {
  if (format === 'json') {
    return ({ isDryRun, milliseconds, ...counted }) =>
      printableJson(
        JSON.stringify({ time: new Date().toISOString(), ...counted, milliseconds, dryRun: isDryRun }),
      )
  }
  return ({ rule, reason, isDryRun, count, milliseconds }) =>
    `# drop444: ${count} more in ${milliseconds / 1000} s${isDryRun ? ', dry-run' : ''}: ` +
    `"${escapeText(rule)}" "${escapeText(reason)}"`
}

const formats = { rule: withRule, combined, json }

/** The function behind a format's name. */
export function formatOf(format: LogFormat): (event: DropEvent) => string | undefined {
  return typeof format === 'function' ? lineOf(format) : formats[format]
}

/** A function that promises its line has none: what it rejects with would end the process. */
function lineOf(format: (event: DropEvent) => unknown): (event: DropEvent) => string | undefined {
  return event => {
    const line = format(event)
    if (typeof line === 'string') return line
    onRejection(line, error => reportError('the format of a drop log', error))
    return undefined
  }
}

/** Whether lines of this format are read by programs that ban by them: a dry run must not be among them. */
export function isBannedBy(format: LogFormat): boolean {
  return format === 'rule' || format === 'combined'
}
