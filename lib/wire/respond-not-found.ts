import { STATUS_CODES } from 'node:http'
import type { FrameworkRequest, Request, Response } from '../request/http-types.ts'
import { type Asking, appNotFound, type NotFound, PROBE_PATH, PROBE_QUERY } from './app-not-found.ts'

/** Headers that belong to one response, its connection or one visitor, not to the page. */
const notOfThePage = /* @__PURE__ */ new Set([
  'connection',
  'date',
  'keep-alive',
  'set-cookie',
  'trailer',
  'transfer-encoding',
])

/** Whether a header describes the page. Values that other middleware has set describe the page that was asked for. */
const isOfPage = (key: string) =>
  key.startsWith('content-') ||
  ['cache-control', 'etag', 'expires', 'last-modified', 'pragma', 'vary'].includes(key)

/*
 * This file is loaded at the first need, because few apps use `handOff: 404`. Its callers pass in what it shares with other
 * files: a bundler would split those as well if it imported them.
 */

/**
 * Returns a function that writes the head of the app's own 404 for a request and returns its body; undefined if the app has
 * no 404.
 */
export async function asTheApp(req: Request, res: Response, status: number, asking: Asking) {
  const page = await appNotFound(req, asking)
  return page && (() => writeHead(req, res, status, page))
}

/** Writes the headers of the page, and returns its body with the path of this request in it. */
function writeHead(req: Request, res: Response, status: number, page: NotFound): string {
  const own = headersFor(page)
  const body = bodyFor(req, page)
  for (const key of res.getHeaderNames())
    if (isOfPage(key) || key === 'transfer-encoding' || key === 'trailer') res.removeHeader(key)
  for (const [key, { name, values }] of own) {
    // Values that differ from request to request (an id, the rest of a limit) were set by other middleware already.
    if (key === 'etag') setTag(res, name, body, page)
    else if (key === 'content-length') res.setHeader(name, String(Buffer.byteLength(body)))
    else if (isOfPage(key) || !res.hasHeader(name))
      res.setHeader(name, values.length > 1 ? values : (values[0] as string))
  }
  if ('statusMessage' in res && 'assignSocket' in res)
    res.statusMessage = (status === 404 ? page.message : STATUS_CODES[status]) ?? ''
  res.statusCode = status
  return body
}

/** The headers of a page by name, as some come more than once. */
function headersFor({ headers }: NotFound): Map<string, { name: string; values: string[] }> {
  const own = new Map<string, { name: string; values: string[] }>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const known = own.get(key)
    if (known) known.values.push(value)
    else if (!notOfThePage.has(key)) own.set(key, { name, values: [value] })
  }
  return own
}

const headerOf = ({ headers }: NotFound, wanted: string) =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1]

function bodyFor(req: Request, page: NotFound): string {
  const { body } = page
  if (!body.includes(PROBE_PATH)) return body
  const url = (req as FrameworkRequest).originalUrl ?? req.url ?? '/'
  const mark = url.indexOf('?')
  const written = writerFor(headerOf(page, 'content-type') ?? '')
  const whole = written(url)
  const path = mark < 0 ? whole : written(url.slice(0, mark))
  return (
    body
      // "Cannot GET /x", "Route GET:/x not found"
      .replaceAll(new RegExp(`GET(?=.?${PROBE_PATH})`, 'g'), () => req.method ?? '')
      .replaceAll(PROBE_PATH + PROBE_QUERY, () => whole)
      .replaceAll(PROBE_PATH, () => path)
  )
}

/** How a URL stands in a body of this type, so that it can't be more than text there: as the npm package `encodeurl` has it. */
function writerFor(type: string): (url: string) => string {
  if (/json/i.test(type)) return url => JSON.stringify(url).slice(1, -1)
  return url =>
    pathOf(url)
      .replace(/#.*/s, '')
      .replace(/%(?![0-9a-f]{2})/gi, '%25')
      .replace(/[^\x21\x23-\x3b\x3d\x3f-\x5f\x61-\x7a\x7c\x7e]/g, character => encodeURIComponent(character))
      .replace(/[&']/g, character => (/html|xml/i.test(type) ? entity(character) : character))
}

/** A URL without scheme and authority. */
const pathOf = (url: string) => url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')

const entity = (character: string) => (character === '&' ? '&amp;' : '&#39;')

/** Sets the ETag that Express and others would make of a body; none if the app makes its tags in another way. */
function setTag(res: Response, name: string, body: string, page: NotFound): void {
  const tag = headerOf(page, 'etag') ?? ''
  const own = digest(page.body)
  if (tag.endsWith(own))
    res.setHeader(
      name,
      tag.replace(own, () => digest(body)),
    )
}

/** As the npm package `etag` writes it: the length and the start of a hash. */
function digest(text: string): string {
  // Not imported: it takes long to load, and few apps need it.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return `"${Buffer.byteLength(text).toString(16)}-${createHash('sha1').update(text).digest('base64').slice(0, 27)}"`
}
