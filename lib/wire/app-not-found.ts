import http, { type IncomingMessage, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Request } from '../request/http-types.ts'

/** The answer of an app for a path that it does not have. */
export interface NotFound {
  readonly message: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Part of the path and the query that are asked for, so that they can be found again in the answer. */
const MARK = '4d0a9c1f'
export const PROBE_PATH = `/444-${MARK}-no-such-page`
export const PROBE_QUERY = `?${MARK}=444`

/** How long the app may take, in milliseconds: the visitor's proxy waits meanwhile. */
const PATIENCE = 1_000

/** An app that gave no 404 is asked again after this time, in milliseconds: it may have been about to start. */
const ASK_AGAIN = 60_000

/** The longest body that is kept; a longer one is hardly a 404 page. */
const MAX_BODY = 262_144

interface Known {
  readonly page: Promise<NotFound | undefined>
  until: number
}

const known = new WeakMap<object, Known>()

/**
 * The 404 of the app on a request's server. The app is asked once, with a request of our own, so that no byte of an attacker's
 * reaches it. Undefined if its answer to that is no 404.
 */
export async function appNotFound({ socket }: Request, asking: Asking): Promise<NotFound | undefined> {
  const { server } = socket as AppSocket
  if (!server?.listeners('request').length) return undefined
  const seen = known.get(server)
  if (seen && performance.now() < seen.until) return seen.page
  const asked: Known = {
    page: asking.outside(() => askApp(server, socket as AppSocket, asking.prepare)),
    until: Number.POSITIVE_INFINITY,
  }
  known.set(server, asked)
  const page = await asked.page
  if (!page) asked.until = performance.now() + ASK_AGAIN
  return page
}

export interface Asking {
  /** Makes every rule let our request pass. */
  prepare(req: IncomingMessage): void
  /** Runs a function in no request's context, as an app may read that (`AsyncLocalStorage`). */
  outside<T>(run: () => T): T
}

type AppSocket = Socket & { server?: AppServer; encrypted?: boolean }

interface AppServer {
  listeners(event: 'request'): unknown[]
}

/** Asks the app over a connection in memory, with a server and a client of Node's own at its ends. */
async function askApp(server: AppServer, socket: AppSocket, prepare: Asking['prepare']) {
  const [near, far] = duplexPair()
  const inner = http.createServer(prepare)
  for (const listener of server.listeners('request')) inner.on('request', askListener(server, listener))
  inner.emit(
    'connection',
    Object.assign(
      far,
      fakeSocketFields(socket, () => far),
    ),
  )
  try {
    return await ask(near as Socket)
  } finally {
    near.destroy()
    far.destroy()
  }
}

/** The fields and methods of a real socket that an app may use, for our stream, which lacks them. */
function fakeSocketFields(socket: AppSocket, itself: () => object): object {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted } = socket
  const methods = { setTimeout: itself, setNoDelay: itself, setKeepAlive: itself, ref: itself, unref: itself }
  const ofTls = { authorized: false, getPeerCertificate: () => ({}), getProtocol: () => 'TLSv1.3' }
  const facts = { remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted }
  return { ...facts, ...methods, ...(encrypted ? ofTls : {}) }
}

/** Calls a listener of the app. If it throws there is no page, and no visitor is affected. */
function askListener(server: AppServer, listener: unknown): RequestListener {
  return async function listen(req, res) {
    try {
      await (listener as (this: unknown, ...args: unknown[]) => unknown).call(server, req, res)
    } catch {
      res.destroy()
    }
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
  const { statusCode, statusMessage = '', headers: fields } = response
  const isText = !fields['content-encoding'] && !/charset=(?!"?utf-8)/i.test(fields['content-type'] ?? '')
  if (statusCode !== 404 || !isText) return give(undefined)
  let body = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk
    if (body.length > MAX_BODY) give(undefined)
  })
  response.on('error', () => give(undefined))
  response.on('end', () => {
    const { rawHeaders: raw } = response
    const headers = raw.flatMap((name, i) => (i % 2 ? [] : [[name, raw[i + 1] as string] as const]))
    give(showsProbePathOnlyInBody(headers, body) ? { message: statusMessage, headers, body } : undefined)
  })
}

/** Whether our path stands in the body alone, as it was sent: elsewhere, or changed, it could not be replaced. */
function showsProbePathOnlyInBody(headers: NotFound['headers'], body: string): boolean {
  const rest = body.replaceAll(PROBE_PATH + PROBE_QUERY, '').replaceAll(PROBE_PATH, '')
  return !rest.includes(MARK) && headers.every(([, value]) => !value.includes(MARK))
}
