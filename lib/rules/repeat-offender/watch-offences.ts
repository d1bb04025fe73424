import type { ServerHttp2Stream } from 'node:http2'
import type { Occasion } from '../../counting/occasion.ts'
import { reportError } from '../../diagnostics/report-error.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import { type VerdictWatcher, watchVerdicts } from '../../events/verdict-watchers.ts'
import type { Address } from '../../match/addresses/address.ts'
import type { Networks } from '../../offenders/networks.ts'
import type { Offenders } from '../../offenders/offenders.ts'
import { RecentTargets } from '../../offenders/recent-targets.ts'
import { addressOf } from '../../options/address-options.ts'
import type { Common } from '../../options/common-options.ts'
import { clientAddress, isTrustedPeer, trustOf } from '../../request/client-address.ts'
import { isHttp2Response, isResponse, type Request, type Response } from '../../request/http-types.ts'
import { peerAddress } from '../../request/peer-address.ts'
import { stateOf } from '../../request/request-state.ts'
import { isTrusted } from '../../request/trust.ts'
import { shared } from '../../runtime/copies.ts'
import {
  type Counted,
  type Once,
  type Weight,
  weighAnswer,
  weighConnection,
  weighVerdict,
} from './offences.ts'
import { hostOf, isBrowser, targetOf } from './request-maker.ts'

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

/** How long a browser goes on repeating a request that got no answer, in milliseconds, with much to spare. */
const CLICK = 10_000

/** How often a browser asks, and some to spare (Chromium 7 times, Firefox 10). Another program may retry as often. */
const MAX_REPEATS = 10

/** What was not counted yet when a request turns out to be a program's: whoever counts it, it is so many offences. */
const repeats = /* @__PURE__ */ shared('repeats', () => new WeakMap<Request, readonly Occasion[]>())

function repeatsOf(req: Request): readonly Occasion[] {
  const known = repeats.get(req) ?? Array.from({ length: MAX_REPEATS - 1 }, () => ({ countedBy: undefined }))
  repeats.set(req, known)
  return known
}

export interface WatchOptions {
  readonly common: Common
  readonly which: 'client' | 'peer' | undefined
  readonly counted: Counted
  readonly networks: Networks
  readonly window: number
}

/** Tells `offenders` of drops, and of answers with a failed status to requests that are given to `watchAnswer`. */
export function watchOffences(offenders: Offenders, options: WatchOptions): Watch {
  const { common, which, counted, networks } = options
  let clicks: RecentTargets | undefined
  let visits: RecentTargets | undefined
  let isOn = true

  function offend(req: Request, address: Address, weight: Weight, reason: string): void {
    if (weight === 'none') return
    const times = weight === 'each' ? 1 : timesOf(req, address, weight)
    const isProgram = weight === 'once-a-click' && times > MAX_REPEATS && !isBrowser(req)
    if (times > 1 && !isProgram) return
    // Those before were none of a browser's either.
    if (times === MAX_REPEATS + 1)
      for (const repeat of repeatsOf(req)) offenders.offend(address, reason, repeat)
    offenders.offend(address, reason, stateOf(req))
  }

  function timesOf(req: Request, address: Address, weight: Once): number {
    const now = offenders.now()
    // Another host is another target: a scanner tries names, too.
    const target = `${hostOf(req)} ${targetOf(req)}`
    if (weight === 'once-a-click') {
      clicks ??= new RecentTargets(CLICK)
      return clicks.count(`${address.text} ${target}`, now)
    }
    visits ??= new RecentTargets(options.window)
    return visits.count(`${networks.text(address)} ${target}`, now)
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
    let promised: Promise<unknown> | undefined
    let skipped: unknown
    try {
      skipped = common.skip?.(req)
      if (isThenable(skipped)) promised = promiseOf(skipped)
    } catch (error) {
      return onError(error)
    }
    if (promised) {
      promised.then(skips => {
        if (!skips) count()
      }, onError)
    } else if (!skipped) count()
  }

  function count(req: Request, weight: Weight, reason: string): void {
    const address = weight === 'none' ? undefined : offenderOf(req)
    if (address) unlessSkipped(req, () => offend(req, address, weight, reason))
  }

  const watcher: VerdictWatcher = {
    onRequest(verdict, req) {
      count(req, weighVerdict(verdict, req, counted), verdict.reason)
    },
    onConnection(verdict, { facts, peer, isProxy, req, occasion }) {
      const weight = req ? weighVerdict(verdict, req, counted) : weighConnection(verdict, facts, counted)
      if (weight === 'none' || isProxy) return
      if (common.trustProxy && isTrusted(common.trustProxy, peer, peer.text)) return
      if (common.except?.match(peer) !== undefined) return
      if (req) offend(req, peer, weight, verdict.reason)
      else offenders.offend(peer, verdict.reason, occasion)
    },
  }
  const stopWatching = watchVerdicts(watcher)

  /** Of a request that was dropped, or answered by a rule, there was a verdict. */
  function answered(req: Request | undefined, status: number): void {
    if (!isOn || !req || !counted.statuses.has(status) || stateOf(req).eventPublished) return
    try {
      const weight = weighAnswer(status, req, counted)
      const address = weight === 'none' ? undefined : offenderOf(req)
      if (address) offend(req, address, weight, `status ${status}`)
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
      if (counted.statuses.size === 0 || !isOn || !isResponse(res)) return
      stateOf(req).isWatched = true
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
