import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import express from 'express'
import { type HandOff, pathAllowlist, type TrustProxy } from '../../lib/index.ts'

const paths = ['/', '/healthz', '/echo/*', '/slow/*']

/** How long the second half of `/slow/…` takes, in milliseconds. */
const SLOW = 500

export interface SiteOptions {
  handOff?: HandOff
  /** Default: 127.0.0.1 alone, as the clients of these tests have other loopback addresses. */
  trustProxy?: TrustProxy
}

const trusted = '127.0.0.1/32'
const handOffOf = ({ handOff }: SiteOptions) => (handOff === undefined ? {} : { handOff })

/** What a request said, so that an answer to another one is noticed. */
export function echoOf(id: string, body: Buffer): string {
  return `${id} ${body.length} ${createHash('sha1').update(body).digest('hex')}`
}

export async function bodyOf(req: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A site in Express, which answers `/` with its name. */
export function createSite(name: string, options: SiteOptions): RequestListener {
  const app = express()
  app.set('trust proxy', options.trustProxy ?? trusted)
  app.use(pathAllowlist(paths, handOffOf(options)))
  app.get('/', (_req, res) => void res.send(name))
  app.get('/healthz', (_req, res) => void res.send('ok'))
  app.all('/echo/:id', async (req, res) => {
    res.send(echoOf(req.params.id as string, await bodyOf(req)))
  })
  app.get('/slow/:id', (req, res) => {
    res.write('slow ')
    setTimeout(() => res.end(req.params.id), SLOW)
  })
  return app
}

/** The same without Express, which does not run on HTTP/2. */
export function createHttp2Site(name: string, options: SiteOptions) {
  const rule = pathAllowlist(paths, {
    trustProxy: options.trustProxy ?? trusted,
    ...handOffOf(options),
  })
  return (req: Http2ServerRequest, res: Http2ServerResponse) =>
    rule(req, res, async () => {
      const [, section, id = ''] = req.url.split('/')
      if (section === 'echo') return void res.end(echoOf(id, await bodyOf(req)))
      if (section !== 'slow') return void res.end(name)
      res.write('slow ')
      setTimeout(() => res.end(id), SLOW)
    })
}
