import { isThenable } from '../callback.ts'
import { clientAddress, isTrusted, isTrustedPeer, peerAddress, trustOf } from '../client-address.ts'
import type { Common } from '../common-options.ts'
import { reportError } from '../drop-channel.ts'
import type { Verdict } from '../drop-event.ts'
import { isResponse, type Request, type Response } from '../http-types.ts'
import type { Address } from '../match/address.ts'
import type { Offenders } from '../offenders/offenders.ts'
import { type VerdictWatcher, watchVerdicts } from '../publish.ts'
import { Reason } from '../reasons.ts'
import { stateOf } from '../request-state.ts'
import { addressOf } from './address-rule.ts'

/** An HTTP/2 response that is closed has forgotten its request. */
const kRequest = Symbol('drop444.answered')

type Answer = Response & { [kRequest]?: Request }

/** To be held for as long as offences are to be counted. */
export interface Watch {
  readonly watcher: VerdictWatcher
  /** Counts the answer to a request, if it turns out to be an offence. */
  watchAnswer(req: Request, res: Response): void
  close(): void
}

/** Tells `offenders` of drops, and of answers with one of `statuses` to requests that are given to `watchAnswer`. */
export function watchOffences(
  common: Common,
  which: 'client' | 'peer' | undefined,
  statuses: ReadonlySet<number>,
  offenders: Offenders,
): Watch {
  let isOn = true

  function isOffence({ action, reason, sentStatus }: Verdict): boolean {
    // Who is banned is dropped for that alone: it would never end.
    if (reason === Reason.BANNED || action === 'dry-run') return false
    return action !== 'respond' || (sentStatus !== undefined && statuses.has(sentStatus))
  }

  /** A proxy of ours is none, whatever it passes on. */
  function offenderOf(req: Request): Address | undefined {
    const trust = trustOf(req, common.trustProxy)
    const address = addressOf(req, common, which)
    const isProxy = address && address.text === peerAddress(req)?.text && isTrustedPeer(req, trust)
    if (!address || isProxy) return undefined
    const client = which === 'peer' ? clientAddress(req, trust) : address
    return client && common.except?.match(client) !== undefined ? undefined : address
  }

  /** What `skip` lets pass is no offence; where it fails, nobody has said so. */
  function unlessSkipped(req: Request, count: () => void): void {
    const onError = (error: unknown) => {
      reportError('skip', error)
      count()
    }
    let skipped: unknown
    try {
      skipped = common.skip?.(req)
    } catch (error) {
      return onError(error)
    }
    if (!isThenable(skipped)) {
      if (!skipped) count()
      return
    }
    Promise.resolve(skipped).then(skips => {
      if (!skips) count()
    }, onError)
  }

  const watcher: VerdictWatcher = {
    onRequest(verdict, req) {
      const address = isOffence(verdict) ? offenderOf(req) : undefined
      if (address) unlessSkipped(req, () => offenders.offend(address, verdict.reason))
    },
    onConnection(verdict, peer, isProxy) {
      if (!isOffence(verdict) || isProxy) return
      if (common.trustProxy && isTrusted(common.trustProxy, peer, peer.text)) return
      if (common.except?.match(peer) === undefined) offenders.offend(peer, verdict.reason)
    },
  }
  const stopWatching = watchVerdicts(watcher)

  /** Of a request that was dropped, or answered by a rule, there was a verdict. */
  function onAnswered(this: Answer): void {
    const req = this[kRequest]
    if (!isOn || !req || !statuses.has(this.statusCode) || !this.headersSent || stateOf(req).told) return
    try {
      const address = offenderOf(req)
      if (address) offenders.offend(address, `status ${this.statusCode}`)
    } catch (error) {
      reportError('a rule that counts answers', error)
    }
  }

  return {
    watcher,
    watchAnswer(req, res) {
      if (statuses.size === 0 || !isOn || !isResponse(res)) return
      ;(res as Answer)[kRequest] = req
      res.on('close', onAnswered)
    },
    close() {
      isOn = false
      stopWatching()
    },
  }
}
