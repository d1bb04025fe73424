import { clientAddress, trustOf } from './client-address.ts'
import { type Common, type CommonOptions, commonChecks, commonOf } from './common-options.ts'
import { debugVerdict } from './debug.ts'
import { drop } from './drop.ts'
import { refuse, show } from './errors.ts'
import { isHttp2, type Next, type Request, type Response } from './http-types.ts'
import { readOptions, refuseRequest } from './options.ts'
import { preparePublish } from './publish.ts'
import { isClosing, stateOf } from './request-state.ts'
import { type DoorJudge, describeRule } from './rule-info.ts'
import { stopParsing } from './wire/http1.ts'
import { plainBody, respond } from './wire/respond.ts'

/** What a factory returns: a Connect middleware, and an entry for `protect({ rules })`. */
export type Rule = (req: Request, res: Response, next: Next) => void

/** Why a request is dropped. */
export interface Finding {
  /** A stable literal for logs and filters. */
  reason: string
  /** What matched, or what was not found. */
  detail?: string | undefined
  /** Milliseconds until it would pass: sent as `Retry-After` with a `status`. */
  retryAfter?: number | undefined
}

/** Pass: nothing, `null`, `false`, `''`. Drop: a reason, a {@link Finding}, or `true` (the rule's name is the reason). */
// biome-ignore lint/suspicious/noConfusingVoidType: a judge that only passes returns nothing
export type Judgement = Finding | string | boolean | null | undefined | void

/** A pure function of the request, or one that promises its judgement. (A method's type, so that a judge may name Express's types.) */
export type Judge = {
  judge(req: Request, res: Response): Judgement | PromiseLike<Judgement>
}['judge']

/**
 * A rule of the user's own, with all the common options.
 *
 * What `judge` throws, or rejects with, goes to `next(err)`: the request does not pass.
 *
 * @example
 * app.use(rule('no-php', req => req.url?.endsWith('.php') && 'php-path'))
 *
 * @throws OptionsError
 */
export function rule(name: string, judge: Judge, options?: CommonOptions): Rule {
  refuseRequest('rule', name)
  const common = commonOf(readOptions('rule', options, commonChecks), { name })
  commonChecks.name(name, expected => refuse('rule', 'name', name, expected))
  if (typeof judge !== 'function') refuse('rule', 'judge', judge, 'a function')
  return makeRule(common, judge)
}

/** The one place that turns a judge into a middleware: it alone calls `next()` or `drop()`. */
export function makeRule(common: Common, judge: Judge, door?: DoorJudge): Rule {
  function judgeUnlessExcepted(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    if (common.except) {
      const address = clientAddress(req, trustOf(req, common.trustProxy))
      if (address && common.except.match(address) !== undefined) return undefined
    }
    return judge(req, res)
  }

  function judgeUnlessSkipped(req: Request, res: Response): Judgement | PromiseLike<Judgement> {
    const skipped = common.skip?.(req)
    if (isThenable(skipped))
      return Promise.resolve(skipped).then(skip => (skip ? undefined : judgeUnlessExcepted(req, res)))
    return skipped ? undefined : judgeUnlessExcepted(req, res)
  }

  /** Acts on a judgement; `next` is called last, and outside any try: what the app throws is the app's. */
  function settle(req: Request, res: Response, next: Next, judgement: Judgement, started: number): void {
    if (isBehindDrop(req, res)) return hold(req, res, () => settle(req, res, next, judgement, started))
    // By something else, while this rule was waiting.
    if (stateOf(req).dropped) return
    let goesOn: boolean
    try {
      const finding = findingOf(common.name, judgement)
      if (debugVerdict.enabled) {
        debugVerdict('%s %s %dms', common.name, finding?.reason ?? 'pass', performance.now() - started)
      }
      goesOn = !finding || act(common, req, res, next, finding)
    } catch (error) {
      return next(asError(common.name, error))
    }
    if (goesOn) next()
  }

  function middleware(req: Request, res: Response, next: Next): void {
    if (isBehindDrop(req, res)) return hold(req, res, () => middleware(req, res, next))
    const state = stateOf(req)
    if (state.dropped) return
    state.res ??= res
    if (state.judgedBy.includes(middleware)) return next()
    state.judgedBy.push(middleware)
    const started = debugVerdict.enabled ? performance.now() : 0
    let judgement: Judgement | PromiseLike<Judgement>
    try {
      judgement = judgeUnlessSkipped(req, res)
      // A thenable that is no promise may throw, or settle twice.
      if (isThenable(judgement)) judgement = Promise.resolve(judgement)
    } catch (error) {
      return next(asError(common.name, error))
    }
    if (!isThenable(judgement)) return settle(req, res, next, judgement, started)
    judgement.then(
      settled => settle(req, res, next, settled, started),
      error => next(asError(common.name, error)),
    )
  }
  describeRule(middleware, { dryRun: common.dryRun, reset: common.reset, door })
  return Object.defineProperty(middleware, 'name', { value: common.name })
}

