import { isNativeError, isProxy } from 'node:util/types'
import { printable, printableCut } from './printable.ts'
import { show } from './show.ts'

/** Characters of a message that are shown. */
const MAX_MESSAGE = 300
const MAX_TRACE = 4_000

/** What error handlers, loggers and Express read of an error. */
const fields = ['name', 'message', 'stack', 'code', 'status', 'statusCode', 'headers', 'cause'] as const

type Fields = Partial<Record<(typeof fields)[number], unknown>>

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The message of whatever was thrown, else what it is: one line, short, printable. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    const { message, code, name } = Object(thrown) as Fields
    // Of a connection for which no address worked Node says a code alone.
    const text = (typeof thrown === 'object' ? [message, code, name] : [thrown]).find(isText)
    if (text !== undefined) return printableCut(text, MAX_MESSAGE)
  } catch {}
  return show(thrown)
}

/** {@link messageOf}, with the lines of the stack behind it. Never throws. */
export function traceOf(thrown: unknown): string {
  const message = messageOf(thrown)
  try {
    const { name, message: whole, stack } = thrown as Fields
    const head = `${name}: ${whole}\n`
    if (!isText(stack) || !stack.startsWith(head)) return message
    const frames = stack.slice(head.length, head.length + MAX_TRACE).split('\n')
    return [`${printable(String(name))}: ${message}`, ...frames.map(printable)].join('\n')
  } catch {
    return message
  }
}

/** Whether all that is usually read of an error can be read. @throws where a getter does */
function isReadable(value: object): boolean {
  const read = value as Fields
  for (const field of fields) void read[field]
  return [read.name, read.message, read.stack].every(text => text === undefined || typeof text === 'string')
}

function isTameError(thrown: unknown): thrown is Error {
  try {
    if (isProxy(thrown)) return false
    // A test runner that gives each file a context of its own has Node's errors from another one.
    if (!(thrown instanceof Error || isNativeError(thrown)) || !isReadable(thrown)) return false
    return typeof thrown.message === 'string' && typeof String(thrown) === 'string'
  } catch {
    return false
  }
}

/** Whether a value can be shown as the cause of an error: what `console.error` would call is not tried. */
function isTame(value: unknown): boolean {
  try {
    if (typeof value !== 'object' || value === null) return !isProxy(value)
    return !isProxy(value) && isReadable(value) && !(Symbol.for('nodejs.util.inspect.custom') in value)
  } catch {
    return false
  }
}

/**
 * An Error for whatever was thrown: itself where it is one that can be read, else one that says what it was. Never throws.
 *
 * @param what what stands before the message: `rule "mine" threw`
 */
export function errorOf(what: string, thrown: unknown): Error {
  if (isTameError(thrown)) return thrown
  const message = `${what} ${typeof thrown === 'string' ? show(thrown) : messageOf(thrown)}`
  // What can't be looked at would be somebody else's exception.
  return isTame(thrown) ? new Error(message, { cause: thrown }) : new Error(message)
}
