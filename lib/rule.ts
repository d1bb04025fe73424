import { act } from './act.ts'
import { inThisContext } from './async-context.ts'
import { asError, isThenable, promiseOf } from './callback.ts'
import { clientAddress, trustOf } from './client-address.ts'
import { type Common, type CommonOptions, commonChecks, commonOf } from './common-options.ts'
import { debugVerdict } from './debug.ts'
import { refuse, show } from './errors.ts'
import { isHttp2, type Next, type Request, type Response } from './http-types.ts'
import { type Birth, noteAsked, noteBirth } from './made-anew.ts'
import type { CidrSet } from './match/cidr-set.ts'
import { readOptions, refuseRequest } from './options.ts'
import {
  inTrial,
  isClosing,
  isCut,
  isFirstTime,
  keepTrial,
  newJudging,
  type RequestState,
  stateOf,
  type Trial,
  takeTrial,
  trialOf,
} from './request-state.ts'
import { describeRule, type RuleInfo } from './rule-info.ts'
import { stopParsing } from './wire/http1.ts'

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

/** What few rules have. */
interface RuleExtras extends Pick<RuleInfo, 'door' | 'isFirst'> {
  /** Called with each request that it may act on, also with those that it lets pass unjudged. Must not throw. */
  readonly onMeet?: ((req: Request) => void) | undefined
  /** Called where a request that passed in a dry run of `protect` meets the rule in the app. */
  readonly onEnforce?: Judge | undefined
}

/** A request that waits for its verdict. */
interface Asked {
  readonly req: Request
  readonly res: Response
  readonly next: Next
  /** When, for `DEBUG`; 0 where nobody reads that. */
  readonly started: number
  readonly trial: Trial | undefined
}

/** The one place that turns a judge into a middleware: it alone calls `next()` or `drop()`. */
export function makeRule(common: Common, judge: Judge, extras: RuleExtras = {}): Rule {
  const { door, isFirst, onMeet, onEnforce } = extras
  const judgeUnexcepted = common.except ? unlessExcepted(common, common.except, judge) : judge
  const judgeUnskipped = common.skip ? unlessSkipped(common.skip, judgeUnexcepted) : judgeUnexcepted

  const judging = newJudging()
  let birth: Birth | undefined = noteBirth()

  /** Acts on a judgement; `next` is called last, and outside any try: what the app throws is the app's. */
  function settle(asked: Asked, judgement: Judgement): void {
    const { req, res, next, started, trial } = asked
    if (isBehindDrop(req, res)) return hold(req, res, () => settle(asked, judgement))
    // By something else, while this rule was waiting.
    if (stateOf(req).dropped) return
    let goesOn: boolean
    let hasFailed = false
    const fail = (error: unknown) => {
      hasFailed = true
      next(asError(common.name, error))
    }
    try {
      const finding = findingOf(common.name, judgement)
      if (started > 0) {
        debugVerdict('%s %s %dms', common.name, finding?.reason ?? 'pass', performance.now() - started)
      }
      goesOn = !finding || inTrial(stateOf(req), trial, () => act(common, req, res, fail, finding))
    } catch (error) {
      // What `next` throws is the app's, and not for another `next`.
      if (hasFailed) throw error
      return fail(error)
    }
    if (goesOn) next()
  }

  /** Whether a request asks for the first time: once it has passed, it passes. */
  function asksFirst(req: Request, state: RequestState): boolean {
    if (!isFirstTime(state, judging)) return false
    if (birth !== undefined) birth = noteAsked(birth, middleware, common.name, req)
    return true
  }

  /** A thenable may throw, or settle twice, and be none when it is looked at again: so it is made a promise here. */
  function judgeNow(req: Request, res: Response): Judgement | Promise<Judgement> {
    return promised(judgeUnskipped(req, res))
  }

  function conclude(asked: Asked, judgement: Judgement | Promise<Judgement>): void {
    if (!(judgement instanceof Promise)) return settle(asked, judgement)
    judgement.then(
      settled => settle(asked, settled),
      error => asked.next(asError(common.name, error)),
    )
  }

  /** In a dry run of `protect`: what is found is kept for the app, which may mount the rule too. */
  function tryOut(state: RequestState, req: Request, res: Response): Judgement | Promise<Judgement> {
    try {
      const judgement = judgeNow(req, res)
      if (!common.dryRun) keepTrial(state, judging, () => judgement)
      return judgement
    } catch (error) {
      const fail = () => {
        throw error
      }
      if (!common.dryRun) keepTrial(state, judging, fail)
      throw error
    }
  }

  /** A request that was judged before passes; but for one that was so in a dry run alone. */
  function again(state: RequestState, req: Request, res: Response, next: Next): void {
    const trial = takeTrial(state, judging) as (() => Judgement | Promise<Judgement>) | undefined
    if (!trial) return next()
    onMeet?.(req)
    const enforced = (found: Judgement) => found ?? onEnforce?.(req, res)
    let judgement: Judgement | Promise<Judgement>
    try {
      const found = trial()
      judgement = found instanceof Promise ? found.then(enforced) : promised(enforced(found))
    } catch (error) {
      return next(asError(common.name, error))
    }
    conclude({ req, res, next, started: 0, trial: undefined }, judgement)
  }

  function middleware(req: Request, res: Response, next: Next): void {
    const state = stateOf(req)
    if (isCut(state) && isBehindDrop(req, res)) return hold(req, res, () => middleware(req, res, next))
    if (state.dropped) return
    state.res ??= res
    if (!asksFirst(req, state)) return again(state, req, res, next)
    const trial = trialOf(state)
    if (!trial) onMeet?.(req)
    const started = debugVerdict.enabled ? performance.now() : 0
    let judgement: Judgement | Promise<Judgement>
    try {
      judgement = trial ? tryOut(state, req, res) : judgeNow(req, res)
    } catch (error) {
      return next(asError(common.name, error))
    }
    // Nearly every request.
    if (judgement === undefined && started === 0 && !state.dropped && !isCut(state)) return next()
    conclude({ req, res, next, started, trial }, judgement)
  }
  describeRule(middleware, { dryRun: common.dryRun, reset: common.reset, door, isFirst })
  return Object.defineProperty(middleware, 'name', { value: common.name })
}

