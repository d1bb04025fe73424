interface Wrapper {
  /** Set by shimmer, and so by OpenTelemetry and Sentry 8 to 10. */
  readonly __original?: unknown
  /** Set by other wrappers of Sentry's. */
  readonly __sentry_original__?: unknown
}

/** A bound, since a wrapper may name itself as its original. */
const MOST_WRAPPERS = 20

/** The function that a wrapper of tracing names as its original; else the function itself. */
export function unwrap<T extends object>(handle: T): T {
  let inner: T = handle
  for (let i = 0; i < MOST_WRAPPERS; i++) {
    const { __original, __sentry_original__ = __original } = inner as Wrapper
    if (typeof __sentry_original__ !== 'function') return inner
    inner = __sentry_original__ as unknown as T
  }
  return inner
}
