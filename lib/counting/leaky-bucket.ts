/** One limit in nginx's units: thousandths of a request, and thousandths of a request per second. */
export interface Bucket {
  /** Thousandths of a request that leak out in a second: nginx's `rate`. */
  readonly rate: number
  /** Thousandths of a request that the bucket holds beyond the rate: nginx's `burst`. */
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
  /** Whether the request may pass, if need be after `delay`. */
  readonly allowed: boolean
  /** How long an allowed request has to wait. */
  readonly delay: number
  /** When a rejected one would be allowed; Infinity where it costs more than the bucket ever holds. */
  readonly retryAfter: number
  /** Of several limits, the index of the one that decided. */
  readonly limit?: number | undefined
  /** The store is down, and `onStoreError` says to drop. */
  readonly isUnknown?: boolean | undefined
}

const atOnce: Decision = /* @__PURE__ */ Object.freeze({ allowed: true, delay: 0, retryAfter: 0 })

/** A further request counts a thousand; one that costs more, as so many that come at once. */
const ONE = 1000

const rejected = (retryAfter: number): Decision => ({ allowed: false, delay: 0, retryAfter })

/** What an allowed request waits for, at this excess. */
export function allowedAt(bucket: Bucket, excess: number): Decision {
  if (excess <= bucket.delay) return atOnce
  return { allowed: true, delay: Math.trunc(((excess - bucket.delay) * 1000) / bucket.rate), retryAfter: 0 }
}

/** Milliseconds since `last`, as nginx counts them where its clock jumped back (ngx_http_limit_req_lookup). */
export function elapsed(last: number, now: number): number {
  const ms = Math.trunc(now) - last
  return ms < -60_000 ? 1 : Math.max(0, ms)
}

/** The first request of a key: excess 0, passes (ngx_http_limit_req_lookup, new node). Sets `state`, unless it is rejected. */
export function firstRequest(bucket: Bucket, state: BucketState, now: number, cost = 1): Decision {
  const excess = (cost - 1) * ONE
  if (excess > bucket.burst) return rejected(Number.POSITIVE_INFINITY)
  state.excess = excess
  state.last = Math.trunc(now)
  return allowedAt(bucket, excess)
}

/**
 * A further request of a key: nginx's arithmetic (ngx_http_limit_req_lookup and _account), integer division included.
 * Changes `state`, unless the request is rejected.
 *
 * Where the clock was set back, `state` is taken for one of this moment, and changed to be so in any case: nginx's clock is
 * monotonic, so none of its clients waits until a clock has caught up.
 */
export function nextRequest(bucket: Bucket, state: BucketState, now: number, cost = 1): Decision {
  const time = Math.trunc(now)
  const ms = elapsed(state.last, time)
  if (time < state.last) state.last = time - ms
  const more = (cost - 1) * ONE
  const excess = Math.max(0, state.excess - Math.trunc((bucket.rate * ms) / 1000) + ONE) + more
  if (excess > bucket.burst) {
    if (more > bucket.burst) return rejected(Number.POSITIVE_INFINITY)
    // From the last request that was counted: what has run off since is rounded down, so it can't be the start.
    const turn = Math.ceil(((state.excess + ONE + more - bucket.burst) * 1000) / bucket.rate)
    return rejected(state.last + turn - time)
  }
  state.excess = excess
  if (ms > 0) state.last = time
  return allowedAt(bucket, excess)
}
