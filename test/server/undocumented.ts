import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http, { type RequestListener } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { pathToFileURL } from 'node:url'
import type * as Library from '../../lib/index.ts'
import { copyTree, temporary } from '../package/tree.ts'
import { settle, uncaught } from '../support/events.ts'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'

/*
 * What lib/runtime/raw-socket.ts reads of Node without being documented there may be gone one day, be something else, or throw.
 * Visitors are served all the same, for longer than any limit, and who is dropped gets nothing.
 */

const taken: { field: string; how: string } = { field: '', how: '' }
Object.assign(globalThis, { taken })

const tree = temporary('undocumented')
copyTree(tree)
const file = join(tree, 'lib', 'runtime', 'raw-socket.ts')
const source = readFileSync(file, 'utf8')
const reads = [
  '    return (holder as Fields)?.[field]',
  "({ description }) => description === 'http.server.connections'",
  'return emitter === proxy',
]
for (const text of reads) assert.equal(source.split(text).length, 2, text)
writeFileSync(
  file,
  source
    .replace(
      reads[0] as string,
      `    const { taken } = globalThis as unknown as { taken: { field: string; how: string } }
    if (field === taken.field && taken.how === 'throws') throw new Error(taken.how)
    if (field === taken.field) return taken.how === 'gone' ? undefined : '7'\n${reads[0]}`,
    )
    .replace(
      reads[1] as string,
      `({ description }) => description === 'http.server.connections' &&
        (globalThis as unknown as { taken: { field: string } }).taken.field !== description`,
    )
    .replace(
      reads[2] as string,
      "return (globalThis as unknown as { taken: { field: string } }).taken.field === 'on' || emitter === proxy",
    ),
)
const { badAgent, drop, onDrop, protect, rule }: typeof Library = await import(
  pathToFileURL(join(tree, 'lib', 'index.ts')).href
)

/** Each field by its name; `on` of a session's socket may return what it was called on. */
export const fields = [
  'http.server.connections',
  'on',
  ...new Set(
    [...source.matchAll(/(?:read|call)\([^()]*(?:\([^()]*\))?[^()]*'(\w+)'\)/g)].map(
      ([, name]) => name as string,
    ),
  ),
]

export const ways = (field: string) =>
  field === 'on' || field.includes('.') ? ['gone'] : ['gone', 'another', 'throws']

/** Each visitor stays for longer: milliseconds. */
const LIMIT = 1_000
const PAUSE = 400
const big = Buffer.alloc(20_000_000, 'x')

const handler: RequestListener = (req, res) => {
  if (req.url === '/drop') drop(req)
  else res.end(req.url === '/big' ? big : 'fine')
}
const makers: Record<string, () => Server> = {
  http: () => http.createServer(handler),
  https: () => https.createServer(credentials, handler),
  h2c: () => http2.createServer(handler as never),
  http2: () => http2.createSecureServer(credentials, handler as never),
}
const drops: Library.DropEvent[] = []
const stop = onDrop(event => drops.push(event))
after(stop)

async function start(make: () => Server): Promise<RunningServer> {
  const late = rule('late', async req => req.url === '/late' && 'late', { http2: 'destroy' })
  return listen(
    protect(make(), {
      handshakeTimeout: LIMIT,
      sendTimeout: LIMIT,
      rules: [badAgent(), late],
    }),
  )
}

async function overHttp1(server: RunningServer, tls: boolean): Promise<void> {
  const to = { port: server.port, tls }
  const visitor = await RawClient.open(to)
  const answers = () => visitor.text.split('fine').length - 1
  for (let asked = 1; asked <= 3; asked++) {
    visitor.send(get('/'))
    assert.ok(await visitor.until(() => answers() === asked), `answer ${asked}: ${visitor.text}`)
    await pause(PAUSE)
  }
  visitor.send(get('/1') + get('/2') + get('/3'))
  assert.ok(await visitor.until(() => answers() === 6), visitor.text)
  visitor.destroy()

  for (const bytes of [
    get('/', { 'User-Agent': 'sqlmap' }),
    get('/late'),
    get('/drop'),
    'garbage\r\n\r\n',
    get('/', { 'User-Agent': 'sqlmap', Connection: 'Upgrade', Upgrade: 'websocket' }),
  ]) {
    const wire = await exchange(to, bytes)
    assert.deepEqual([wire.data.length, wire.end], [0, 'fin'], bytes)
  }
}

