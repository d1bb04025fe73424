interface Wrapper {
  /** Left by shimmer, and so by OpenTelemetry and Sentry 8 to 10. */
  readonly __original?: unknown
  /** Left by other wrappers of Sentry's. */
  readonly __sentry_original__?: unknown
}

/** Wrappers around wrappers end somewhere, also where one names itself. */
const MOST_WRAPPERS = 20

/** The function that tracing has wrapped, where the wrapper says so; else the function itself. */
export function unwrap<T extends object>(handle: T): T {
  let inner: T = handle
  for (let i = 0; i < MOST_WRAPPERS; i++) {
    const { __original, __sentry_original__ = __original } = inner as Wrapper
    if (typeof __sentry_original__ !== 'function') return inner
    inner = __sentry_original__ as unknown as T
  }
  return inner
}
