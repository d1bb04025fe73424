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

/** The request, kept on a response or HTTP/2 stream: a closed HTTP/2 response has lost it, and a stream never has it. */
const kRequest = Symbol('drop444.answered')

type Answer = Response & { [kRequest]?: Request }
type Stream = ServerHttp2Stream & { [kRequest]?: Request }

/** Counts offences for as long as a reference to it is held. */
export interface Watch {
  readonly watcher: VerdictWatcher
  /** Counts the answer to a request, if it turns out to be an offence. */
  watchAnswer(req: Request, res: Response): void
  close(): void
}

/** How long a browser repeats a request that got no answer, in milliseconds, with a wide margin. */
const CLICK = 10_000

/** How often a browser sends a request that gets no answer (Chromium 7 times, Firefox 10). Other programs may retry as often. */
const MAX_REPEATS = 10

/** Occasions for the repeats that were not counted before a client proved to be a program. Rules that share offenders count each once. */
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

/** Counts drops in `offenders`, and also failed answers to requests that are passed to `watchAnswer`. */
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
    // The repeats before this one were the program's too, so they are counted now.
    if (times === MAX_REPEATS + 1)
      for (const repeat of repeatsOf(req)) offenders.offend(address, reason, repeat)
    offenders.offend(address, reason, stateOf(req))
  }

  function timesOf(req: Request, address: Address, weight: Once): number {
    const now = offenders.now()
    // The host is part of the target, because a scanner tries host names too.
    const target = `${hostOf(req)} ${targetOf(req)}`
    if (weight === 'once-a-click') {
      clicks ??= new RecentTargets(CLICK)
      return clicks.count(`${address.text} ${target}`, now)
    }
    visits ??= new RecentTargets(options.window)
    return visits.count(`${networks.text(address)} ${target}`, now)
  }

  /** The address to count; undefined for a trusted proxy's own address, and for a client in `except`. */
  function offenderOf(req: Request): Address | undefined {
    const trust = trustOf(req, common.trustProxy)
    const address = addressOf(req, common, which)
    const isProxy = address && address.text === peerAddress(req)?.text && isTrustedPeer(req, trust)
    if (!address || isProxy) return undefined
    const client = which === 'peer' ? clientAddress(req, trust) : address
    return client && common.except?.match(client) !== undefined ? undefined : address
  }

  /** Counts unless `skip` lets the request pass. If `skip` fails, the request counts. */
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

  /** Counts an answer of the app. A request that a rule dropped or answered was counted by its verdict. */
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

  /** Reads the status from the stream: an app may answer on the stream itself, and its response object does not see that. */
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
