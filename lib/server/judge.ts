import { clientAddress, trustOf } from '../client-address.ts'
import { debugError } from '../debug.ts'
import { reportError } from '../drop-channel.ts'
import type { Request, Response } from '../http-types.ts'
import { Reason } from '../reasons.ts'
import { isClosing, stateOf } from '../request-state.ts'
import type { Rule } from '../rule.ts'
import { infoOf } from '../rule-info.ts'
import { dropRequest } from './end.ts'
import { screenHead, screenHost } from './screen.ts'
import type { Site } from './site.ts'

/**
 * Judges a request before any framework: `goOn` is called if it passes, and not otherwise; with true where `except` names
 * the client: then nothing of ours is asked.
 */
export type JudgeRequest = (req: Request, res: Response, goOn: (isExcepted: boolean) => void) => void

/** What is wrong with the head itself, then the rules, then the Host, which a rule may have judged. */
export function makeJudge(site: Site): JudgeRequest {
  const { rules, except, trustProxy, dryRun } = site.settings

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

  return function judge(req, res, goOn) {
    const state = stateOf(req)
    state.res ??= res
    state.serverTrust = site.trust
    state.serverApp = site.app
    const excepted = isExcepted(req)
    const head = excepted ? undefined : screenHead(req)
    if (head && dropRequest(site, req, res, head)) return
    state.isDryRun = dryRun
    runRules(site, rules, req, res, () => {
      state.isDryRun = false
      const host = excepted ? undefined : screenHost(req, site)
      if (host && dropRequest(site, req, res, host)) return
      if (host?.reason === Reason.NO_HOST && site.requiredHost) return answerAsNode(res)
      state.isRunning = true
      goOn(excepted)
    })
  }
}

/** In a dry run a request without Host gets what it got before. */
function answerAsNode(res: Response): void {
  res.statusCode = 400
  res.setHeader('Connection', 'close')
  res.end()
}

/**
 * Runs rules one after the other. `done` is called outside any try: what the app throws is the app's.
 */
function runRules(site: Site, rules: readonly Rule[], req: Request, res: Response, done: () => void): void {
  function run(from: number): void {
    for (let index = from; index < rules.length; index++) {
      const rule = rules[index] as Rule
      let called = false
      let inTime = true
      const next = (error?: unknown) => {
        if (called) return
        called = true
        if (error !== undefined && error !== null && !goesOn(site, rule, req, res, error)) return
        // Not from within the promise of a rule: what the app throws would become its rejection.
        if (!inTime) process.nextTick(resume, index + 1)
        else passed = true
      }
      /** What is thrown behind `next()` changes nothing for the request, but is said. */
      const fail = (error: unknown) => {
        if (called) reportError(`rule "${rule.name}"`, error)
        else next(error ?? new Error(`it threw ${error}`))
      }
      let passed = false
      try {
        const result: unknown = rule(req, res, next)
        if (result instanceof Promise) result.catch(fail)
      } catch (error) {
        fail(error)
      }
      inTime = false
      if (!passed) return
    }
    done()
  }

  function resume(index: number): void {
    if (!stateOf(req).dropped && !isClosing(req)) run(index)
  }

  run(0)
}

/** A rule threw: nobody knows whether the request is welcome. True where it goes on all the same, in a dry run. */
function goesOn(site: Site, rule: Rule, req: Request, res: Response, error: unknown): boolean {
  reportError(`rule "${rule.name}"`, error)
  const detail = error instanceof Error ? error.message : String(error)
  if (infoOf(rule)?.dryRun) {
    debugError('%s: in a dry run, so it passes', rule.name)
    return true
  }
  return !dropRequest(site, req, res, { reason: Reason.RULE_ERROR, detail }, rule.name || undefined)
}