function promised(judgement: Judgement | PromiseLike<Judgement>): Judgement | Promise<Judgement> {
  return judgement !== undefined && isThenable(judgement) ? promiseOf(judgement) : (judgement as Judgement)
}

function unlessExcepted(common: Common, except: CidrSet, judge: Judge): Judge {
  return (req, res) => {
    const address = clientAddress(req, trustOf(req, common.trustProxy))
    return address && except.match(address) !== undefined ? undefined : judge(req, res)
  }
}

function unlessSkipped(skip: (req: Request) => unknown, judge: Judge): Judge {
  return (req, res) => {
    const skipped = skip(req)
    if (isThenable(skipped)) {
      const state = stateOf(req)
      const trial = trialOf(state)
      return promiseOf(skipped).then(skips =>
        skips ? undefined : inTrial(state, trial, () => judge(req, res)),
      )
    }
    return skipped ? undefined : judge(req, res)
  }
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
 * HTTP/2 the connection is gone.
 */
function hold(req: Request, res: Response, goOn: () => void): void {
  if (isHttp2(req)) return
  stateOf(req).waited = true
  res.once('socket', inThisContext(goOn))
  if (req.socket) stopParsing(req.socket)
}

function findingOf(name: string, judgement: Judgement): Finding | undefined {
  if (judgement === undefined || judgement === null || judgement === false || judgement === '')
    return undefined
  if (judgement === true) return { reason: name }
  if (typeof judgement === 'string') return { reason: judgement }
  if (typeof judgement === 'object') {
    // Read once: it may be anything.
    const { reason, detail, retryAfter } = judgement
    if (typeof reason === 'string') return { reason, detail, retryAfter: finite(retryAfter) }
  }
  throw new TypeError(`rule "${name}" must return nothing or a reason, not ${show(judgement)}`)
}

const finite = (value: unknown) => (Number.isFinite(value) ? (value as number) : undefined)
