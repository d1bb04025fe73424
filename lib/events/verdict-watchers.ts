import type { Occasion } from '../counting/occasion.ts'
import { reportError } from '../diagnostics/report-error.ts'
import type { Address } from '../match/addresses/address.ts'
import type { Request } from '../request/http-types.ts'
import type { RequestFacts } from '../request/request-facts.ts'
import { shared } from '../runtime/copies.ts'
import type { Verdict } from './drop-event.ts'

/**
 * Receives every verdict, whether or not anybody subscribed to events; rules that count drops use it. It does not count as a
 * subscriber (DROP444_NO_SUBSCRIBER), because it informs nobody.
 */
export interface VerdictWatcher {
  /** A request was dropped. Its connection may be gone, but its addresses were read before. */
  onRequest(verdict: Verdict, req: Request): void
  /** A connection was dropped: no request on it could be parsed, or the fault is not that of one request alone. */
  onConnection(verdict: Verdict, origin: ConnectionOrigin): void
}

/** The origin of a connection that was dropped as a whole. */
export interface ConnectionOrigin {
  readonly facts: RequestFacts
  readonly peer: Address
  /** The peer is a trusted proxy. */
  readonly isProxy: boolean
  readonly req: Request | undefined
  readonly occasion: Occasion
}

/** Held weakly: a rule that its app no longer holds stops counting, and can be collected. */
const watchers = /* @__PURE__ */ shared('watchers', () => new Set<WeakRef<VerdictWatcher>>())

/**
 * Passes each verdict to a watcher from now on, for as long as the caller holds it.
 *
 * @returns the function that ends this
 */
export function watchVerdicts(watcher: VerdictWatcher): () => void {
  const held = new WeakRef(watcher)
  watchers.add(held)
  return () => void watchers.delete(held)
}

/** Calls all watchers. What one throws affects neither the request nor the other watchers. */
export function notifyWatchers(notify: (watcher: VerdictWatcher) => void): void {
  for (const held of watchers) {
    const watcher = held.deref()
    try {
      if (watcher) notify(watcher)
      else watchers.delete(held)
    } catch (error) {
      reportError('a rule that counts drops', error)
    }
  }
}

/** Whether there is a watcher. */
export const hasWatchers = (): boolean => watchers.size > 0
