import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Server as SocketIo } from 'socket.io'
import { WebSocketServer } from 'ws'
import { badAgent, type ProtectOptions, protect, unprotect } from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'

const CODE = 'DROP444_UNJUDGED_UPGRADE'
const answer = (_req: unknown, res: { end(text: string): void }) => res.end('page')

const servers: Record<string, () => Server> = {
  http: () => http.createServer(answer),
  https: () => https.createServer(credentials, answer),
  'http2 with HTTP/1': () =>
    http2.createSecureServer({ ...credentials, allowHTTP1: true }, answer as never) as never,
  h2c: () => http2.createServer(answer as never) as never,
}

/** What hands a socket to somebody past every middleware. */
const listeners: Record<string, (server: Server) => void> = {
  'ws with the server': server => void new WebSocketServer({ server: server as http.Server }),
  'an upgrade listener': server => void server.on('upgrade', (_req, socket: Socket) => socket.destroy()),
  'one that comes once': server => void server.once('upgrade', (_req, socket: Socket) => socket.destroy()),
  'Socket.IO': server => void new SocketIo(server as http.Server),
  'a connect listener': server => void server.on('connect', (_req, socket: Socket) => socket.destroy()),
}

const upgrade = get('/', {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
})
const connect = 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'

// Else Node prints each.
process.removeAllListeners('warning')

describe('upgrades that no rule judges', () => {
  const warnings: string[] = []
  const onWarning = (warning: Error & { code?: string }) => {
    if (warning.code === CODE) warnings.push(warning.message)
  }
  const running: RunningServer[] = []
  beforeEach(() => {
    warnings.length = 0
    process.on('warning', onWarning)
  })
  afterEach(async () => {
    for (const one of running.splice(0)) await one.close()
    process.off('warning', onWarning)
  })

  async function run(server: Server): Promise<RunningServer> {
    const one = await listen(server)
    running.push(one)
    await settle(5)
    return one
  }

  for (const [kind, create] of Object.entries(servers)) {
    for (const [what, attach] of Object.entries(listeners)) {
      test(`${what} on ${kind}, attached before and after protect: one warning a server`, async () => {
        const before = create()
        attach(before)
        protect(before)
        await run(before)
        assert.equal(warnings.length, 1)
        const after = protect(create())
        attach(after)
        await run(after)
        assert.equal(warnings.length, 2)
        assert.match(warnings[0] ?? '', /protect\(server, { rules }\)/)
      })
    }
  }

  test('as README has it: protect(app.listen(…)), then a WebSocket server', async () => {
    const server = protect(http.createServer(answer).listen(0, '127.0.0.1'))
    running.push({ port: 0, server, close: async () => void server.close() })
    new WebSocketServer({ server })
    await once(server, 'listening')
    await settle(5)
    assert.equal(warnings.length, 1)
  })

  test('a server that listens already', async () => {
    const one = await run(http.createServer(answer))
    new WebSocketServer({ server: one.server as http.Server })
    protect(one.server)
    await settle(5)
    assert.equal(warnings.length, 1)
  })

  for (const [what, bytes] of Object.entries({
    'an upgrade listener': upgrade,
    'a connect listener': connect,
  }))
    test(`${what} that comes later still: told with the first request, and not again`, async () => {
      const one = await run(protect(http.createServer(answer)))
      listeners[what]?.(one.server)
      await exchange(one, get('/', { Connection: 'close' }))
      assert.equal(warnings.length, 0)
      for (let i = 0; i < 2; i++) await exchange(one, bytes)
      await settle(5)
      assert.equal(warnings.length, 1)
    })

  test('protected anew: not again', async () => {
    const server = http.createServer(answer)
    listeners['a connect listener']?.(server)
    for (let i = 0; i < 2; i++) unprotect(protect(server))
    await settle(5)
    assert.equal(warnings.length, 1)
  })

  const silent: Record<string, [keyof typeof listeners | undefined, ProtectOptions | undefined]> = {
    'nothing listens': [undefined, undefined],
    'rules are given': ['ws with the server', { rules: [badAgent()] }],
    'no rules is what was said': ['ws with the server', { rules: [] }],
    'no rules for CONNECT': ['a connect listener', { rules: [] }],
  }
  for (const [what, [attach, options]] of Object.entries(silent))
    test(`no warning: ${what}`, async () => {
      const server = http.createServer(answer)
      if (attach) listeners[attach]?.(server)
      const one = await run(protect(server, options))
      for (const bytes of [upgrade, connect, get('/', { Connection: 'close' })])
        await exchange(one, bytes, 50)
      await settle(5)
      assert.deepEqual(warnings, [])
    })

  test('no warning: nobody protects', async () => {
    const server = http.createServer(answer)
    new WebSocketServer({ server })
    const one = await run(server)
    await exchange(one, upgrade, 50)
    assert.deepEqual(warnings, [])
  })
})
