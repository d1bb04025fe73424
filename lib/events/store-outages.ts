import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { guardChannel } from '../diagnostics/guard-channel.ts'
import { reportError } from '../diagnostics/report-error.ts'
import { errorOf, messageOf } from '../diagnostics/thrown.ts'
import { warn } from '../diagnostics/warnings.ts'
import { outsideRequests } from '../runtime/async-context.ts'
import { shared } from '../runtime/copies.ts'

/** A store of limits or bans went down, or came back. Each outage gives one event of each kind. Frozen. */
export interface StoreEvent {
  /** The time of the event, in milliseconds since the epoch. */
  readonly time: number
  /** `'down'`: the store stopped answering. `'up'`: it answers again. */
  readonly state: 'down' | 'up'
  /** The names of the rules that keep their state in this store, separated by commas. */
  readonly store: string
  /** Why the store is down: what it threw or rejected with, or an error that says it took longer than `timeout`. */
  readonly error: Error | undefined
  /** The length of the outage in milliseconds; undefined while the store is down. */
  readonly downFor: number | undefined
}

/** A rule's failed use of a store. */
export interface StoreFailure {
  readonly name: string
  readonly error: unknown
  /** What the rule does in the meantime, for the warning: `this process counts by itself`. */
  readonly instead: string
}

interface Outage {
  /** The parts of the package that reported the store down and have not yet reported it up. */
  readonly parts: Set<object>
  readonly name: string
  readonly since: number
}

const NAME = 'drop444:store'

const storeChannel = /* @__PURE__ */ guardChannel(/* @__PURE__ */ channel(NAME), error =>
  reportError('a listener of store events', error),
)

const outages = /* @__PURE__ */ shared('outages', () => new WeakMap<object, Outage>())

/**
 * Subscribes to the outages of stores: one event when a store goes down, one when it is back. The same events are on the
 * diagnostics channel `drop444:store`.
 *
 * An error that a listener throws or rejects with changes nothing: it goes to the diagnostics channel `drop444:error`, with one
 * process warning. Without a listener, each outage gives the process warning `DROP444_STORE_DOWN`.
 *
 * @returns the unsubscriber
 * @throws TypeError if `listener` is no function
 */
export function onStoreChange(listener: (event: StoreEvent) => void): () => void {
  if (typeof listener !== 'function') throw new TypeError('onStoreChange: the listener must be a function')
  const own = (message: unknown) => listener(message as StoreEvent)
  subscribe(NAME, own)
  return () => {
    unsubscribe(NAME, own)
  }
}

/** Reports that a part of the package can't use a store. The first report opens the outage. */
export function storeDown(store: object, part: object, { name, error, instead }: StoreFailure): void {
  const outage = outages.get(store)
  if (outage) {
    outage.parts.add(part)
    return
  }
  outages.set(store, { parts: new Set([part]), name, since: performance.now() })
  const reason = errorOf('the store failed with', error)
  if (storeChannel.hasSubscribers) publish({ state: 'down', store: name, error: reason, downFor: undefined })
  else {
    const message = `the store of ${name} is down (${messageOf(reason)}): ${instead}`
    outsideRequests(() => warn('DROP444_STORE_DOWN', message))
  }
}

/** Reports that a part can use the store again. The last part to do so ends the outage. */
export function storeUp(store: object, part: object): void {
  const outage = outages.get(store)
  if (!outage?.parts.delete(part) || outage.parts.size > 0) return
  outages.delete(store)
  const downFor = Math.round(performance.now() - outage.since)
  if (storeChannel.hasSubscribers) publish({ state: 'up', store: outage.name, error: undefined, downFor })
}

/** Publishes outside any request's async context: an outage belongs to no request, even though a request found it. */
function publish(event: Omit<StoreEvent, 'time'>): void {
  outsideRequests(() => storeChannel.publish(Object.freeze({ time: Date.now(), ...event })))
}
