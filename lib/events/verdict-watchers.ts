import type { Occasion } from '../counting/occasion.ts'
import { reportError } from '../diagnostics/report-error.ts'
import type { Address } from '../match/addresses/address.ts'
import type { Request } from '../request/http-types.ts'
import type { RequestFacts } from '../request/request-facts.ts'
import { shared } from '../runtime/copies.ts'
import type { Verdict } from './drop-event.ts'

/** Is told of each verdict, subscribers or not: for what counts drops. No subscriber: it does not tell the operator. */
export interface VerdictWatcher {
  /** `req` may have lost its connection; its addresses were read before. */
  onRequest(verdict: Verdict, req: Request): void
  /** Of a connection with no request that could be parsed, or a `req` that is not all there is to blame. */
  onConnection(verdict: Verdict, origin: ConnectionOrigin): void
}

/** What is known of a connection that was dropped without a request. */
export interface ConnectionOrigin {
  readonly facts: RequestFacts
  readonly peer: Address
  /** The peer is a trusted proxy. */
  readonly isProxy: boolean
  readonly req: Request | undefined
  readonly occasion: Occasion
}

/** Held weakly: a rule that its app has thrown away stops counting, and can be collected. */
const watchers = /* @__PURE__ */ shared('watchers', () => new Set<WeakRef<VerdictWatcher>>())

/**
 * Has a watcher told of each verdict from now on, for as long as somebody holds it.
 *
 * @returns what ends that
 */
export function watchVerdicts(watcher: VerdictWatcher): () => void {
  const held = new WeakRef(watcher)
  watchers.add(held)
  return () => void watchers.delete(held)
}

/** What a watcher throws is no matter of the request's, nor of the other watchers. */
export function tellWatchers(tell: (watcher: VerdictWatcher) => void): void {
  for (const held of watchers) {
    const watcher = held.deref()
    try {
      if (watcher) tell(watcher)
      else watchers.delete(held)
    } catch (error) {
      reportError('a rule that counts drops', error)
    }
  }
}

/** Whether anybody watches. */
export const hasWatchers = (): boolean => watchers.size > 0
