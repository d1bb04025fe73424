import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Rule, rule } from '../../lib/index.ts'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { type Kind, kindName, kinds, type Middleware, start } from '../support/servers.ts'
import { calls, closed, drops, hooks } from '../support/watch.ts'

const MAX = 1_048_576

const noBad: Rule = rule('no-bad', req => req.url?.startsWith('/bad') && 'bad', { trustProxy: 'loopback' })

async function serve(kind: Pick<Kind, 'server' | 'app'>): Promise<number> {
  const server = await start(kind, [noBad], (req, res) => {
    calls.push(req.url as string)
    res.end(`fine ${req.url}`)
  })
  return closed(server).port
}

const post = (path: string, fields: string) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n`
const chunk = (length: number) => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`
const statuses = (client: RawClient) => client.text.match(/HTTP\/1\.1 \d+/g)?.map(line => line.slice(-3))

for (const kind of kinds.filter(({ protocol }) => protocol === 1)) {
  describe(`the body of a request that is handed off: ${kindName(kind)}`, () => {
    hooks()
    const open = async () => RawClient.open({ port: await serve(kind), tls: kind.tls, alpn: ['http/1.1'] })

    const bodies: [string, string, string][] = [
      ['of a length', 'Content-Length: 100', 'x'.repeat(100)],
      ['as long as is read', `Content-Length: ${MAX}`, 'x'.repeat(MAX)],
      ['in chunks', 'Transfer-Encoding: chunked', `${chunk(10)}${chunk(70_000)}0\r\n\r\n`],
      ['that looks like a request', `Content-Length: ${get('/evil').length}`, get('/evil')],
    ]
    for (const [name, field, body] of bodies) {
      test(`${name} is read, and the connection is used again`, async () => {
        const client = await open()
        client.send(post('/bad', field))
        client.send(body)
        await client.until(() => client.text.includes('\r\n\r\n'))
        client.send(get('/next'))
        assert.ok(await client.until(() => client.text.endsWith('fine /next')), client.text)
        assert.deepEqual([statuses(client), client.end, calls], [['444', '200'], 'open', ['/next']])
        assert.equal(drops.events.length, 1)
        client.destroy()
      })
    }

    const tooLong: [string, string, string][] = [
      ['that announces too much', `Content-Length: ${MAX + 1}`, 'x'.repeat(200_000)],
      ['that grows too long', 'Transfer-Encoding: chunked', chunk(MAX + 1)],
      ['that may never come', 'Content-Length: 20\r\nExpect: 100-continue', ''],
    ]
    for (const [name, field, body] of tooLong) {
      test(`${name}: the answer arrives whole, at once, then FIN, and nothing behind it runs`, async () => {
        const client = await open()
        const started = performance.now()
        client.send(post('/bad', field))
        client.send(body)
        await client.until(() => client.text.includes(' 444 '))
        assert.ok(performance.now() - started < 1_900)
        client.send(get('/evil'))
        const wire = await client.ended()
        // The 100 is Node's own, who says it before anybody is asked.
        assert.deepEqual(statuses(client)?.at(-1), '444')
        assert.match(client.text, /HTTP\/1\.1 444 .*\r\nconnection: close\r\n/is)
        assert.deepEqual([wire.end, calls, drops.events.length], ['fin', [], 1])
        assert.equal(drops.events[0]?.action, 'hand-off')
      })
    }

    test('that does not come: the answer after two seconds, and then FIN', async () => {
      const client = await open()
      client.send(post('/bad', 'Content-Length: 10'))
      const wire = await client.ended()
      assert.deepEqual([statuses(client), wire.end], [['444'], 'fin'])
      assert.ok(wire.elapsed > 1_500 && wire.elapsed < 10_000, `${wire.elapsed} ms`)
    })

    test('with Connection: close, as stock nginx sends it: read to its end, then FIN', async () => {
      const client = await open()
      client.send(post('/bad', 'Content-Length: 500000\r\nConnection: close'))
      await new Promise(resolve => setTimeout(resolve, 30))
      client.send('x'.repeat(500_000))
      const wire = await client.ended()
      assert.deepEqual([statuses(client), wire.end], [['444'], 'fin'])
    })
  })
}

for (const kind of kinds.filter(({ protocol }) => protocol === 2)) {
  test(`an upload over HTTP/2 is told to stop, and other streams go on: ${kindName(kind)}`, async () => {
    // Of a body that nobody reads Node itself says so.
    const reads: Middleware = (req, _res, next) => {
      req.on('data', () => {})
      next()
    }
    const server = await start(kind, [reads, noBad], (req, res) => res.end(`fine ${req.url}`))
    const client = await openHttp2({ port: server.port, tls: kind.tls })
    const frames = () => parseFrames(client.data)
    client.send(Buffer.concat([headers(1, '/bad', { ':method': 'POST' }, false)]))
    await client.until(() => frames().some(({ type, stream }) => type === 'RST_STREAM' && stream === 1))
    client.send(headers(3, '/ok'))
    await client.until(() => frames().some(({ type, stream }) => type === 'DATA' && stream === 3))
    const ofFirst = frames().filter(({ stream, type }) => stream === 1 && type !== 'WINDOW_UPDATE')
    assert.deepEqual(
      ofFirst.map(({ type }) => type).filter(type => type !== 'DATA'),
      ['HEADERS', 'RST_STREAM'],
    )
    // NO_ERROR: the answer is whole.
    assert.equal(ofFirst.at(-1)?.payload.readUInt32BE(0), 0)
    assert.equal(client.end, 'open')
    client.destroy()
    await server.close()
  })
}
