import { isAskedByBrowsers, isAskedByCrawlers } from '../../lists/browser-paths.ts'
import { framework, type Request } from '../../request/http-types.ts'

/** The cause of a request, as far as its headers show. */
export type Maker =
  /** The client itself: no header shows another cause. */
  | 'client'
  /** A visit to a page, by a link or the address bar; or a path that honest programs request again and again. */
  | 'visit'
  /** A browser, for a page of this site (or of another subdomain) or by itself: images, scripts, `fetch`, prefetches, icons, reports. */
  | 'page'
  /** A page of another site, which makes the browser send the request. */
  | 'foreign-page'

/** The start of a browser's Accept for an image, a style sheet or an event stream, but never for a page. */
const partOfPage = /^(?:image\/|text\/css|text\/event-stream)/

/** The content types that browsers post by themselves: pings of links, reports of policies. */
const report = /^(?:text\/ping|application\/(?:csp-report|reports\+json))/

const hostOfUrl = /^[a-z][a-z\d+.-]{0,30}:\/\/([^/?#]*)/i

export const isSafe = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD'

/** Whether the User-Agent looks like a browser's: each one starts with this text. */
export const isBrowser = ({ headers }: Request): boolean =>
  headers['user-agent']?.startsWith('Mozilla/5.0 ') ?? false

/**
 * Whether a browser's request is a script's call, not a visit: for a visit, browsers accept `text/html`. Without fetch metadata
 * this is the only sign of a script that repeats a call after a 401.
 */
export const isCall = (req: Request): boolean =>
  isBrowser(req) && req.headers.accept !== undefined && !req.headers.accept.includes('text/html')

/** The request target as sent, before a router removes its mount path. */
export const targetOf = (req: Request): string => framework(req).originalUrl ?? req.url ?? ''

export function hostOf({ headers }: Request): string {
  return headers.host ?? (headers[':authority'] as string | undefined) ?? ''
}

/** The maker of a request. Browsers let no page set the headers that show it, but another client can send any. */
export function makerOf(req: Request): Maker {
  const isRead = isSafe(req)
  const path = isRead ? pathOf(targetOf(req)) : ''
  if (isRead && isAskedByBrowsers(path)) return 'page'
  const maker = makerByFetchMetadata(req, isRead) ?? makerByOrigin(req, isRead)
  return maker === 'client' && isRead && isAskedByCrawlers(path) ? 'visit' : maker
}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

/** The maker by W3C Fetch Metadata, which browsers send over TLS and to localhost. Undefined if it is missing or invalid. */
function makerByFetchMetadata({ headers }: Request, isRead: boolean): Maker | undefined {
  const site = headers['sec-fetch-site']
  if (site === 'cross-site') return 'foreign-page'
  if (site === 'same-site') return 'page'
  const mode = headers['sec-fetch-mode']
  if ((site !== 'same-origin' && site !== 'none') || mode === undefined) return undefined
  const isVisit = mode === 'navigate' && (headers['sec-fetch-dest'] ?? 'document') === 'document'
  if (isVisit || site === 'none') return isRead ? 'visit' : 'client'
  return 'page'
}

/** The maker by the headers that browsers send over plain HTTP too, and sent before fetch metadata existed. */
function makerByOrigin(req: Request, isRead: boolean): Maker {
  const { headers } = req
  const { origin, referer = '' } = headers
  // `null` is the origin of a sandboxed page, and of a page of ours that sends no referrer.
  const from = hostOfUrl.exec(origin === undefined || origin === 'null' ? referer : origin)?.[1]
  if (from !== undefined && from.toLowerCase() !== hostOf(req).toLowerCase()) return 'foreign-page'
  if (!isRead) return report.test(headers['content-type'] ?? '') ? 'page' : 'client'
  const isPart = partOfPage.test(headers.accept ?? '') || headers['sec-purpose'] !== undefined
  if (isPart || (from !== undefined && headers.upgrade !== undefined)) return 'page'
  return from !== undefined || headers['upgrade-insecure-requests'] === '1' ? 'visit' : 'client'
}
