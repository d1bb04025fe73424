import { show } from './options/options-error.ts'
import type { Request, Response } from './request/http-types.ts'

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

/** Why a judgement drops the request of a rule; undefined where it lets pass. */
export function findingOf(name: string, judgement: Judgement): Finding | undefined {
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
