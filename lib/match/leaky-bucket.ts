/** One limit in nginx's units: thousandths of a request, and thousandths of a request per second. */
export interface Bucket {
  readonly rate: number
  readonly burst: number
  /** Excess that is let through at once; what is above waits. Infinity: nothing waits (nginx `nodelay`). */
  readonly delay: number
}

/** What is kept of a key. */
export interface BucketState {
  excess: number
  /** Milliseconds, as the clock gives them. */
  last: number
}

/** What a bucket says of one request; times in milliseconds. */
export interface Decision {
  readonly allowed: boolean
  /** How long an allowed request has to wait. */
  readonly delay: number
  /** When a rejected one would be allowed. */
  readonly retryAfter: number
}

const atOnce: Decision = Object.freeze({ allowed: true, delay: 0, retryAfter: 0 })

/** The first request of a key: excess 0, passes (ngx_http_limit_req_lookup, new node). Sets `state`. */
export function firstRequest(state: BucketState, now: number): Decision {
  state.excess = 0
  state.last = Math.trunc(now)
  return atOnce
}

/** Milliseconds since `last`, as nginx counts them where its clock jumped back (ngx_http_limit_req_lookup). */
export function elapsed(last: number, now: number): number {
  const ms = Math.trunc(now) - last
  return ms < -60_000 ? 1 : Math.max(0, ms)
}

/**
 * A further request of a key: nginx's arithmetic (ngx_http_limit_req_lookup and _account), integer division included.
 * Changes `state`, unless the request is rejected.
 */
export function nextRequest(bucket: Bucket, state: BucketState, now: number): Decision {
  const ms = elapsed(state.last, now)
  const excess = Math.max(0, state.excess - Math.trunc((bucket.rate * ms) / 1000) + 1000)
  if (excess > bucket.burst) {
    // From the last request that was counted: what has run off since is rounded down, so it can't be the start.
    const turn = Math.ceil(((state.excess + 1000 - bucket.burst) * 1000) / bucket.rate)
    return { allowed: false, delay: 0, retryAfter: state.last + turn - Math.trunc(now) }
  }
  state.excess = excess
  if (ms > 0) state.last = Math.trunc(now)
  if (excess <= bucket.delay) return atOnce
  return { allowed: true, delay: Math.trunc(((excess - bucket.delay) * 1000) / bucket.rate), retryAfter: 0 }
}
