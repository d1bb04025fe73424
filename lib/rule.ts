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
import { isFirstTime, type JudgeId, newJudgeId } from './request/judge-once.ts'
import { isCut, stateOf } from './request/request-state.ts'
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
  const common = commonOf(readOptions('rule', options, commonChecks()), { name })
  commonChecks().name(name, expected => refuse('rule', 'name', name, expected))
  if (typeof judge !== 'function') refuse('rule', 'judge', judge, 'a function')
  return makeRule(common, judge)
}

/** What few rules have. */
interface RuleExtras extends Pick<RuleInfo, 'door' | 'isFirst'> {
  /** Called with each request that the rule may drop, also with those that it lets pass unjudged. Must not throw. */
  readonly onMeet?: ((req: Request) => void) | undefined
  /** Called when a request that passed in a dry run of `protect` meets the rule in the app. */
  readonly onEnforce?: Judge | undefined
}

/** A rule, compiled. */
interface CompiledRule extends Pick<RuleExtras, 'onMeet' | 'onEnforce'> {
  readonly common: Common
  /** Judges all requests but those that `skip` and `except` let pass. */
  readonly judge: Judge
  readonly id: JudgeId
}

/** A request that waits for its verdict. */
interface Asked {
  readonly req: Request
  readonly res: Response
  readonly next: Next
  /** When the rule was asked, for `DEBUG`; 0 while nobody reads that. */
  readonly started: number
  readonly trial: Trial | undefined
}

/** A judgement at once, or a promise of one. */
type Judged = Judgement | Promise<Judgement>

/** The one place that turns a judge into a middleware: it alone calls `next()` or `drop()`. */
export function makeRule(common: Common, judge: Judge, extras: RuleExtras = {}): Rule {
  const { door, isFirst, onMeet, onEnforce } = extras
  const judgeUnexcepted = common.except ? unlessExcepted(common, common.except, judge) : judge
  const judgeUnskipped = common.skip ? unlessSkipped(common.skip, judgeUnexcepted) : judgeUnexcepted
  const id = newJudgeId()
  const rule: CompiledRule = { common, judge: judgeUnskipped, id, onMeet, onEnforce }
  let birth: Birth | undefined = noteBirth()

  function middleware(req: Request, res: Response, next: Next): void {
    const state = stateOf(req)
    if (isCut(state) && isBehindDrop(req, res)) return hold(req, res, () => middleware(req, res, next))
    if (state.dropped) return
    state.res ??= res
    if (!isFirstTime(state, id)) return meetAgain(rule, req, res, next)
    if (birth !== undefined) birth = noteAsked(birth, middleware, common.name, req)
    const trial = trialOf(state)
    if (!trial) onMeet?.(req)
    const started = debugVerdict.enabled ? performance.now() : 0
    let judged: Judged
    try {
      judged = trial ? judgeInTrial(rule, req, res) : judgeNow(rule, req, res)
    } catch (error) {
      return next(asError(common.name, error))
    }
    // The way of nearly every request.
    if (judged === undefined && started === 0 && !state.dropped && !isCut(state)) return next()
    carryOutInTime(rule, { req, res, next, started, trial }, judged)
  }

  describeRule(middleware, { dryRun: common.dryRun, reset: common.reset, door, isFirst })
  return Object.defineProperty(middleware, 'name', { value: common.name })
}

const judgeNow = ({ judge }: CompiledRule, req: Request, res: Response): Judged => promised(judge(req, res))

/** Makes a thenable a promise: a thenable may throw, settle twice, or have no `then` at the second look. */
function promised(judgement: Judgement | PromiseLike<Judgement>): Judged {
  return judgement !== undefined && isThenable(judgement) ? promiseOf(judgement) : (judgement as Judgement)
}

/** Judges in a dry run of `protect`, and keeps the result: the app may mount the same rule, and meets the request with it. */
function judgeInTrial(rule: CompiledRule, req: Request, res: Response): Judged {
  const keep = (result: () => Judged) => {
    if (!rule.common.dryRun) keepTrial(stateOf(req), rule.id, result)
  }
  try {
    const judged = judgeNow(rule, req, res)
    keep(() => judged)
    return judged
  } catch (error) {
    keep(() => {
      throw error
    })
    throw error
  }
}

/** Lets a request pass that the rule has judged before. A judgement of a dry run of `protect` is carried out now. */
function meetAgain(rule: CompiledRule, req: Request, res: Response, next: Next): void {
  const result = takeTrial(stateOf(req), rule.id) as (() => Judged) | undefined
  if (!result) return next()
  rule.onMeet?.(req)
  const enforced = (judgement: Judgement) => judgement ?? rule.onEnforce?.(req, res)
  let judged: Judged
  try {
    const found = result()
    judged = found instanceof Promise ? found.then(enforced) : promised(enforced(found))
  } catch (error) {
    return next(asError(rule.common.name, error))
  }
  carryOutInTime(rule, { req, res, next, started: 0, trial: undefined }, judged)
}

/** Carries out a judgement, at once or when it is known. */
function carryOutInTime(rule: CompiledRule, asked: Asked, judged: Judged): void {
  if (!(judged instanceof Promise)) return carryOut(rule, asked, judged)
  judged.then(
    judgement => carryOut(rule, asked, judgement),
    error => asked.next(asError(rule.common.name, error)),
  )
}

/** Drops, answers, or calls `next`: last, and outside any try, because what `next` throws is an error of the app. */
function carryOut(rule: CompiledRule, asked: Asked, judgement: Judgement): void {
  const { common } = rule
  const { req, res, next, started, trial } = asked
  if (isBehindDrop(req, res)) return hold(req, res, () => carryOut(rule, asked, judgement))
  // Something else dropped it while this rule was waiting.
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
    // Thrown by `next`: it is the app's, and not for another `next`.
    if (hasFailed) throw error
    return fail(error)
  }
  if (goesOn) next()
}
