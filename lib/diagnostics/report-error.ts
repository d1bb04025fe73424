import { channel } from 'node:diagnostics_channel'
import { debugThrown } from './debug.ts'
import { guardChannel } from './guard-channel.ts'
import { messageOf } from './thrown.ts'
import { warnOnce } from './warnings.ts'

/** What the error channel carries: what was thrown, and by what kind of callback. */
export interface CallbackError {
  readonly error: unknown
  readonly source: string
}

/** `drop444:error`: what a callback of the user's threw outside any request. What its own listeners throw is not told there. */
const errorChannel = guardChannel(channel('drop444:error'), error => sayError('a listener of errors', error))

function sayError(source: string, error: unknown): void {
  debugThrown(source, error)
  warnOnce('DROP444_CALLBACK_FAILED', `${source} threw ${messageOf(error)}`)
}

/**
 * Tells of an exception that has no request to answer to: the error channel, the debug channel, and a warning once. Never
 * throws.
 */
export function reportError(source: string, error: unknown): void {
  sayError(source, error)
  if (errorChannel.hasSubscribers) errorChannel.publish(Object.freeze({ error, source }))
}
