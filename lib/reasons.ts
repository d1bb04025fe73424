/** Every reason that a rule of this package, or `protect`, can give. Stable: filter logs and events by these, never by prose. */
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
  /** An offender, for as long as it is banned: see `repeatOffender`. */
  BANNED: 'banned',
  /** The event loop is late: see `shedLoad`. */
  OVERLOADED: 'overloaded',
  /** The store of a rate limit does not answer: see the option `onStoreError`. */
  STORE_DOWN: 'store-down',
  /** A rule given to `protect` threw. */
  RULE_ERROR: 'rule-error',
  INVALID_METHOD: 'invalid-method',
  INVALID_TARGET: 'invalid-target',
  /** `OPTIONS *`. */
  ASTERISK_TARGET: 'asterisk-target',
  /** Neither HTTP/1.0 nor HTTP/1.1: HTTP/0.9, RTSP, ICE and the like. */
  INVALID_VERSION: 'invalid-version',
  INVALID_HEADER: 'invalid-header',
  HEADER_TOO_LARGE: 'header-too-large',
  INVALID_CONTENT_LENGTH: 'invalid-content-length',
  INVALID_TRANSFER_ENCODING: 'invalid-transfer-encoding',
  INVALID_CHUNK: 'invalid-chunk',
  /** The client has ended its side in the middle of a request. */
  TRUNCATED_REQUEST: 'truncated-request',
  /** Whatever else Node's parser refuses. */
  MALFORMED_REQUEST: 'malformed-request',
  /** An `Expect` other than `100-continue`. */
  UNKNOWN_EXPECTATION: 'unknown-expectation',
  /** CONNECT, and the app has no listener for it. */
  CONNECT_METHOD: 'connect-method',
  TLS_ON_PLAIN_PORT: 'tls-on-plain-port',
  HTTP2_ON_HTTP1: 'http2-on-http1',
  NOT_TLS: 'not-tls',
  MALFORMED_TLS: 'malformed-tls',
  /** A ClientHello that offers only versions older than the server's. */
  TLS_VERSION: 'tls-version',
  /** The TLS handshake failed after a sound ClientHello. */
  TLS_ERROR: 'tls-error',
  NO_SERVER_NAME: 'no-server-name',
  UNKNOWN_SERVER_NAME: 'unknown-server-name',
  NOT_HTTP2: 'not-http2',
  HTTP2_ERROR: 'http2-error',
  /** TLS without a protocol that the server speaks. */
  UNKNOWN_PROTOCOL: 'unknown-protocol',
  HANDSHAKE_TIMEOUT: 'handshake-timeout',
  HEADER_TIMEOUT: 'header-timeout',
  BODY_TIMEOUT: 'body-timeout',
  SEND_TIMEOUT: 'send-timeout',
  /** Node's own `headersTimeout` or `requestTimeout`. */
  REQUEST_TIMEOUT: 'request-timeout',
  TOO_MANY_CONNECTIONS: 'too-many-connections',
} as const)

/** One of {@link Reason}'s literals. */
export type Reason = (typeof Reason)[keyof typeof Reason]

/** The detail of a connection that timed out before anything was asked: browsers keep such ones in store. */
export const NOTHING_SENT = 'nothing was sent'

/** Why a request is dropped. */
export interface Finding {
  /** A stable literal for logs and filters. */
  reason: string
  /** What matched, or what was not found. */
  detail?: string | undefined
  /** Milliseconds until it would pass: sent as `Retry-After` with a `status`. */
  retryAfter?: number | undefined
}
