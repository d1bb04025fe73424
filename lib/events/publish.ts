import { warnOnce } from '../diagnostics/warnings.ts'
import type { Address } from '../match/addresses/address.ts'
import { clientAddress, type Trust } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { type Peer, peerOfRequest, peerText } from '../request/peer-address.ts'
import { type Occasion, stateOf } from '../request/request-state.ts'
import { shared } from '../runtime/copies.ts'
import { dropChannel, reportError } from './drop-channel.ts'
import { factsOf, makeEvent, type RequestFacts, type Verdict } from './drop-event.ts'

/** Publishes one event, or does nothing. */
export type Publish = (verdict: Verdict) => void

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
function tellWatchers(tell: (watcher: VerdictWatcher) => void): void {
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

const nobody: Publish = () =>
  warnOnce('DROP444_NO_SUBSCRIBER', 'requests are dropped and nobody is told: call dropLog() or onDrop()')

/**
 * Reads the addresses while the connection is there; what it returns publishes the event once it is known what was done.
 * With no subscriber it does nothing.
 */
export function preparePublish(req: Request, trust: Trust): Publish {
  if (!dropChannel.hasSubscribers && watchers.size === 0) return nobody
  const peer = peerText(peerOfRequest(req))
  let client: Address | undefined
  try {
    client = clientAddress(req, trust)
  } catch (error) {
    reportError('the trust function', error)
  }
  return verdict => {
    if (dropChannel.hasSubscribers) dropChannel.publish(makeEvent(factsOf(req), verdict, client, peer))
    else nobody(verdict)
    if (watchers.size > 0) tellWatchers(watcher => watcher.onRequest(verdict, req))
  }
}

/**
 * Publishes the event of a connection on which there is no request, or none that could be parsed.
 *
 * @param isProxy the peer is a trusted proxy: what came over it is not its doing
 */
export function publishConnection(
  facts: RequestFacts,
  verdict: Verdict,
  peer: Peer | undefined,
  isProxy = false,
  req?: Request,
): void {
  if (dropChannel.hasSubscribers)
    dropChannel.publish(makeEvent(facts, verdict, peer?.address, peerText(peer)))
  else nobody(verdict)
  if (!peer?.address || watchers.size === 0) return
  const occasion: Occasion = req ? stateOf(req) : { countedBy: undefined }
  const origin = { facts, peer: peer.address, isProxy, req, occasion }
  tellWatchers(watcher => watcher.onConnection(verdict, origin))
}
