import assert from 'node:assert/strict'
import http, { type RequestListener } from 'node:http'
import { afterEach, describe, test } from 'node:test'
import express from 'express'
import { badAgent, type CommonOptions, protect, rateLimit } from '../../lib/index.ts'
import { haproxy } from '../support/proxies/haproxy.ts'
import { nginx } from '../support/proxies/nginx.ts'
import type { Edit, ProxyKind } from '../support/proxies/proxy.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'

/** The clients have other loopback addresses. */
const trusted = '127.0.0.1/32'
const VISITOR = '127.0.0.3'
const scanner = { 'User-Agent': 'sqlmap/1.8' }

/** A cache that keeps whatever it may, also what says nothing of caches. */
const nginxCache: readonly Edit[] = [
  ['upstream app {', 'proxy_cache_path cache keys_zone=all:1m;\nupstream app {'],
  [
    'proxy_pass http://app;',
    'proxy_pass http://app; proxy_cache all; proxy_cache_valid any 1m; add_header X-Cache $upstream_cache_status always;',
  ],
]

/** It keeps nothing but 200. */
const haproxyCache: readonly Edit[] = [
  ['defaults\n', 'cache all\n    total-max-size 4\n    max-age 60\n\ndefaults\n'],
  [
    '    default_backend app\n',
    '    http-request cache-use all\n    http-response cache-store all\n    default_backend app\n',
  ],
]

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** The proxy with its cache in front of two servers, and who asks it. */
async function behind(kind: ProxyKind, edits: readonly Edit[], create: () => http.Server) {
  const ports: string[] = []
  for (let i = 0; i < 2; i++) {
    const running = await listen(create())
    open.push(running)
    ports.push(`127.0.0.1:${running.port}`)
  }
  const proxy = await kind.start({ upstreams: ports as [string, string], edits })
  open.push(proxy)
  return async (path: string, fields: Record<string, string> = {}, method = 'GET', from = VISITOR) => {
    const bytes = get(path, { Connection: 'close', ...fields }).replace('GET', method)
    return (await exchange({ port: proxy.port, localAddress: from }, bytes, 10_000)).data.toString()
  }
}

function site(options: CommonOptions, ...more: unknown[]): http.Server {
  const app = express()
  app.set('trust proxy', trusted)
  // An app that means its pages to be kept.
  app.use((_req, res, next) => {
    res.set({ 'Cache-Control': 'public, max-age=60', 'X-Accel-Expires': '60' })
    next()
  })
  app.use(badAgent(options) as express.RequestHandler)
  for (const handler of more) app.use(handler as express.RequestHandler)
  app.get('/{*path}', (req, res) => void (req.path === '/none' ? res.status(404) : res).send('fine'))
  const { handOff } = options
  return protect(http.createServer(app), { trustProxy: trusted, ...(handOff ? { handOff } : {}) })
}

const isFine = (text: string) => /^HTTP\/1\.1 200 OK\r\n[\s\S]*fine$/.test(text)
/** Three lines which nginx passes on and Node refuses. */
const oversized = { A: 'x'.repeat(7_000), B: 'x'.repeat(7_000), C: 'x'.repeat(7_000) }

describe('nginx with a cache that keeps any answer', { skip: requireTool('nginx') }, () => {
  test('it does: what says nothing of caches is given to everybody', async () => {
    const bare: RequestListener = (req, res) => {
      res.statusCode = req.headers['user-agent']?.startsWith('sqlmap') ? 444 : 200
      res.end('fine')
    }
    const ask = await behind(nginx, nginxCache, () => http.createServer(bare))
    await ask('/', scanner)
    assert.equal(await ask('/'), '')
  })

  const answers: CommonOptions[] = [
    ...[444, 404, 403, 200, 204, 205, 304, 503].map(handOff => ({ handOff })),
    ...[403, 404, 429, 503].map(status => ({ status })),
    {
      status: 404,
      handler: (_req, res) => {
        res.setHeader('Cache-Control', 'max-age=60')
        res.end('no')
      },
    } as CommonOptions,
  ]
  for (const options of answers) {
    test(`one scanner, and the next visitor of the same page: ${JSON.stringify(options)}`, async () => {
      const ask = await behind(nginx, nginxCache, () => site(options))
      for (const method of ['GET', 'HEAD']) {
        for (const [path, fields] of [
          [`/${method}/agent`, scanner],
          [`/${method}/size`, oversized],
        ] as const) {
          assert.ok(!isFine(await ask(path, fields, method)), path)
          const visit = await ask(path)
          assert.ok(isFine(visit), `${path} ${visit}`)
          // The cache is at work: pages are kept.
          assert.match(await ask(path), /X-Cache: HIT/)
        }
      }
    })
  }

  test("it does: handOff: 'close', of which nginx makes a 502", async () => {
    const ask = await behind(nginx, nginxCache, () => site({ handOff: 'close' }))
    assert.match(await ask('/', scanner), /^HTTP\/1\.1 502 /)
    assert.match(await ask('/'), /^HTTP\/1\.1 502 [\s\S]*X-Cache: HIT/)
  })

  test('nor where codes are named, and Cache-Control is ignored', async () => {
    const edits = nginxCache.map(
      ([from, to]): Edit => [
        from,
        to.replace('any 1m', '200 301 302 1m; proxy_ignore_headers Cache-Control X-Accel-Expires'),
      ],
    )
    const ask = await behind(nginx, edits, () => site({}))
    assert.equal(await ask('/', scanner), '')
    assert.ok(isFine(await ask('/')))
    assert.match(await ask('/'), /X-Cache: HIT/)
  })

  test('a rate limit of one visitor is not the answer to the others', async () => {
    const limit = rateLimit({ rate: '1r/m', status: 429 })
    const ask = await behind(nginx, nginxCache, () => site({}, limit))
    assert.ok(isFine(await ask('/a')))
    assert.match(await ask('/b'), /^HTTP\/1\.1 429 /)
    assert.ok(isFine(await ask('/b', {}, 'GET', '127.0.0.4')))
  })
})

describe('HAProxy with a cache', { skip: requireTool('haproxy') }, () => {
  test('one scanner, and the next visitor of the same page', async () => {
    const ask = await behind(haproxy, haproxyCache, () => site({ handOff: 200 }))
    assert.match(await ask('/', scanner), /^HTTP\/1\.1 200 OK\r\n[\s\S]*OK\n$/)
    assert.ok(isFine(await ask('/')))
    const kept = await ask('/')
    assert.ok(isFine(kept))
    assert.match(kept, /^age: /im)
    // From the cache, which nobody judges.
    assert.ok(isFine(await ask('/', scanner)))
  })
})
