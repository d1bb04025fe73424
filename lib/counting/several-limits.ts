import type { Decision } from './leaky-bucket.ts'

/** Whether a decision takes precedence over another one of the same request: a rejection does, else the longer time. */
export function overrides(one: Decision, other: Decision): boolean {
  if (one.allowed !== other.allowed) return !one.allowed
  return one.allowed ? one.delay > other.delay : one.retryAfter > other.retryAfter
}

/**
 * One decision of several limits: each is asked first, and counts only if all allow it (ngx_http_limit_req_handler).
 *
 * @param decide by the limit of this number; `counts` false only asks
 */
export function decideAll(count: number, decide: (limit: number, counts: boolean) => Decision): Decision {
  let longest = { ...decide(0, false), limit: 0 }
  for (let limit = 1; limit < count; limit++) {
    const decision = decide(limit, false)
    if (overrides(decision, longest)) longest = { ...decision, limit }
  }
  if (longest.allowed) for (let limit = 0; limit < count; limit++) decide(limit, true)
  return longest
}