async function overHttp2(server: RunningServer, tls: boolean): Promise<void> {
  const visitor = await openHttp2({ port: server.port, tls })
  const frames = () => parseFrames(visitor.data)
  for (let id = 1; id <= 5; id += 2) {
    visitor.send(headers(id, '/'))
    const isDone = () =>
      frames().some(({ type, stream, flags }) => type === 'DATA' && stream === id && flags === 1)
    assert.ok(await visitor.until(isDone), `answer ${id}`)
    await pause(PAUSE)
  }
  visitor.send(headers(7, '/', { 'user-agent': 'sqlmap' }))
  await visitor.until(() => frames().some(({ type, stream }) => type === 'RST_STREAM' && stream === 7))
  assert.deepEqual(
    frames()
      .filter(({ stream }) => stream === 7)
      .map(({ type }) => type),
    ['RST_STREAM'],
  )
  const received = visitor.data.length
  visitor.send(headers(9, '/late'))
  await visitor.until(() => visitor.end !== 'open')
  assert.deepEqual([visitor.end, visitor.data.length - received], ['fin', 0])
  visitor.destroy()
}

/** A client that reads slowly, but does. */
async function slowly(server: RunningServer, tls: boolean): Promise<void> {
  const reader = await RawClient.open({ port: server.port, tls })
  reader.send(get('/big', { Connection: 'close' }))
  // Half a megabyte at a time, for longer than the limit: more than that is kept by the kernel.
  let room = 0
  const take = (chunk: Buffer) => {
    room -= chunk.length
    if (room <= 0) reader.tcp.pause()
  }
  reader.tcp.on('data', take)
  for (let i = 0; i < 15; i++) {
    room = 500_000
    reader.tcp.resume()
    await pause(100)
  }
  reader.tcp.off('data', take)
  reader.tcp.resume()
  await reader.until(() => reader.end !== 'open')
  assert.ok(reader.data.length > big.length, `${reader.data.length} bytes`)
}

/** Serves visitors, and drops, without a field: it is gone, something else, or throws. */
export function serveWithout(field: string, how: string): void {
  test(`Node without ${field || 'anything taken away'}: ${how}`, { timeout: 60_000 }, async () => {
    Object.assign(taken, { field, how })
    const servers: RunningServer[] = []
    const before = drops.length
    const each = async ([name, make]: [string, () => Server]) => {
      const server = await start(make)
      servers.push(server)
      const tls = name === 'https' || name === 'http2'
      if (name === 'http2' || name === 'h2c') return overHttp2(server, tls)
      await Promise.all([overHttp1(server, tls), slowly(server, tls)])
    }
    try {
      await Promise.all(Object.entries(makers).map(each))
    } finally {
      Object.assign(taken, { field: '', how: '' })
      for (const server of servers) await server.close()
    }
    await settle()
    const told = drops.slice(before).map(({ status, clientAddress }) => `${status} ${clientAddress}`)
    assert.deepEqual(told, Array(2 * 5 + 2 * 2).fill('444 127.0.0.1'))
    assert.deepEqual(uncaught.splice(0), [])
  })
}

/** Several handshakes over a unix-domain socket, which are not told apart without `_parent`. */
export function serveUnixSocket(): void {
  test('over a unix-domain socket several handshakes at once are not told apart without _parent: all are served', async () => {
    Object.assign(taken, { field: '_parent', how: 'gone' })
    const path = join(tree, 'tls.sock')
    const server = protect(https.createServer(credentials, handler), {
      handshakeTimeout: LIMIT,
      rules: [badAgent()],
    })
    const running = await listen(server, path)
    try {
      const visitors = await Promise.all(
        Array.from({ length: 3 }, async () => {
          const socket = connectTls({ path, rejectUnauthorized: false })
          await once(socket, 'secureConnect')
          return socket
        }),
      )
      await pause(2 * LIMIT)
      for (const visitor of visitors) {
        visitor.write(get('/'))
        const [answer] = (await once(visitor, 'data')) as [Buffer]
        assert.match(answer.toString(), /^HTTP\/1\.1 200/)
        visitor.destroy()
      }
    } finally {
      Object.assign(taken, { field: '', how: '' })
      await running.close()
    }
  })
}
