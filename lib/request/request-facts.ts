import { framework, type Request } from './http-types.ts'

/** The facts about a request for events and logs. A request that could not be parsed has some of them. */
export interface RequestFacts {
  /** The user name of Basic credentials, like nginx's `$remote_user`. */
  readonly remoteUser: string | undefined
  /** The method as sent; empty if none could be read. */
  readonly method: string
  /** The request target as sent, before a router removes its mount path. */
  readonly url: string
  /** The version as Node writes it, such as `'1.1'` or `'2.0'`. */
  readonly httpVersion: string
  /** `Host`, or HTTP/2's `:authority`. */
  readonly host: string | undefined
  /** The header field `Referer`. */
  readonly referer: string | undefined
  /** The header field `User-Agent`. */
  readonly userAgent: string | undefined
  /** The first line as received, one character for each byte, if it could not be parsed as a request line; `''` if none came. */
  readonly requestLine: string | undefined
}

/** The facts about a parsed request. */
export function factsOf(req: Request): RequestFacts {
  const { headers } = req
  return {
    remoteUser: basicUser(headers.authorization),
    method: req.method ?? '',
    // CONNECT over HTTP/2 has an authority but no path.
    url: framework(req).originalUrl ?? (req.url || (headers[':authority'] as string | undefined) || ''),
    httpVersion: req.httpVersion,
    host: headers.host ?? (headers[':authority'] as string | undefined),
    referer: headers.referer,
    userAgent: headers['user-agent'],
    requestLine: undefined,
  }
}

/** The user of Basic credentials, byte for byte as nginx reads them (ngx_http_auth_basic_user). */
export function basicUser(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^basic /i.test(authorization)) return undefined
  const encoded = /^[A-Za-z0-9+/]*(?==|$)/.exec(authorization.slice(6).replace(/^ +/, ''))?.[0]
  if (!encoded || encoded.length % 4 === 1) return undefined
  const credentials = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = credentials.indexOf(':')
  return colon > 0 ? credentials.slice(0, colon) : undefined
}
