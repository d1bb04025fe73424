import type { ServerHttp2Stream } from 'node:http2'
import { reportError } from '../../diagnostics/report-error.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import type { Verdict } from '../../events/drop-event.ts'
import { type ConnectionOrigin, type VerdictWatcher, watchVerdicts } from '../../events/verdict-watchers.ts'
import type { Address } from '../../match/addresses/address.ts'
import type { Networks } from '../../offenders/networks.ts'
import type { Offenders } from '../../offenders/offenders.ts'
import { addressOf } from '../../options/address-options.ts'
import type { Common } from '../../options/common-options.ts'
import { clientAddress, isTrustedPeer, trustOf } from '../../request/client-address.ts'
import { isHttp2Response, isResponse, type Request, type Response } from '../../request/http-types.ts'
import { peerAddress } from '../../request/peer-address.ts'
import { stateOf } from '../../request/request-state.ts'
import { isTrusted } from '../../request/trust.ts'
import { type Counted, type Weight, weighAnswer, weighConnection, weighVerdict } from './offences.ts'
import { forgivenRepeats, MAX_REPEATS, Repeats } from './repeats.ts'
import { isBrowser } from './request-maker.ts'

/** The request, kept on a response or HTTP/2 stream: a closed HTTP/2 response has lost it, and a stream never has it. */
const kRequest = Symbol('drop444.answered')

type Answer = Response & { [kRequest]?: Request }
type Stream = ServerHttp2Stream & { [kRequest]?: Request }

export interface WatchOptions {
  readonly common: Common
  readonly which: 'client' | 'peer' | undefined
  readonly counted: Counted
  readonly networks: Networks
  readonly window: number
}

/**
 * Counts drops in `offenders`, and also failed answers to requests that are passed to `watchAnswer`, for as long as a reference
 * to it is held.
 */
export class OffenceWatch implements VerdictWatcher {
  readonly #offenders: Offenders
  readonly #options: WatchOptions
  readonly #repeats: Repeats
  readonly #stopWatching: () => void
  readonly #onClosed: (this: Answer) => void
  readonly #onStreamClosed: (this: Stream) => void
  #isOn = true

  constructor(offenders: Offenders, options: WatchOptions) {
    this.#offenders = offenders
    this.#options = options
    this.#repeats = new Repeats(options.networks, options.window)
    const answered = (req: Request | undefined, status: number) => this.#answered(req, status)
    this.#onClosed = function () {
      if (this.headersSent) answered(this[kRequest], this.statusCode)
    }
    // An app may answer on the stream itself, and its response object does not see that: the stream has the status.
    this.#onStreamClosed = function () {
      const status = this.sentHeaders?.[':status']
      if (status !== undefined) answered(this[kRequest], Number(status))
    }
    this.#stopWatching = watchVerdicts(this)
  }

  onRequest(verdict: Verdict, req: Request): void {
    const weight = weighVerdict(verdict, req, this.#options.counted)
    const address = weight === 'none' ? undefined : offenderOf(this.#options, req)
    if (!address) return
    const skipped = isSkipped(this.#options.common, req)
    if (skipped instanceof Promise) {
      skipped.then(skips => {
        if (!skips) this.#offend(req, address, weight, verdict.reason)
      })
    } else if (!skipped) this.#offend(req, address, weight, verdict.reason)
  }

  onConnection(verdict: Verdict, { facts, peer, isProxy, req, occasion }: ConnectionOrigin): void {
    const { common, counted } = this.#options
    const weight = req ? weighVerdict(verdict, req, counted) : weighConnection(verdict, facts, counted)
    if (weight === 'none' || isProxy) return
    if (common.trustProxy && isTrusted(common.trustProxy, peer, peer.text)) return
    if (common.except?.match(peer) !== undefined) return
    if (req) this.#offend(req, peer, weight, verdict.reason)
    else this.#offenders.offend(peer, verdict.reason, occasion)
  }

  /** Counts the answer to a request, if it turns out to be an offence. */
  watchAnswer(req: Request, res: Response): void {
    if (this.#options.counted.statuses.size === 0 || !this.#isOn || !isResponse(res)) return
    stateOf(req).isWatched = true
    const isHttp2 = isHttp2Response(res)
    const carrier: Answer | Stream = isHttp2 ? res.stream : res
    carrier[kRequest] = req
    carrier.on('close', isHttp2 ? this.#onStreamClosed : this.#onClosed)
  }

  /** Counts an answer of the app. A request that a rule dropped or answered was counted by its verdict. */
  #answered(req: Request | undefined, status: number): void {
    const { counted } = this.#options
    if (!this.#isOn || !req || !counted.statuses.has(status) || stateOf(req).eventPublished) return
    try {
      const weight = weighAnswer(status, req, counted)
      const address = weight === 'none' ? undefined : offenderOf(this.#options, req)
      if (address) this.#offend(req, address, weight, `status ${status}`)
    } catch (error) {
      reportError('a rule that counts answers', error)
    }
  }

  #offend(req: Request, address: Address, weight: Weight, reason: string): void {
    if (weight === 'none') return
    const offenders = this.#offenders
    const times = weight === 'each' ? 1 : this.#repeats.count(req, address, weight, offenders.now())
    const isProgram = weight === 'once-a-click' && times > MAX_REPEATS && !isBrowser(req)
    if (times > 1 && !isProgram) return
    // The repeats before this one were the program's too, so they are counted now.
    if (times === MAX_REPEATS + 1)
      for (const repeat of forgivenRepeats(req)) offenders.offend(address, reason, repeat)
    offenders.offend(address, reason, stateOf(req))
  }

  close(): void {
    this.#isOn = false
    this.#stopWatching()
  }
}

/** The address to count; undefined for a trusted proxy's own address, and for a client in `except`. */
function offenderOf({ common, which }: WatchOptions, req: Request): Address | undefined {
  const trust = trustOf(req, common.trustProxy)
  const address = addressOf(req, common, which)
  const isProxy = address && address.text === peerAddress(req)?.text && isTrustedPeer(req, trust)
  if (!address || isProxy) return undefined
  const client = which === 'peer' ? clientAddress(req, trust) : address
  return client && common.except?.match(client) !== undefined ? undefined : address
}

/** Whether `skip` lets a request pass, so that it is no offence; a promise if `skip` returns one. */
function isSkipped({ skip }: Common, req: Request): unknown {
  try {
    const skipped = skip?.(req)
    return isThenable(skipped) ? promiseOf(skipped).catch(skipFailed) : skipped
  } catch (error) {
    return skipFailed(error)
  }
}

/** If `skip` fails, the request counts. */
function skipFailed(error: unknown): false {
  reportError('skip', error)
  return false
}
