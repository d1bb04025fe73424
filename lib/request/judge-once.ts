import { shared } from '../runtime/copies.ts'
import type { Request } from './http-types.ts'
import { type RequestState, stateOf } from './request-state.ts'

/** Identifies a judge, which judges no request twice. */
export interface JudgeId {
  /** One of 31 bits, for the first ones of a process; 0 for the others. */
  readonly bit: number
}

/** How many of the bits are given out. */
const given = /* @__PURE__ */ shared('judges', () => ({ bits: 0 }))

/** All 32 bits. Judges use only 31, so no set of judges ever equals it. */
const EVERYONE = -1

export const newJudgeId = (): JudgeId => ({ bit: given.bits < 31 ? 1 << given.bits++ : 0 })

/**
 * Notes who judges the request.
 *
 * @returns false if they have done so before
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

/** Has every rule let a request of our own pass. */
export function passEveryRule(req: Request): void {
  stateOf(req).judged = EVERYONE
}
