import assert from 'node:assert/strict'
import http, { type RequestListener, type ServerOptions, type ServerResponse } from 'node:http'
import express from 'express'
import express4 from 'express4'
import { type CommonOptions, protect, type Request, rule } from '../../lib/index.ts'
import { get, type RawClient } from '../support/raw-client.ts'

const isBad = (req: Request) => req.url?.startsWith('/bad') && 'bad'
export const noBad = (options: CommonOptions) => rule('no-bad', isBad, { trustProxy: 'loopback', ...options })
export const NO_STORE = /^cache-control: no-store$/im

/** As an app may answer; `method-override` and its like change the method too. */
export const fine = (req: { url?: string | undefined }, res: { end(text?: string): unknown }) =>
  void (req.url === '/ok' ? res.end('fine') : res.end())

/** What other middleware may have said of the page that it expected. */
function misleading(req: { url?: string | undefined }, res: ServerResponse, next: () => void): void {
  if (req.url !== '/bad') return next()
  res.setHeader('Content-Type', 'application/x-of-the-page')
  res.setHeader('Content-Encoding', 'identity')
  res.setHeader('Content-Length', '7')
  res.setHeader('ETag', '"of-the-page"')
  res.setHeader('Last-Modified', new Date(0).toUTCString())
  res.setHeader('Trailer', 'X-Sum')
  next()
}

export type Site = (server: ServerOptions, options: CommonOptions) => http.Server

export const sites: Record<string, Site> = {
  bare: (server, options) => {
    const noBadRule = noBad(options)
    return http.createServer(server, (req, res) =>
      misleading(req, res, () =>
        noBadRule(req, res, error => {
          assert.equal(error, undefined)
          fine(req, res)
        }),
      ),
    )
  },
  'Express 5': (server, options) => {
    const app = express()
    app.use(misleading as never, noBad(options) as never)
    app.get('/ok', (_req, res) => void res.send('fine'))
    return http.createServer(server, app)
  },
  'Express 4': (server, options) => {
    const app = express4()
    app.use(noBad(options) as never)
    app.get('/ok', (_req: unknown, res: { send(body: string): void }) => res.send('fine'))
    return http.createServer(server, app as unknown as RequestListener)
  },
  protect: (server, options) => protect(http.createServer(server, fine), { rules: [noBad(options)] }),
}

const ask = (method: string) => {
  const body = method === 'POST' || method === 'PUT' ? 'four' : ''
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
  return `${method} /bad HTTP/1.1\r\nHost: localhost\r\nUser-Agent: raw/1\r\n${length}\r\n${body}`
}

/**
 * Sends an unwanted request and, in the same packet, a good one.
 *
 * @returns the head of the first answer, once the second has come where it must stand
 */
export async function inSync(client: RawClient, method: string, code: number): Promise<string> {
  const start = client.text.length
  const text = () => client.text.slice(start)
  client.send(ask(method) + get('/ok'))
  const isNext = () => {
    const [head = ''] = text().split('\r\n\r\n', 1)
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    const isEmpty = method === 'HEAD' || code === 204 || code === 304
    const rest = text().slice(head.length + 4 + (isEmpty ? 0 : length))
    return /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfine$/.test(rest)
  }
  await client.until(() => isNext() || client.end !== 'open')
  const what = `${method} ${code}: ${client.end} ${JSON.stringify(text())}`
  assert.match(text(), new RegExp(`^HTTP/1\\.1 ${code} `), what)
  assert.ok(isNext() && client.end === 'open', what)
  return text().split('\r\n\r\n', 1)[0] as string
}

export function assertHead(head: string, method: string, code: number): void {
  const what = `${method} ${code}: ${head}`
  const fields = head.split('\r\n').slice(1)
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  assert.equal(fields.filter(field => NO_STORE.test(field)).length, 1, what)
  assert.doesNotMatch(
    head,
    /transfer-encoding|trailer|of-the-page|identity|last-modified|content-length: 7$/im,
  )
  if (code === 204 || code === 304) {
    assert.equal(length, undefined, what)
    assert.doesNotMatch(head, /^content-type/im, what)
  } else if (code === 205 || code === 444) assert.equal(length, '0', what)
  else assert.ok(Number(length) > 0, what)
}

export const handOffs = [444, 404, 200, 204, 205, 301, 304, 403, 503, 599]
export const statuses = [400, 403, 404, 429, 503]
