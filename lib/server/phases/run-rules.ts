import { debugError } from '../../diagnostics/debug.ts'
import { reportError } from '../../diagnostics/report-error.ts'
import { onRejection } from '../../diagnostics/thenable.ts'
import { messageOf } from '../../diagnostics/thrown.ts'
import type { Rule } from '../../judgement.ts'
import { infoOf } from '../../judging/rule-info.ts'
import { Reason } from '../../reasons.ts'
import { clientAddress, trustOf } from '../../request/client-address.ts'
import type { Request, Response } from '../../request/http-types.ts'
import { passEveryRule } from '../../request/judge-once.ts'
import { isClosing, type RequestState, stateOf } from '../../request/request-state.ts'
import { inTrial, type Trial, trialOf } from '../../request/trial.ts'
import { type InContext, inThisContext } from '../../runtime/async-context.ts'
import { dropRequest } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { makeHealthCheck } from '../health-check.ts'
import { checkHead, checkHost } from './check-head.ts'

/**
 * Judges a request before any framework. `goOn` is called only if it passes; with true if `except` contains the client, for which
 * `protect` makes no check of its own.
 */
export type RunRules = (req: Request, res: Response, goOn: (isExcepted: boolean) => void) => void

/** Checks the head, runs the rules, and last checks the Host, which one of the rules may have judged. */
export function makeRunRules(guarded: GuardedServer): RunRules {
  const { rules, except, trustProxy, dryRun } = guarded.settings
  const isHealthCheck = makeHealthCheck(guarded)
  // A function of the user's may answer, and must not do so beside the app.
  const goesAtOnce = dryRun && rules.every(rule => infoOf(rule) !== undefined)

  function isExcepted(req: Request): boolean {
    if (!except) return false
    const client = clientOf(req)
    return client !== undefined && except.match(client) !== undefined
  }

  function clientOf(req: Request) {
    try {
      return clientAddress(req, trustOf(req, trustProxy))
    } catch (error) {
      reportError('the trust function', error)
      return undefined
    }
  }

  return function runRules(req, res, goOn) {
    const state = stateOf(req)
    state.res ??= res
    state.serverTrust = guarded.trust
    state.serverApp = guarded.app
    const excepted = isExcepted(req)
    const head = excepted ? undefined : checkHead(req)
    if (head && dropRequest(guarded, req, res, head)) return
    if (isHealthCheck?.(req)) {
      passEveryRule(req)
      return pass(state, goOn, excepted)
    }
    state.isDryRun = dryRun
    let isPassed = false
    const passOnce = () => {
      if (isPassed) return
      isPassed = true
      pass(state, goOn, excepted)
    }
    const trial = trialOf(state)
    runOneByOne(guarded, rules, trial, req, res, () => {
      const host = excepted ? undefined : checkHost(req, guarded)
      if (!host || !inTrial(state, trial, () => dropRequest(guarded, req, res, host))) passOnce()
    })
    // In a dry run the app must not wait. A late rule publishes its event while the app is at work.
    if (goesAtOnce) passOnce()
  }

  function pass(state: RequestState, goOn: (isExcepted: boolean) => void, isExcepted: boolean): void {
    state.isRunning = true
    if (dryRun) {
      // Rules mounted in the app must see what they would see without `protect`.
      state.isDryRun = false
      state.serverTrust = undefined
      state.serverApp = undefined
    }
    goOn(isExcepted)
  }
}

/**
 * Runs rules one after the other. `done` is called outside any try: what the app throws is the app's.
 */
function runOneByOne(
  guarded: GuardedServer,
  rules: readonly Rule[],
  trial: Trial | undefined,
  req: Request,
  res: Response,
  done: () => void,
): void {
  function run(from: number): void {
    for (let index = from; index < rules.length; index++) {
      const rule = rules[index] as Rule
      let called = false
      let inTime = true
      let goOn: InContext<[index: number, error: unknown]> = resume
      const next = (error?: unknown) => {
        if (called) return
        called = true
        if (inTime) passed = goesOn(guarded, rule, req, res, error)
        else goOn(index, error)
      }
      /** What is thrown behind `next()` changes nothing for the request, but is said. */
      const fail = (error: unknown) => {
        if (called) reportError(sourceOf(rule), error)
        else next(error ?? new Error(`it threw ${error}`))
      }
      let passed = false
      let result: unknown
      try {
        result = inTrial(stateOf(req), trial, () => rule(req, res, next))
      } catch (error) {
        fail(error)
      }
      onRejection(result, fail)
      inTime = false
      if (passed) continue
      // Rules of ours call back from promises, which keep the context; others from wherever they like.
      if (!called && !infoOf(rule)) goOn = inThisContext(resume)
      return
    }
    done()
  }

  function resume(index: number, error: unknown): void {
    if (!goesOn(guarded, rules[index] as Rule, req, res, error)) return
    // Not from within the promise of a rule: what the app throws would become its rejection.
    process.nextTick(() => {
      if (trial || (!stateOf(req).dropped && !isClosing(req))) run(index + 1)
    })
  }

  run(0)
}

/** Whether a request goes on after a rule. If the rule threw, only in a dry run: its verdict is unknown. */
function goesOn(guarded: GuardedServer, rule: Rule, req: Request, res: Response, error: unknown): boolean {
  if (error === undefined || error === null) return true
  reportError(sourceOf(rule), error)
  if (infoOf(rule)?.dryRun) {
    debugError('%s: in a dry run, so it passes', sourceOf(rule))
    return true
  }
  const finding = { reason: Reason.RULE_ERROR, detail: messageOf(error) }
  return !dropRequest(guarded, req, res, finding, nameOf(rule) || undefined)
}

const sourceOf = (rule: Rule) => `rule "${nameOf(rule)}"`

/** A function of the user's may be named by anything. */
function nameOf(rule: Rule): string {
  try {
    return typeof rule.name === 'string' ? rule.name : ''
  } catch {
    return ''
  }
}
