import { isNativeError, isProxy } from 'node:util/types'
import { printable, printableCut } from './printable.ts'
import { show } from './show.ts'

/** The most characters shown of a message. */
const MAX_MESSAGE = 300
const MAX_TRACE = 4_000

/** The fields that error handlers, loggers and Express read of an error. */
const fields = ['name', 'message', 'stack', 'code', 'status', 'statusCode', 'headers', 'cause'] as const

type Fields = Partial<Record<(typeof fields)[number], unknown>>

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The message of a thrown value; if it has none, the value itself. One line, short, printable. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    const { message, code, name } = Object(thrown) as Fields
    // Node's error for a connection where no address worked has a code and no message.
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

/** Whether the usual fields of an error can be read and are strings. @throws what a getter throws */
function isReadable(value: object): boolean {
  const read = value as Fields
  for (const field of fields) void read[field]
  return [read.name, read.message, read.stack].every(text => text === undefined || typeof text === 'string')
}

function isTameError(thrown: unknown): thrown is Error {
  try {
    if (isProxy(thrown)) return false
    // In a test runner with a context for each file, errors of Node come from another context.
    if (!(thrown instanceof Error || isNativeError(thrown)) || !isReadable(thrown)) return false
    return typeof thrown.message === 'string' && typeof String(thrown) === 'string'
  } catch {
    return false
  }
}

/** Whether a value may become the `cause` of an error: reading it throws nothing, and it has no code that `console.error` would call. */
function isTame(value: unknown): boolean {
  try {
    if (typeof value !== 'object' || value === null) return !isProxy(value)
    return !isProxy(value) && isReadable(value) && !(Symbol.for('nodejs.util.inspect.custom') in value)
  } catch {
    return false
  }
}

/**
 * Makes an Error of a thrown value: an Error that can be read stays itself, anything else is described by a new one. Never
 * throws.
 *
 * @param what the beginning of the message: `rule "mine" threw`
 */
export function errorOf(what: string, thrown: unknown): Error {
  if (isTameError(thrown)) return thrown
  const message = `${what} ${typeof thrown === 'string' ? show(thrown) : messageOf(thrown)}`
  // A cause that throws when it is looked at would only fail later, in a logger.
  return isTame(thrown) ? new Error(message, { cause: thrown }) : new Error(message)
}
