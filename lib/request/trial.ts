import type { JudgeId } from './judge-once.ts'
import type { RequestState } from './request-state.ts'

/** What a request knows of the server that tries rules on it. */
export type Trial = Pick<RequestState, 'isDryRun' | 'serverTrust' | 'serverApp'>

/** What it knows now; undefined where it is not in a dry run of `protect`. */
export const trialOf = ({ isDryRun, serverTrust, serverApp }: RequestState): Trial | undefined =>
  isDryRun ? { isDryRun, serverTrust, serverApp } : undefined

/** Goes on with a trial when the request itself may have gone on to the app. */
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

/** Keeps what a rule finds in a dry run of `protect`: the same request may meet it in the app, and is judged once. */
export function keepTrial(state: RequestState, judgeId: JudgeId, judgement: () => unknown): void {
  state.trials ??= new Map()
  state.trials.set(judgeId, judgement)
}

/** What was kept, for the app; undefined where there is nothing, and behind the first time. */
export function takeTrial(state: RequestState, judgeId: JudgeId): (() => unknown) | undefined {
  if (state.isDryRun || !state.trials) return undefined
  const judgement = state.trials.get(judgeId)
  state.trials.delete(judgeId)
  return judgement
}
