import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import { connect, createServer } from 'node:net'
import { duplexPair } from 'node:stream'
import { describe, test } from 'node:test'
import { onDrop, type ProtectOptions, protect, rule } from '../../lib/index.ts'
import { ContextSite, serverOf } from '../support/context-site.ts'
import { contexts } from '../support/contexts.ts'
import { settle } from '../support/events.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { closed, hooks } from '../support/watch.ts'

/** Asks for one page over HTTP/2. */
async function ask2(port: number, scheme: 'http' | 'https'): Promise<void> {
  const session = http2.connect(`${scheme}://localhost:${port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  await new Promise(resolve =>
    session
      .request({ ':path': '/page' })
      .on('error', () => {})
      .on('close', resolve)
      .resume(),
  )
  session.destroy()
}

for (const each of contexts) {
  const { name, run } = each

  describe(`connections whose first bytes are read before Node reads them, ${name}`, () => {
    hooks()
    const guards: Record<string, ProtectOptions | 'bare'> = {
      'Node alone': 'bare',
      guarded: {},
      'behind a rule that waits': { rules: [rule('waits', () => settle(2) as Promise<never>)] },
    }

    for (const kind of ['https', 'http2', 'h2c'] as const) {
      for (const [how, options] of Object.entries(guards)) {
        test(`run in the context that the server listens in, ${kind}, ${how}`, async () => {
          const site = new ContextSite(each)
          const server = serverOf(kind, site.page)
          for (const event of ['connection', 'secureConnection'])
            server.prependListener(event, () => site.see(event))
          const port = await site.serve(server, options)
          if (kind === 'https') await site.send({ port, tls: true }, get('/page'), 3)
          else await ask2(port, kind === 'h2c' ? 'http' : 'https')
          const secure = kind === 'h2c' ? [] : ['secureConnection listen']
          assert.deepEqual(site.seen, ['connection listen', ...secure, '/page listen'])
        })
      }
    }

    test('and are refused in it, or break off', async () => {
      const site = new ContextSite(each)
      const port = await site.serve(serverOf('https', site.page))
      const stop = onDrop(({ reason }) => site.see(reason))
      await site.send({ port }, get('/'), 1)
      const client = await RawClient.open({ port })
      client.send('\x16\x03\x01')
      client.finish()
      const seen = await site.until(2)
      client.destroy()
      stop()
      assert.deepEqual(seen, ['not-tls listen', 'truncated-request listen'])
    })
  })

  describe(`what comes behind requests that are being answered, ${name}`, () => {
    hooks()

    test('garbage, of which the event waits for the answer', async () => {
      const site = new ContextSite(each)
      const port = await site.serve(http.createServer(site.page))
      const stop = onDrop(({ reason }) => site.see(reason))
      const [, event] = await site.send({ port }, `${get('/first')}GARBAGE\r\n\r\n`, 2)
      stop()
      assert.match(event as string, /^invalid-method (listen|nobody)$/)
    })

    test('garbage, where the app ends the connection with another request between them, a socket of JavaScript', async () => {
      const site = new ContextSite(each)
      const server = http.createServer((_req, res) =>
        run('in the app', () => setTimeout(() => res.destroy(), 5)),
      )
      protect(server)
      const stop = onDrop(({ reason }) => site.see(reason))
      const [near, far] = duplexPair()
      run('accepted', () => server.emit('connection', far))
      near.resume()
      near.write(`${get('/first')}${get('/second')}GARBAGE\r\n\r\n`)
      const [event] = await site.until(1)
      stop()
      assert.match(event as string, /^invalid-method (accepted|nobody)$/)
    })
  })

  describe(`what a timer finds out, ${name}`, () => {
    hooks()

    test('of a slow head, a slow body and a client that reads nothing, is told in the context of each', async () => {
      const site = new ContextSite(each)
      const server = http.createServer((req, res) => {
        if (req.url === '/large') run('in the app', () => res.end(Buffer.alloc(20e6)))
      })
      const port = await site.serve(server, { headerTimeout: 300, bodyTimeout: 300, sendTimeout: 300 })
      // The first connection starts the timer: here one that was accepted by another server.
      const acceptor = createServer(socket => run('in another', () => void server.emit('connection', socket)))
      const first = connect(closed(await listen(acceptor)).port, '127.0.0.1')
      await new Promise(resolve => acceptor.once('connection', () => setImmediate(resolve)))
      const stop = onDrop(({ reason, url }) => site.see(`${reason} ${url}`))
      const clients = await Promise.all([1, 2, 3].map(() => RawClient.open({ port })))
      clients[0]?.send('GET / HTTP/1.1\r\n')
      clients[1]?.send('POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n')
      clients[2]?.tcp.pause()
      clients[2]?.send(get('/large'))
      const seen = [...(await site.until(4))]
      stop()
      first.destroy()
      for (const client of clients) client.destroy()
      assert.deepEqual(seen.sort(), [
        'body-timeout /body listen',
        'header-timeout  in another',
        'header-timeout  listen',
        'send-timeout /large listen',
      ])
    })

    test('of an HTTP/2 stream', async () => {
      const site = new ContextSite(each)
      const server = serverOf('h2c', req => site.see(req.url as string))
      const port = await site.serve(server, { bodyTimeout: 300 })
      const stop = onDrop(({ reason }) => site.see(reason))
      const session = http2.connect(`http://localhost:${port}`).on('error', () => {})
      const stream = session.request({ ':path': '/', ':method': 'POST' }).on('error', () => {})
      await new Promise(resolve => stream.on('close', resolve))
      session.destroy()
      stop()
      assert.deepEqual(site.seen, ['/ listen', 'body-timeout listen'])
    })
  })
}
