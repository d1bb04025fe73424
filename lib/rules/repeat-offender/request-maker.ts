import { isAskedByBrowsers, isAskedByCrawlers } from '../../lists/browser-paths.ts'
import { framework, type Request } from '../../request/http-types.ts'

/** Whose doing a request is, as far as its headers tell. */
export type Maker =
  /** The client's own, for all that is known. */
  | 'client'
  /** Somebody goes to a page, by a link or the address line; or it is a path that honest programs ask for again and again. */
  | 'visit'
  /** The browser's, for a page of ours (of another subdomain too) or by itself: images, scripts, calls of `fetch`, prefetches, icons, reports. */
  | 'page'
  /** A page of another site has the browser ask. */
  | 'foreign-page'

/** What a browser accepts for an image, a style sheet, an event stream: it never does so for a page. */
const partOfPage = /^(?:image\/|text\/css|text\/event-stream)/

/** What browsers post by themselves: pings of links, reports of policies. */
const report = /^(?:text\/ping|application\/(?:csp-report|reports\+json))/

const hostOfUrl = /^[a-z][a-z\d+.-]{0,30}:\/\/([^/?#]*)/i

export const isSafe = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD'

/** By its agent: every browser's begins so. */
export const isBrowser = ({ headers }: Request): boolean =>
  headers['user-agent']?.startsWith('Mozilla/5.0 ') ?? false

/**
 * Whether a browser asks for no page: a script that goes on asking for what was answered 401, where no fetch metadata says
 * so. Going to a page, browsers accept `text/html`.
 */
export const isCall = (req: Request): boolean =>
  isBrowser(req) && req.headers.accept !== undefined && !req.headers.accept.includes('text/html')

/** The target as it was sent, not as a router cut it. */
export const targetOf = (req: Request): string => framework(req).originalUrl ?? req.url ?? ''

export function hostOf({ headers }: Request): string {
  return headers.host ?? (headers[':authority'] as string | undefined) ?? ''
}

/** Which of them made a request. Browsers let no page set the headers that tell; another client can write what it likes. */
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

/** W3C Fetch Metadata: what browsers send over TLS, and to localhost. Undefined where there is none, or nonsense. */
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

/** What browsers send over plain HTTP, and sent before there was fetch metadata. */
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
