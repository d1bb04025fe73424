import http, { type IncomingMessage, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Request } from '../http-types.ts'
import { passEveryRule } from '../request-state.ts'

/** The answer that an app has for a path of nobody's. */
export interface NotFound {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Asked for, and to be found again in the answer. */
export const PROBE_PATH = '/444-4d0a9c1f-no-such-page'
export const PROBE_QUERY = '?4d0a9c1f=444'

/** The app may be slow once; a proxy does not wait for ever. In milliseconds. */
const PATIENCE = 1_000

/** An app that gave no 404 is asked again after this time, in milliseconds: it may have been about to start. */
const ASK_AGAIN = 60_000

/** More than this is no page that says that there is none. */
const MAX_BODY = 262_144

interface Known {
  readonly page: NotFound | undefined
  readonly since: number
}

const known = new WeakMap<object, Known | Promise<NotFound | undefined>>()

/**
 * What the app on the server of a request itself answers where it has nothing: asked once, with a request of our own, so
 * that no byte of an attacker's reaches it. Undefined where the app gives no 404 to that.
 */
export function appNotFound({ socket }: Request): NotFound | undefined | Promise<NotFound | undefined> {
  const { server } = socket as AppSocket
  if (!server?.listeners('request').length) return undefined
  const seen = known.get(server)
  if (seen instanceof Promise) return seen
  if (seen && (seen.page || performance.now() - seen.since < ASK_AGAIN)) return seen.page
  const asked = askApp(server, socket as AppSocket).then(page => {
    known.set(server, { page, since: performance.now() })
    return page
  })
  known.set(server, asked)
  return asked
}

type AppSocket = Socket & { server?: AppServer; encrypted?: boolean }

interface AppServer {
  listeners(event: 'request'): unknown[]
}

/** Over a connection in memory, with a server and a client of Node's own at its ends. */
async function askApp(server: AppServer, { remoteAddress, encrypted }: AppSocket) {
  const [near, far] = duplexPair()
  const inner = http.createServer(passEveryRule)
  for (const listener of server.listeners('request')) inner.on('request', listener as RequestListener)
  inner.emit('connection', Object.assign(far, { remoteAddress, encrypted }))
  try {
    return await ask(near as Socket)
  } finally {
    near.destroy()
    far.destroy()
  }
}

const headers = {
  Host: 'localhost',
  'X-Forwarded-Proto': 'https',
  'User-Agent': 'drop444',
  Accept: '*/*',
  Connection: 'close',
}

function ask(near: Socket): Promise<NotFound | undefined> {
  return new Promise(resolve => {
    const path = PROBE_PATH + PROBE_QUERY
    const request = http.request({ path, headers, createConnection: () => near })
    const timer = setTimeout(give, PATIENCE, undefined).unref()
    function give(page: NotFound | undefined): void {
      clearTimeout(timer)
      request.destroy()
      resolve(page)
    }
    request
      .on('error', () => give(undefined))
      .on('response', response => read(response, give))
      .end()
  })
}

function read(response: IncomingMessage, give: (page: NotFound | undefined) => void): void {
  if (response.statusCode !== 404) return give(undefined)
  let body = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk
    if (body.length > MAX_BODY) give(undefined)
  })
  response.on('error', () => give(undefined))
  response.on('end', () => {
    const { rawHeaders: raw } = response
    give({ headers: raw.flatMap((name, i) => (i % 2 ? [] : [[name, raw[i + 1] as string]])), body })
  })
}
