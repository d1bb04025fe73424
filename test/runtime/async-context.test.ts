import assert from 'node:assert/strict'
import http from 'node:http'
import { duplexPair } from 'node:stream'
import { describe, test } from 'node:test'
import { rateLimit, rule } from '../../lib/index.ts'
import { ContextSite } from '../support/context-site.ts'
import { contexts } from '../support/contexts.ts'
import { settle } from '../support/events.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { buildApp, type Middleware } from '../support/servers.ts'
import { hooks } from '../support/watch.ts'

const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`

for (const each of contexts) {
  const { name, run } = each

  describe(`requests behind one another in an app, without protect, ${name}`, () => {
    hooks()

    /** Gives each request a context of its own, as a middleware of tenants or of a tracer does. */
    const enter: Middleware = (req, _res, next) => run(`of ${req.url}`, next)

    function start(site: ContextSite, ...middlewares: readonly Middleware[]) {
      const all = [enter, ...middlewares]
      return site.serve(http.createServer(buildApp('express5', all, site.page)), 'bare')
    }

    test('delayed by a rate limit', async () => {
      const site = new ContextSite(each)
      const port = await start(site, rateLimit({ rate: '100r/s', burst: 10, delay: 'all' }))
      const seen = await site.send({ port }, get('/a') + get('/b') + get('/c'), 3)
      assert.deepEqual([...seen].sort(), ['/a of /a', '/b of /b', '/c of /c'])
    })

    /** Answers `/first` late, holds up `/held` until `/dropped`, behind it, was dropped, and tells what comes of them. */
    async function hold(rules: readonly Middleware[]): Promise<readonly string[]> {
      const site = new ContextSite(each)
      const first: Middleware = (req, res, next) =>
        req.url === '/first' ? void setTimeout(() => res.end('x'), 60) : next()
      const drops = rule('drops', req => req.url === '/dropped')
      const port = await start(site, first, drops, ...rules)
      return site.send({ port }, get('/first') + get('/held') + get('/dropped'), 1)
    }

    test('held at the end of a rule, as one behind it was dropped', async () => {
      assert.deepEqual(await hold([rule('waits', () => settle(10) as Promise<never>)]), ['/held of /held'])
    })

    test('held before a rule, as one behind it was dropped', async () => {
      const waits: Middleware = (_req, _res, next) => void setTimeout(next, 10)
      assert.deepEqual(await hold([waits, rule('passes', () => {})]), ['/held of /held'])
    })

    test('dropped: its connection ends when the answer before is out, on a socket of JavaScript', async () => {
      const site = new ContextSite(each)
      const watch: Middleware = (req, _res, next) => {
        if (req.url === '/dropped') req.once('close', () => site.see('closed'))
        next()
      }
      const drops = rule('drops', req => req.url === '/dropped')
      const server = http.createServer(buildApp('express5', [enter, watch, drops], site.page))
      const [near, far] = duplexPair()
      server.emit('connection', far)
      near.resume()
      near.write(get('/first') + get('/dropped'))
      await site.until(2)
      assert.deepEqual(site.seen, ['/first of /first', 'closed of /dropped'])
    })

    test('handed off, when the body has come', async () => {
      const site = new ContextSite(each)
      const watch: Middleware = (_req, res, next) => {
        const { writeHead } = res
        res.writeHead = ((...args: unknown[]) => {
          site.see('head')
          return Reflect.apply(writeHead, res, args)
        }) as typeof writeHead
        next()
      }
      const drops = rule('drops', () => true, { trustProxy: 'loopback' })
      const client = await RawClient.open({ port: await start(site, watch, drops) })
      client.send(post('/a', 4))
      await settle(30)
      client.send('body')
      const seen = await site.until(1)
      client.destroy()
      assert.deepEqual(seen, ['head of /a'])
    })

    test('handed off with the page of the app, which is asked once for both', async () => {
      const site = new ContextSite(each)
      const drops = rule('drops', () => true, {
        trustProxy: 'loopback',
        handOff: 404,
        skip: req => req.headers['user-agent'] === 'drop444',
      })
      const watch: Middleware = (_req, res, next) => {
        res.once('finish', () => site.see('answered'))
        next()
      }
      const app: Middleware = (req, res) => {
        site.see(`app ${req.url}`)
        res.statusCode = 404
        setTimeout(() => res.end('none'), 5)
      }
      const port = await start(site, watch, drops, app)
      const clients = await Promise.all([RawClient.open({ port }), RawClient.open({ port })])
      for (const [i, client] of clients.entries()) client.send(get(`/${i}`))
      const seen = await site.until(4)
      for (const client of clients) client.destroy()
      const visitors = seen.filter(place => !place.includes('no-such-page'))
      assert.deepEqual([seen.length, visitors.sort()], [4, ['answered of /0', 'answered of /1']])
    })
  })
}
