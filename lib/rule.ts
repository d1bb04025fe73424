import { debugVerdict } from './diagnostics/debug.ts'
import { asError, isThenable, promiseOf } from './diagnostics/thenable.ts'
import { enforce } from './enforce.ts'
import { findingOf, type Judge, type Judgement, type Rule } from './judgement.ts'
import { hold, isBehindDrop } from './judging/behind-drop.ts'
import { type Birth, noteAsked, noteBirth } from './judging/made-anew.ts'
import { unlessExcepted, unlessSkipped } from './judging/passed-over.ts'
import { describeRule, type RuleInfo } from './judging/rule-info.ts'
import { type Common, type CommonOptions, commonChecks, commonOf } from './options/common-options.ts'
import { refuse } from './options/options-error.ts'
import { readOptions, refuseRequest } from './options/read-options.ts'
import type { Next, Request, Response } from './request/http-types.ts'
import { isFirstTime, newJudgeId } from './request/judge-once.ts'
import { isCut, type RequestState, stateOf } from './request/request-state.ts'
import { inTrial, keepTrial, type Trial, takeTrial, trialOf } from './request/trial.ts'

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

  const judgeId = newJudgeId()
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
      goesOn = !finding || inTrial(stateOf(req), trial, () => enforce(common, req, res, fail, finding))
    } catch (error) {
      // What `next` throws is the app's, and not for another `next`.
      if (hasFailed) throw error
      return fail(error)
    }
    if (goesOn) next()
  }

  /** Whether a request asks for the first time: once it has passed, it passes. */
  function asksFirst(req: Request, state: RequestState): boolean {
    if (!isFirstTime(state, judgeId)) return false
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
      if (!common.dryRun) keepTrial(state, judgeId, () => judgement)
      return judgement
    } catch (error) {
      const fail = () => {
        throw error
      }
      if (!common.dryRun) keepTrial(state, judgeId, fail)
      throw error
    }
  }

  /** A request that was judged before passes; but for one that was so in a dry run alone. */
  function again(state: RequestState, req: Request, res: Response, next: Next): void {
    const trial = takeTrial(state, judgeId) as (() => Judgement | Promise<Judgement>) | undefined
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
