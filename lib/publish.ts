import { clientAddress, peerAddress, type Trust } from './client-address.ts'
import { dropChannel, reportError } from './drop-channel.ts'
import { makeEvent, type Verdict } from './drop-event.ts'
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
  return verdict => dropChannel.publish(makeEvent(req, verdict, client, peer))
}
