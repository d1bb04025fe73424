import { channel } from 'node:diagnostics_channel'
import { debugThrown } from './debug.ts'
import { guardChannel } from './guard-channel.ts'
import { messageOf } from './thrown.ts'
import { warnOnce } from './warnings.ts'

/** A message on the error channel: the thrown value, and the kind of callback that threw it. */
export interface CallbackError {
  /** The very value that was thrown, or that a promise was rejected with: it need be no Error. */
  readonly error: unknown
  /** The kind of callback that threw, such as `the trust function`. */
  readonly source: string
}

/** `drop444:error`: what callbacks of the user threw outside any request. What its own listeners throw is not published there. */
const errorChannel = /* @__PURE__ */ guardChannel(/* @__PURE__ */ channel('drop444:error'), error =>
  sayError('a listener of errors', error),
)

function sayError(source: string, error: unknown): void {
  debugThrown(source, error)
  warnOnce('DROP444_CALLBACK_FAILED', `${source} threw ${messageOf(error)}`)
}

/**
 * Reports an exception that no request can be failed with: on the error channel, in the debug output, and once as a warning.
 * Never throws.
 */
export function reportError(source: string, error: unknown): void {
  sayError(source, error)
  if (errorChannel.hasSubscribers) errorChannel.publish(Object.freeze({ error, source }))
}
