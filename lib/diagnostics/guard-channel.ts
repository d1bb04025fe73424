import type { Channel } from 'node:diagnostics_channel'
import { lastingKey } from '../runtime/copies.ts'
import { onRejection } from './thenable.ts'

type Listener = (message: unknown, name: string | symbol) => unknown

/** What a guarded channel's subscribers throw goes to the copy of this package that was loaded last. */
interface Guard {
  onThrow: (error: unknown) => void
}

const kGuard: unique symbol = lastingKey('guard') as never

/**
 * Node turns what a channel's subscriber throws into an uncaught exception: a slip in a log line would end the server. So
 * a guarded channel wraps its subscribers, however they subscribe. Once, however many copies guard it: an unsubscriber has to find
 * the wrapper.
 */
export function guardChannel(guarded: Channel & { [kGuard]?: Guard }, onThrow: Guard['onThrow']): Channel {
  const known = guarded[kGuard]
  if (known) {
    known.onThrow = onThrow
    return guarded
  }
  const guard: Guard = { onThrow }
  const fail = (error: unknown) => guard.onThrow(error)
  const wrappers = new WeakMap<Listener, Listener>()
  const ours = new WeakSet<Listener>()
  const wrap = (listener: Listener): Listener => {
    const known = ours.has(listener) ? listener : wrappers.get(listener)
    if (known) return known
    const wrapper: Listener = (message, name) => {
      try {
        onRejection(listener(message, name), fail)
      } catch (error) {
        fail(error)
      }
    }
    wrappers.set(listener, wrapper)
    ours.add(wrapper)
    return wrapper
  }
  // An idle channel changes its prototype on the first subscription and calls itself again: look the method up each time.
  const inherited = (method: 'subscribe' | 'unsubscribe') => Object.getPrototypeOf(guarded)[method]
  return Object.assign(guarded, {
    [kGuard]: guard,
    subscribe: (listener: Listener) => inherited('subscribe').call(guarded, wrap(listener)),
    unsubscribe: (listener: Listener) =>
      inherited('unsubscribe').call(guarded, wrappers.get(listener) ?? listener),
  })
}
