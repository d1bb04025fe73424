import type { ServerHttp2Stream } from 'node:http2'
import { isThenable } from '../callback.ts'
import { clientAddress, isTrusted, isTrustedPeer, peerAddress, trustOf } from '../client-address.ts'
import type { Common } from '../common-options.ts'
import { reportError } from '../drop-channel.ts'
import type { Verdict } from '../drop-event.ts'
import { isHttp2Response, isResponse, type Request, type Response } from '../http-types.ts'
import type { Address } from '../match/address.ts'
import type { Offenders } from '../offenders/offenders.ts'
import { type VerdictWatcher, watchVerdicts } from '../publish.ts'
import { Reason } from '../reasons.ts'
import { stateOf } from '../request-state.ts'
import { addressOf } from './address-rule.ts'

/** A response of HTTP/2 that is closed has forgotten its request, a stream never knew it. */
const kRequest = Symbol('drop444.answered')

type Answer = Response & { [kRequest]?: Request }
type Stream = ServerHttp2Stream & { [kRequest]?: Request }

/** To be held for as long as offences are to be counted. */
export interface Watch {
  readonly watcher: VerdictWatcher
  /** Counts the answer to a request, if it turns out to be an offence. */
  watchAnswer(req: Request, res: Response): void
  close(): void
}

/** Who is banned is dropped for that alone: it would never end. The others are faults of the server, and meet everybody. */
const innocent: ReadonlySet<string> = new Set([
  Reason.BANNED,
  Reason.OVERLOADED,
  Reason.STORE_DOWN,
  Reason.RULE_ERROR,
])

/** Tells `offenders` of drops, and of answers with one of `statuses` to requests that are given to `watchAnswer`. */
export function watchOffences(
  common: Common,
  which: 'client' | 'peer' | undefined,
  statuses: ReadonlySet<number>,
  offenders: Offenders,
): Watch {
  let isOn = true

  function isOffence({ action, reason, sentStatus }: Verdict): boolean {
    if (innocent.has(reason) || action === 'dry-run') return false
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
      if (address) unlessSkipped(req, () => offenders.offend(address, verdict.reason, stateOf(req)))
    },
    onConnection(verdict, peer, isProxy, occasion) {
      if (!isOffence(verdict) || isProxy) return
      if (common.trustProxy && isTrusted(common.trustProxy, peer, peer.text)) return
      if (common.except?.match(peer) === undefined) offenders.offend(peer, verdict.reason, occasion)
    },
  }
  const stopWatching = watchVerdicts(watcher)

  /** Of a request that was dropped, or answered by a rule, there was a verdict. */
  function answered(req: Request | undefined, status: number): void {
    if (!isOn || !req || !statuses.has(status) || stateOf(req).told) return
    try {
      const address = offenderOf(req)
      if (address) offenders.offend(address, `status ${status}`, stateOf(req))
    } catch (error) {
      reportError('a rule that counts answers', error)
    }
  }

  function onClosed(this: Answer): void {
    if (this.headersSent) answered(this[kRequest], this.statusCode)
  }

  /** What an app has sent by itself, where it takes streams, its response knows nothing of. */
  function onStreamClosed(this: Stream): void {
    const status = this.sentHeaders?.[':status']
    if (status !== undefined) answered(this[kRequest], Number(status))
  }

  return {
    watcher,
    watchAnswer(req, res) {
      if (statuses.size === 0 || !isOn || !isResponse(res)) return
      const isHttp2 = isHttp2Response(res)
      const carrier: Answer | Stream = isHttp2 ? res.stream : res
      carrier[kRequest] = req
      carrier.on('close', isHttp2 ? onStreamClosed : onClosed)
    },
    close() {
      isOn = false
      stopWatching()
    },
  }
}
