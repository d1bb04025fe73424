import type { JudgeId } from './judge-once.ts'
import type { RequestState } from './request-state.ts'

/** The part of a request's state that belongs to a dry run of `protect`. */
export type Trial = Pick<RequestState, 'isDryRun' | 'serverTrust' | 'serverApp'>

/** The request's trial; undefined if it is not in a dry run of `protect`. */
export const trialOf = ({ isDryRun, serverTrust, serverApp }: RequestState): Trial | undefined =>
  isDryRun ? { isDryRun, serverTrust, serverApp } : undefined

/** Runs `goOn` with the state of a trial, and restores the state after it: the request may have reached the app meanwhile. */
export function inTrial<T>(state: RequestState, trial: Trial | undefined, goOn: () => T): T {
  if (!trial) return goOn()
  const { isDryRun, serverTrust, serverApp } = state
  Object.assign(state, trial)
  try {
    return goOn()
  } finally {
    Object.assign(state, { isDryRun, serverTrust, serverApp })
  }
}

/** Keeps a rule's judgement in a dry run of `protect`: the app may mount the same rule, which judges a request only once. */
export function keepTrial(state: RequestState, judgeId: JudgeId, judgement: () => unknown): void {
  state.trials ??= new Map()
  state.trials.set(judgeId, judgement)
}

/** Takes the judgement that was kept, for the rule in the app; undefined if there is none, or it was taken before. */
export function takeTrial(state: RequestState, judgeId: JudgeId): (() => unknown) | undefined {
  if (state.isDryRun || !state.trials) return undefined
  const judgement = state.trials.get(judgeId)
  state.trials.delete(judgeId)
  return judgement
}
