import assert from 'node:assert/strict'
import http, { type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { type CommonOptions, drop, protect, type Request, type Response } from '../../lib/index.ts'
import { contentFor } from '../../lib/wire/content.ts'
import { settle } from '../support/events.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { credentials, listen } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'
import { assertHead, fine, handOffs, inSync, NO_STORE, noBad, sites, statuses } from './answer-sites.ts'

/** Which responses have a body, and a Content-Length (RFC 9110). */
test('what a response may carry', () => {
  const cases: [string | undefined, number, number | undefined, string][] = [
    ['GET', 404, 3, 'abc'],
    [undefined, 404, 3, 'abc'],
    ['POST', 503, 3, 'abc'],
    ['HEAD', 404, 3, ''],
    ['HEAD', 200, 3, ''],
    ['CONNECT', 404, 3, 'abc'],
    ['CONNECT', 200, undefined, ''],
    ['CONNECT', 204, undefined, ''],
    ['CONNECT', 299, undefined, ''],
    ['CONNECT', 300, 3, 'abc'],
    ...['GET', 'HEAD', 'POST', 'OPTIONS'].flatMap(
      (method): [string, number, number | undefined, string][] => [
        [method, 204, undefined, ''],
        [method, 205, 0, ''],
        [method, 304, undefined, ''],
      ],
    ),
  ]
  for (const [method, status, length, body] of cases)
    assert.deepEqual(contentFor(method, status, 'abc'), { length, body }, `${method} ${status}`)
  assert.deepEqual(contentFor('GET', 444, ''), { length: 0, body: '' })
  assert.equal(contentFor('HEAD', 404, 'ä').length, 2)
})

describe('where there is no response of Node', () => {
  hooks()
  const strict = { rejectNonStandardBodyWrites: true }
  const raw = async (handOff: number, bytes: string, more: object = {}) => {
    const server = protect(http.createServer(strict, fine), { trustProxy: 'loopback', handOff, ...more })
    const { port } = closed(await listen(server))
    const wire = await exchange({ port }, bytes)
    return [wire.data.toString('latin1'), wire.end] as const
  }
  const lengths = { 444: '0', 404: '0', 204: undefined, 304: undefined, 205: '0', 200: '0' }

  for (const [code, expected] of Object.entries(lengths)) {
    const handOff = Number(code)

    test(`${code} to what can't be parsed: no body, as it may have been HEAD`, async () => {
      for (const bytes of [
        'HEAD / HTTP/1.1\r\nBad Header: a\r\n\r\n',
        'CONNECT a:1 HTTP/1.1\r\nb\r\n\r\n',
        'x\r\n\r\n',
      ]) {
        const [text, end] = await raw(handOff, bytes)
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${code} [\\s\\S]*\\r\\n\\r\\n$`))
        assert.match(text, /\r\nCache-Control: no-store\r\n/)
        // A 2xx may be the answer to CONNECT.
        const length = handOff === 200 ? undefined : expected
        assert.equal(/content-length: (\d+)/i.exec(text)?.[1], handOff === 205 ? undefined : length, text)
        assert.equal(end, 'fin')
      }
    })

    test(`${code} to CONNECT`, async () => {
      const [text, end] = await raw(handOff, 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n')
      const [head = '', body] = text.split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${code} `))
      assert.match(head, NO_STORE)
      const hasBody = handOff === 404
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      if (handOff < 300) assert.deepEqual([length, /transfer-encoding/i.test(head)], [undefined, false])
      else assert.equal(length, hasBody ? String(body?.length) : expected)
      assert.deepEqual([body !== '', end], [hasBody, 'fin'])
    })

    for (const method of ['GET', 'HEAD']) {
      test(`${code} to an upgrade with ${method}`, async () => {
        const rules = [noBad({ handOff })]
        const server = protect(http.createServer(strict, fine), { rules })
        server.on('upgrade', (_req, socket) => socket.destroy())
        const { port } = closed(await listen(server))
        const upgrade = get('/bad', { Connection: 'Upgrade', Upgrade: 'websocket' })
        const { data, end } = await exchange({ port }, upgrade.replace('GET', method))
        const [head = '', body] = data.toString().split('\r\n\r\n')
        assert.match(head, new RegExp(`^HTTP/1\\.1 ${code} `))
        assert.match(head, NO_STORE)
        const hasBody = (handOff === 404 || handOff === 200) && method === 'GET'
        assert.deepEqual([body !== '', end], [hasBody, 'fin'])
        const length = /content-length: (\d+)/i.exec(head)?.[1]
        if (hasBody) assert.equal(length, String(body?.length))
        if (handOff === 204 || handOff === 304) assert.equal(length, undefined)
      })
    }

    test(`${code} to HEAD with an unknown Expect`, async () => {
      const [text] = await raw(
        handOff,
        get('/', { Expect: 'tea', Connection: 'close' }).replace('GET', 'HEAD'),
      )
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${code} [\\s\\S]*\\r\\n\\r\\n$`))
      assert.match(text.replaceAll('\r', ''), NO_STORE)
    })
  }

  test('drop() of a HEAD that the app has renamed, and has begun to answer', async () => {
    const server = http.createServer(strict, (req, res) => {
      if (req.url !== '/bad') return res.end('fine')
      req.method = 'GET'
      drop(req, { res, trustProxy: 'loopback', handOff: 404 })
    })
    const { port } = closed(await listen(server))
    const wire = await exchange({ port }, get('/bad').replace('GET', 'HEAD'), 500)
    assert.match(wire.data.toString(), /^HTTP\/1\.1 404 Not Found\r\n[\s\S]*\r\n\r\n$/)
    assert.equal(drops.events[0]?.action, 'hand-off')
  })

  test('a hook that throws behind the head, before a byte is out: the proxy is answered all the same', async () => {
    for (const [handOff, expected] of Object.entries({ 444: /^HTTP\/1\.1 444 /, 404: /^HTTP\/1\.1 404 / })) {
      const judge = noBad({ handOff: Number(handOff) })
      const server = http.createServer((req, res) => {
        const { end } = res
        res.end = ((...args: Parameters<typeof end>) => {
          if (req.url !== '/bad') return end.apply(res, args)
          res.writeHead(res.statusCode)
          throw new Error('a hook')
        }) as never
        judge(req, res, () => fine(req, res))
      })
      const { port } = closed(await listen(server))
      const wire = await exchange({ port }, get('/bad'))
      assert.match(wire.data.toString(), expected)
      assert.match(wire.data.toString().replaceAll('\r', ''), NO_STORE)
      assert.equal(wire.end, 'fin')
    }
  })
})

describe("a handler's body in answer to HEAD comes to nothing, as it does by default", () => {
  hooks()
  type Handler = NonNullable<CommonOptions['handler']>
  const handlers: Record<string, Handler> = {
    'res.end': (_req, res) => res.end('<h1>Nothing here</h1>'),
    'res.write': (_req, res) => {
      ;(res as ServerResponse).write('<h1>', 'utf8', () => res.end('Nothing here', 'utf8', () => {}))
    },
    'a stream': (_req, res) => void Readable.from(['<h1>', 'Nothing']).pipe(res as ServerResponse),
    later: async (_req, res) => {
      await settle(5)
      res.setHeader('Content-Length', 3)
      res.end('abc')
    },
  }
  for (const [name, handler] of Object.entries(handlers)) {
    for (const [site, create] of Object.entries(sites)) {
      test(`${name}, ${site}`, async () => {
        const server = create({ rejectNonStandardBodyWrites: true }, { status: 404, handler })
        const { port } = closed(await listen(server))
        const client = await RawClient.open({ port })
        const head = await inSync(client, 'HEAD', 404)
        assert.match(head, NO_STORE)
        client.destroy()
        assert.equal(drops.events[0]?.action, 'respond')
        const get404 = (await exchange({ port }, get('/bad', { Connection: 'close' }))).data.toString()
        assert.match(get404, /<h1>|abc/)
      })
    }
  }
})

interface Http2Answer {
  readonly status: number | undefined
  readonly length: string | undefined
  readonly cache: string | undefined
  readonly body: string
}

function askHttp2(session: http2.ClientHttp2Session, path: string, method: string): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ':method': method })
    let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {}
    let body = ''
    stream.on('response', fields => {
      head = fields
    })
    stream.setEncoding('utf8').on('data', text => {
      body += text
    })
    stream.on('error', reject).on('close', () =>
      resolve({
        status: head[':status'],
        length: head['content-length'],
        cache: head['cache-control'],
        body,
      }),
    )
    stream.end()
  })
}

describe('HTTP/2', () => {
  hooks()
  /** With the response that a rule has, and without one. */
  const ways: Record<string, (options: CommonOptions) => (req: Request, res: Response) => unknown> = {
    'a rule': options => {
      const judge = noBad(options)
      return (req, res) => judge(req, res, () => res.end('fine'))
    },
    'drop() without a response': options => (req, res) =>
      req.url === '/bad' ? drop(req, { trustProxy: 'loopback', ...options }) : res.end('fine'),
  }
  for (const [name, app] of Object.entries(ways)) {
    test(`hand-offs of ${name}`, async () => {
      for (const handOff of handOffs) {
        const server = http2.createServer(app({ handOff }) as never)
        const { port } = closed(await listen(server))
        const session = http2.connect(`http://127.0.0.1:${port}`)
        for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
          const answer = await askHttp2(session, '/bad', method)
          const what = `${method} ${handOff} ${JSON.stringify(answer)}`
          assert.deepEqual([answer.status, answer.cache], [handOff, 'no-store'], what)
          if (handOff === 204 || handOff === 304) assert.equal(answer.length, undefined, what)
          const isEmpty = [204, 205, 304, 444].includes(handOff) || name !== 'a rule' || method === 'HEAD'
          assert.equal(answer.body === '', isEmpty, what)
          if (answer.body !== '') assert.equal(answer.length, String(answer.body.length), what)
          assert.deepEqual((await askHttp2(session, '/ok', 'GET')).body, 'fine')
        }
        session.close()
      }
    })
  }

  test('statuses, with a handler and without', async () => {
    for (const handler of [undefined, (_req: Request, res: Response) => res.end('<h1>')]) {
      for (const status of statuses) {
        const app = ways['a rule']?.({ status, handler }) as never
        const { port } = closed(await listen(http2.createServer(app)))
        const session = http2.connect(`http://127.0.0.1:${port}`)
        for (const method of ['GET', 'HEAD', 'POST']) {
          const answer = await askHttp2(session, '/bad', method)
          assert.deepEqual([answer.status, answer.cache], [status, 'no-store'])
          assert.equal(answer.body === '', method === 'HEAD')
        }
        session.close()
      }
    }
  })

  test('its HTTP/1 side, where the server rejects bodies', async () => {
    for (const handOff of [444, 404, 204, 304]) {
      const options = { ...credentials, allowHTTP1: true, rejectNonStandardBodyWrites: true }
      const server = http2.createSecureServer(options, ways['a rule']?.({ handOff }) as never)
      const { port } = closed(await listen(server))
      const client = await RawClient.open({ port, tls: true, alpn: ['http/1.1'] })
      assertHead(await inSync(client, 'HEAD', handOff), 'HEAD', handOff)
      client.destroy()
    }
  })
})
