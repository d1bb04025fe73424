/** Every reason that a rule of this package can give. Stable: filter logs and events by these, never by prose. */
export const Reason = Object.freeze({
  /** `drop()` called with no reason. */
  DROP: 'drop',
  NO_HOST: 'no-host',
  EMPTY_HOST: 'empty-host',
  DUPLICATE_HOST: 'duplicate-host',
  INVALID_HOST: 'invalid-host',
  IP_HOST: 'ip-host',
  UNKNOWN_HOST: 'unknown-host',
  DENIED_ADDRESS: 'denied-address',
  UNLISTED_ADDRESS: 'unlisted-address',
  /** A rule that needs the client's address found none: see the option `noAddress`. */
  NO_ADDRESS: 'no-address',
  BAD_AGENT: 'bad-agent',
  EMPTY_AGENT: 'empty-agent',
  UNLISTED_PATH: 'unlisted-path',
  /** The path could mean one thing here and another in the app. */
  AMBIGUOUS_PATH: 'ambiguous-path',
  UNLISTED_METHOD: 'unlisted-method',
  RATE_LIMITED: 'rate-limited',
} as const)

/** One of {@link Reason}'s literals. */
export type Reason = (typeof Reason)[keyof typeof Reason]
