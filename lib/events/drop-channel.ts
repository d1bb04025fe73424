import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { debugThrown } from '../diagnostics/debug.ts'
import { guardChannel } from '../diagnostics/guard-channel.ts'
import { messageOf } from '../diagnostics/thrown.ts'
import { warnOnce } from '../diagnostics/warnings.ts'
import type { DropEvent } from './drop-event.ts'

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

const NAME = 'drop444:drop'

/** `drop444:drop`: one {@link DropEvent} a drop. */
export const dropChannel = guardChannel(channel(NAME), error =>
  reportError('a listener of drop events', error),
)

/**
 * Subscribes to drops. The same events are on the diagnostics channel `drop444:drop`.
 *
 * What a listener throws, or rejects with, changes nothing for the request or for other listeners: it goes to the
 * diagnostics channel `drop444:error`, with one process warning.
 *
 * @returns the unsubscriber
 * @throws TypeError if `listener` is no function
 */
export function onDrop(listener: (event: DropEvent) => void): () => void {
  if (typeof listener !== 'function') throw new TypeError('onDrop: the listener must be a function')
  // A wrapper of its own: the same function may be subscribed twice, and each unsubscriber ends its own.
  const own = (message: unknown) => listener(message as DropEvent)
  subscribe(NAME, own)
  return () => {
    unsubscribe(NAME, own)
  }
}
