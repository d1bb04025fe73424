import type { FrameworkRequest, Request, Response } from '../http-types.ts'
import { appNotFound, type NotFound, PROBE_PATH, PROBE_QUERY, type Prepare } from './app-not-found.ts'

/** Of one response, of its connection, or of one visitor. */
const notOfThePage = new Set(['connection', 'date', 'keep-alive', 'set-cookie', 'transfer-encoding'])

/*
 * Few have need of this, so it is loaded at the first need. What it shares with the rest it is given: a bundler would split
 * the rest as well.
 */

/** What answers a request as the app would if it were no drop; undefined where the app has no 404. */
export async function asTheApp(req: Request, res: Response, status: number, prepare: Prepare) {
  const page = await appNotFound(req, prepare)
  return page && (() => respondNotFound(req, res, status, page))
}

/** The same headers, the same body with the path in it. */
function respondNotFound(req: Request, res: Response, status: number, page: NotFound): void {
  const own = page.headers.filter(([name]) => !notOfThePage.has(name.toLowerCase()))
  const names = new Set(own.map(([name]) => name.toLowerCase()))
  for (const name of res.getHeaderNames()) if (!names.has(name)) res.removeHeader(name)
  const body = bodyFor(req, page)
  const computed: Record<string, string | undefined> = {
    'content-length': String(Buffer.byteLength(body)),
    etag: tagFor(body, page),
  }
  for (const [name, value] of own) {
    const key = name.toLowerCase()
    // What is new for each request (an id, what is left of a limit) other middleware has set already.
    const before = key.startsWith('content-') ? undefined : res.getHeader(name)
    const now = key in computed ? computed[key] : (before ?? value)
    if (now !== undefined) res.setHeader(name, now)
  }
  res.statusCode = status
  res.end(body)
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

/** How a URL stands in a body of this type, so that it can't be more than text there. */
function writerFor(type: string): (url: string) => string {
  if (/json/i.test(type)) return url => JSON.stringify(url).slice(1, -1)
  return url =>
    url
      .replace(/[^\x21-\x7e]|["<>\\^`{|}]/g, character => encodeURIComponent(character))
      .replace(/[&']/g, character => (/html|xml/i.test(type) ? entity(character) : character))
}

const entity = (character: string) => (character === '&' ? '&amp;' : '&#39;')

/** The tag that Express and others would make of a body; undefined where the app's tags are of another kind. */
function tagFor(body: string, page: NotFound): string | undefined {
  const tag = headerOf(page, 'etag')
  const own = tag && digest(page.body)
  return own && tag?.endsWith(own) ? tag.replace(own, () => digest(body)) : undefined
}

/** As the npm package `etag` writes it: the length and the start of a hash. */
function digest(text: string): string {
  // Not imported: it takes long to load, and few have need of it.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return `"${Buffer.byteLength(text).toString(16)}-${createHash('sha1').update(text).digest('base64').slice(0, 27)}"`
}
