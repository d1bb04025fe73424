import { clientAddress, peerAddress, type Trust } from './client-address.ts'
import { dropChannel, reportError } from './drop-channel.ts'
import { factsOf, makeEvent, type RequestFacts, type Verdict } from './drop-event.ts'
import type { Request } from './http-types.ts'
import type { Address } from './match/address.ts'
import { warnOnce } from './warnings.ts'

/** Publishes one event, or does nothing. */
export type Publish = (verdict: Verdict) => void

const nobody: Publish = () =>
  warnOnce('DROP444_NO_SUBSCRIBER', 'requests are dropped and nobody is told: call dropLog() or onDrop()')

/**
 * Reads the addresses while the connection is there; what it returns publishes the event once it is known what was done.
 * With no subscriber it does nothing.
 */
export function preparePublish(req: Request, trust: Trust): Publish {
  if (!dropChannel.hasSubscribers) return nobody
  const peer = peerAddress(req)
  let client: Address | undefined
  try {
    client = clientAddress(req, trust)
  } catch (error) {
    reportError('the trust function', error)
  }
  return verdict => dropChannel.publish(makeEvent(factsOf(req), verdict, client, peer))
}

/** Publishes the event of a connection on which there is no request, or none that could be parsed. */
export function publishConnection(facts: RequestFacts, verdict: Verdict, peer: Address | undefined): void {
  if (dropChannel.hasSubscribers) dropChannel.publish(makeEvent(facts, verdict, peer, peer))
  else nobody(verdict)
}
