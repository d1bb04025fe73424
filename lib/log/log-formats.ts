import { printableJson } from '../diagnostics/printable.ts'
import { reportError } from '../diagnostics/report-error.ts'
import { onRejection } from '../diagnostics/thenable.ts'
import { type DropEvent, UNKNOWN_PEER } from '../events/drop-event.ts'
import type { LeftOut } from './thin.ts'

/**
 * How a drop is written. `'rule'`: nginx's combined line, then the rule and the reason. `'combined'`: nginx's line alone.
 * `'json'`: the whole event. A function returns its own line, or undefined to leave the event out; it gets the client's bytes
 * as they are, and has to escape them itself.
 */
export type LogFormat = 'rule' | 'combined' | 'json' | ((event: DropEvent) => string | undefined)

const unsafe = /[\x00-\x1f"\\\x7f-\uffff]/
const wide = /[\u0100-\uffff]+/g

/** For each byte: 1 if it is escaped. */
const isUnsafe = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(unsafe.test(String.fromCharCode(byte))),
)
const [BACKSLASH, LETTER_X] = [0x5c, 0x78]
const hexDigits = /* @__PURE__ */ Buffer.from('0123456789ABCDEF')

/** Escapes a text as nginx's log module does: `"`, `\`, and bytes below 0x20 or from 0x7F on become `\xHH`. */
export function escapeText(text: string): string {
  if (!unsafe.test(text)) return text
  // Text from the network has one byte a character. A reason of the user may have wider ones, which become UTF-8.
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

/** A missing value is `-`, an empty one is empty. */
const field = (value: string | undefined) => (value === undefined ? '-' : escapeText(value))

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number) => String(value).padStart(2, '0')

let lastSecond = -1
let lastTime = ''

/** nginx's `$time_local`. The text of the last second is kept: a flood has many drops in one second. */
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

/** `GET /x HTTP/1.1`. nginx and Node both call HTTP/2 `HTTP/2.0`. A request of HTTP/0.9 names no version. */
function requestLineOf({ method, url, httpVersion, requestLine }: DropEvent): string {
  if (requestLine !== undefined) return requestLine === '' ? '-' : escapeText(requestLine)
  return escapeText(httpVersion === '0.9' ? `${method} ${url}` : `${method} ${url} HTTP/${httpVersion}`)
}

/** nginx writes `unix:` for a unix-domain socket. An unknown address is `-`, which no pattern of fail2ban takes for a host. */
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

/** The line in the log itself for lines that the stream did not take. */
export function lostLine(format: LogFormat): (count: number) => string {
  return format === 'json'
    ? count => JSON.stringify({ time: new Date().toISOString(), lost: count })
    : count => `# drop444: ${count} lines lost`
}

/** The line for events that were left out. In formats with one line a request it is a comment. */
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

/** The function that writes a format. */
export function formatOf(format: LogFormat): (event: DropEvent) => string | undefined {
  return typeof format === 'function' ? lineOf(format) : formats[format]
}

/** Wraps a function of the user. A promise is no line, but its rejection is caught: it would end the process. */
function lineOf(format: (event: DropEvent) => unknown): (event: DropEvent) => string | undefined {
  return event => {
    const line = format(event)
    if (typeof line === 'string') return line
    onRejection(line, error => reportError('the format of a drop log', error))
    return undefined
  }
}

/** Whether programs such as fail2ban ban by lines of this format. Then a dry run must not look like a drop. */
export function isReadByBanTools(format: LogFormat): boolean {
  return format === 'rule' || format === 'combined'
}