/**
 * Whether a request may have come behind a dropped one. On HTTP/1 a response that has its turn is ahead of it; of one that
 * still waits for its turn that will be known when it comes.
 */
function isBehindDrop(req: Request, res: Response): boolean {
  if (!isClosing(req)) return false
  return isHttp2(req) || !res.socket || res.socket.destroyed
}

/**
 * Behind a dropped request nothing runs. On HTTP/1 what is ahead of it goes on with its turn, which the others never get. On
 * HTTP/2 the GOAWAY closes the streams behind it.
 */
function hold(req: Request, res: Response, goOn: () => void): void {
  if (isHttp2(req)) return
  stateOf(req).waited = true
  res.once('socket', goOn)
  if (req.socket) stopParsing(req.socket)
}

/** Does what the rule says. True where the request goes on all the same. */
function act(common: Common, req: Request, res: Response, next: Next, finding: Finding): boolean {
  const answers = common.status !== 444 && !res.headersSent
  const isDryRun = common.dryRun || stateOf(req).isDryRun
  if (!isDryRun && !answers) {
    drop(req, { ...common, ...finding, rule: common.name, res })
    return false
  }
  const state = stateOf(req)
  if (state.dropped) return false
  const publish = preparePublish(req, trustOf(req, common.trustProxy))
  const verdict = { status: common.status, rule: common.name, reason: finding.reason, detail: finding.detail }
  if (isDryRun) {
    publish({ ...verdict, action: 'dry-run', sentStatus: undefined, bodyBytesSent: 0 })
    return true
  }
  state.told = true
  const bodyBytesSent = answer(common, req, res, next, finding)
  publish({ ...verdict, action: 'respond', sentStatus: res.statusCode, bodyBytesSent })
  return false
}

/** Sends the rule's status: by the user's handler, or plain. Returns the length of a plain body in bytes. */
function answer(common: Common, req: Request, res: Response, next: Next, finding: Finding): number {
  if (finding.retryAfter !== undefined) {
    res.setHeader('Retry-After', Math.max(1, Math.ceil(finding.retryAfter / 1000)))
  }
  try {
    if (!common.handler) return respond(res, common.status, plainBody(common.status))
    res.statusCode = common.status
    const result = common.handler(req, res)
    if (isThenable(result))
      Promise.resolve(result).then(undefined, error => next(asError(common.name, error)))
  } catch (error) {
    next(asError(common.name, error))
  }
  return 0
}

function findingOf(name: string, judgement: Judgement): Finding | undefined {
  if (judgement === undefined || judgement === null || judgement === false || judgement === '')
    return undefined
  if (judgement === true) return { reason: name }
  if (typeof judgement === 'string') return { reason: judgement }
  if (typeof judgement === 'object' && typeof judgement.reason === 'string') return judgement
  throw new TypeError(`rule "${name}" must return nothing or a reason, not ${show(judgement)}`)
}

/** Express reads `next('route')`, and `next(undefined)`, as "go on": only an Error is surely an error. */
function asError(name: string, thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`rule "${name}" threw ${show(thrown)}`, { cause: thrown })
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
