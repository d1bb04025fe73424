/** Every reason that a rule of this package, or `protect`, can give. Stable: filter logs and events by these, never by prose. */
export const Reason = /* @__PURE__ */ Object.freeze({
  /** `drop()` called with no reason. */
  DROP: 'drop',
  /** No Host, which HTTP/1.1 requires (RFC 9112 3.2). */
  NO_HOST: 'no-host',
  /** A Host without a name. */
  EMPTY_HOST: 'empty-host',
  /** Several names of a host: two Host fields, or a target with another name than Host. */
  DUPLICATE_HOST: 'duplicate-host',
  /** A Host that is no name, address or port (RFC 3986 3.2.2). */
  INVALID_HOST: 'invalid-host',
  /** An address in place of a name: see `noHost`. */
  IP_HOST: 'ip-host',
  /** A name that `serverNames` of `noHost` does not list. */
  UNKNOWN_HOST: 'unknown-host',
  /** An address that is in the list of `denyCidr`. */
  DENIED_ADDRESS: 'denied-address',
  /** An address that is not in the list of `allowCidr`. */
  UNLISTED_ADDRESS: 'unlisted-address',
  /** A rule that needs the client's address found none: see the option `noAddress`. */
  NO_ADDRESS: 'no-address',
  /** A User-Agent that `badAgent` has a pattern for. */
  BAD_AGENT: 'bad-agent',
  /** A User-Agent that is missing, empty or blank: see `badAgent`. */
  EMPTY_AGENT: 'empty-agent',
  /** A path that no pattern of `pathAllowlist` lists. */
  UNLISTED_PATH: 'unlisted-path',
  /** The path could mean one thing here and another in the app. */
  AMBIGUOUS_PATH: 'ambiguous-path',
  /** A method that `methodAllowlist` does not list. */
  UNLISTED_METHOD: 'unlisted-method',
  /** More requests than `rateLimit` allows. */
  RATE_LIMITED: 'rate-limited',
  /** An offender, for as long as it is banned: see `repeatOffender`. */
  BANNED: 'banned',
  /** The event loop is late: see `shedLoad`. */
  OVERLOADED: 'overloaded',
  /** The store of a rate limit does not answer: see the option `onStoreError`. */
  STORE_DOWN: 'store-down',
  /** A rule given to `protect` threw. */
  RULE_ERROR: 'rule-error',
  /** A method that Node's parser does not know, or bytes that are no HTTP. */
  INVALID_METHOD: 'invalid-method',
  /** A request target with bytes that no URL has, or with a scheme other than http and https. */
  INVALID_TARGET: 'invalid-target',
  /** `OPTIONS *`. */
  ASTERISK_TARGET: 'asterisk-target',
  /** Neither HTTP/1.0 nor HTTP/1.1: HTTP/0.9, RTSP, ICE and the like. */
  INVALID_VERSION: 'invalid-version',
  /** A header field that RFC 9112 5 does not allow. */
  INVALID_HEADER: 'invalid-header',
  /** A head larger than Node's `maxHeaderSize`. */
  HEADER_TOO_LARGE: 'header-too-large',
  /** A Content-Length that is no number, or stands beside another length (RFC 9112 6.3). */
  INVALID_CONTENT_LENGTH: 'invalid-content-length',
  /** A Transfer-Encoding other than `chunked` (RFC 9112 6.1), or any on HTTP/1.0. */
  INVALID_TRANSFER_ENCODING: 'invalid-transfer-encoding',
  /** A chunk whose size or end is wrong (RFC 9112 7.1). */
  INVALID_CHUNK: 'invalid-chunk',
  /** The client has ended its side in the middle of a request. */
  TRUNCATED_REQUEST: 'truncated-request',
  /** Whatever else Node's parser refuses. */
  MALFORMED_REQUEST: 'malformed-request',
  /** An `Expect` other than `100-continue`. */
  UNKNOWN_EXPECTATION: 'unknown-expectation',
  /** CONNECT, and the app has no listener for it. */
  CONNECT_METHOD: 'connect-method',
  /** A TLS handshake on a port without TLS. */
  TLS_ON_PLAIN_PORT: 'tls-on-plain-port',
  /** HTTP/2's preface (RFC 9113 3.4) on a server of HTTP/1. */
  HTTP2_ON_HTTP1: 'http2-on-http1',
  /** First bytes that are no TLS record, on a port with TLS. */
  NOT_TLS: 'not-tls',
  /** A ClientHello that is broken. */
  MALFORMED_TLS: 'malformed-tls',
  /** A ClientHello that offers only versions older than the server's. */
  TLS_VERSION: 'tls-version',
  /** The TLS handshake failed after a sound ClientHello. */
  TLS_ERROR: 'tls-error',
  /** A ClientHello without a server name (RFC 6066 3), with `serverNames` of `protect`. */
  NO_SERVER_NAME: 'no-server-name',
  /** A server name that `serverNames` of `protect` does not list. */
  UNKNOWN_SERVER_NAME: 'unknown-server-name',
  /** First bytes that are not HTTP/2's preface, on a server of HTTP/2 alone. */
  NOT_HTTP2: 'not-http2',
  /** An error of the HTTP/2 protocol (RFC 9113 5.4). */
  HTTP2_ERROR: 'http2-error',
  /** TLS without a protocol that the server speaks. */
  UNKNOWN_PROTOCOL: 'unknown-protocol',
  /** No TLS handshake within `handshakeTimeout` of `protect`. */
  HANDSHAKE_TIMEOUT: 'handshake-timeout',
  /** No whole head within `headerTimeout` of `protect`: nginx `client_header_timeout`. */
  HEADER_TIMEOUT: 'header-timeout',
  /** No part of the body for `bodyTimeout` of `protect`: nginx `client_body_timeout`. */
  BODY_TIMEOUT: 'body-timeout',
  /** A client that took nothing for `sendTimeout` of `protect`: nginx `send_timeout`. */
  SEND_TIMEOUT: 'send-timeout',
  /** Node's own `headersTimeout` or `requestTimeout`. */
  REQUEST_TIMEOUT: 'request-timeout',
  /** More connections of one address than `connectionsPerAddress` of `protect`: nginx `limit_conn`. */
  TOO_MANY_CONNECTIONS: 'too-many-connections',
} as const)

/** One of {@link Reason}'s literals. */
export type Reason = (typeof Reason)[keyof typeof Reason]

/** A set of reasons, which a function names: bundlers drop it where nobody asks for it. */
export function reasonSet(list: () => readonly Reason[]): ReadonlySet<string> {
  return new Set(list())
}

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
