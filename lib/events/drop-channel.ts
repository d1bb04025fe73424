import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { guardChannel } from '../diagnostics/guard-channel.ts'
import { reportError } from '../diagnostics/report-error.ts'
import type { DropEvent } from './drop-event.ts'

const NAME = 'drop444:drop'

/** `drop444:drop`: one {@link DropEvent} for each drop. */
export const dropChannel = /* @__PURE__ */ guardChannel(/* @__PURE__ */ channel(NAME), error =>
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
  // A new wrapper each time: a function may be subscribed twice, and each unsubscriber ends one subscription.
  const own = (message: unknown) => listener(message as DropEvent)
  subscribe(NAME, own)
  return () => {
    unsubscribe(NAME, own)
  }
}
