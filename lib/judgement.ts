import { show } from './diagnostics/show.ts'
import type { Finding } from './reasons.ts'
import type { Next, Request, Response } from './request/http-types.ts'

/** Pass: nothing, `null`, `false`, `''`. Drop: a reason, a {@link Finding}, or `true` (the rule's name is the reason). */
// biome-ignore lint/suspicious/noConfusingVoidType: a judge that only passes returns nothing
export type Judgement = Finding | string | boolean | null | undefined | void

/** A pure function of the request, or one that promises its judgement. (A method's type, so that a judge may name Express's types.) */
export type Judge = {
  judge(req: Request, res: Response): Judgement | PromiseLike<Judgement>
}['judge']

/** What a factory returns: a Connect middleware, and an entry for `protect({ rules })`. */
export type Rule = (req: Request, res: Response, next: Next) => void

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
