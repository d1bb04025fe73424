import type { Channel } from 'node:diagnostics_channel'
import { lastingKey } from '../runtime/copies.ts'
import { onRejection } from './thenable.ts'

type Listener = (message: unknown, name: string | symbol) => unknown

/** Receives what subscribers throw. The copy of this package that was loaded last sets it. */
interface Guard {
  onThrow: (error: unknown) => void
}

const kGuard: unique symbol = /* @__PURE__ */ lastingKey('guard') as never

/**
 * Guards a channel against its subscribers. Node turns what a subscriber throws into an uncaught exception, so a mistake in a log
 * line would end the server. A guarded channel wraps every subscriber, however it subscribes. Several copies of this package guard
 * it once only, so that `unsubscribe` finds the wrapper.
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
  // Looked up each time: on the first subscription an idle channel changes its prototype, and calls itself again.
  const inherited = (method: 'subscribe' | 'unsubscribe') => Object.getPrototypeOf(guarded)[method]
  return Object.assign(guarded, {
    [kGuard]: guard,
    subscribe: (listener: Listener) => inherited('subscribe').call(guarded, wrap(listener)),
    unsubscribe: (listener: Listener) =>
      inherited('unsubscribe').call(guarded, wrappers.get(listener) ?? listener),
  })
}
