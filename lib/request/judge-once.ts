import { shared } from '../runtime/copies.ts'
import type { Request } from './http-types.ts'
import { type RequestState, stateOf } from './request-state.ts'

/** Identifies a judge, so that it judges a request only once. */
export interface JudgeId {
  /** A bit of its own for each of the first 31 judges of a process; 0 for later ones. */
  readonly bit: number
}

/** How many of the 31 bits are taken. */
const given = /* @__PURE__ */ shared('judges', () => ({ bits: 0 }))

/** All 32 bits. Judges use only 31, so no set of judges ever equals it. */
const EVERYONE = -1

export const newJudgeId = (): JudgeId => ({ bit: given.bits < 31 ? 1 << given.bits++ : 0 })

/**
 * Records that a judge judges the request.
 *
 * @returns false if it has done so before
 */
export function isFirstTime(state: RequestState, judgeId: JudgeId): boolean {
  const { bit } = judgeId
  if (state.judged === EVERYONE) return false
  if (bit !== 0) {
    if ((state.judged & bit) !== 0) return false
    state.judged |= bit
    return true
  }
  state.judgedBy ??= []
  if (state.judgedBy.includes(judgeId)) return false
  state.judgedBy.push(judgeId)
  return true
}

/** Makes every rule pass a request that this package made itself. */
export function passEveryRule(req: Request): void {
  stateOf(req).judged = EVERYONE
}
