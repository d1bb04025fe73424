import type { Occasion } from '../counting/occasion.ts'
import { reportError } from '../diagnostics/report-error.ts'
import { warnOnce } from '../diagnostics/warnings.ts'
import type { Address } from '../match/addresses/address.ts'
import { clientAddress } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { type Peer, peerOfRequest } from '../request/peer-address.ts'
import { factsOf, type RequestFacts } from '../request/request-facts.ts'
import { stateOf } from '../request/request-state.ts'
import type { Trust } from '../request/trust.ts'
import { dropChannel } from './drop-channel.ts'
import { makeEvent, peerText, type Verdict } from './drop-event.ts'
import { hasWatchers, notifyWatchers } from './verdict-watchers.ts'

/** Publishes one event. */
export type Publish = (verdict: Verdict) => void

const nobody: Publish = () =>
  warnOnce('DROP444_NO_SUBSCRIBER', 'requests are dropped and nobody is told: call dropLog() or onDrop()')

/**
 * Reads the addresses while the connection is open. The function it returns publishes the event, once it is known what was
 * done. Without subscribers and watchers no address is read.
 */
export function preparePublish(req: Request, trust: Trust): Publish {
  if (!dropChannel.hasSubscribers && !hasWatchers()) return nobody
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
    if (hasWatchers()) notifyWatchers(watcher => watcher.onRequest(verdict, req))
  }
}

/**
 * Publishes the event of a connection on which there is no request, or none that could be parsed.
 *
 * @param isProxy the peer is a trusted proxy, which is not to blame for its clients
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
  if (!peer?.address || !hasWatchers()) return
  const occasion: Occasion = req ? stateOf(req) : { countedBy: undefined }
  const origin = { facts, peer: peer.address, isProxy, req, occasion }
  notifyWatchers(watcher => watcher.onConnection(verdict, origin))
}
