import assert from 'node:assert/strict'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { protect, repeatOffender } from '../../lib/index.ts'
import { collectDrops, settle } from '../support/events.ts'
import { RawClient } from '../support/raw-client.ts'
import { credentials, listen } from '../support/servers.ts'

type End = (req: IncomingMessage, res: ServerResponse, server: http.Server) => unknown

const soon = (act: () => unknown) => void setTimeout(act, 10)

/** How an app ends what its client has not finished. */
const ends: Record<string, End> = {
  'req.setTimeout': req => req.setTimeout(20),
  'req.setTimeout, which answers': (req, res) => req.setTimeout(20, () => res.end('late')),
  'req.setTimeout, which ends the socket': req => req.setTimeout(20, () => req.socket.end()),
  'res.setTimeout': (_req, res) => res.setTimeout(20),
  'res.setTimeout, which answers 408': (_req, res) =>
    res.setTimeout(20, () => res.writeHead(408, { Connection: 'close' }).end('late')),
  'socket.setTimeout': req => req.socket.setTimeout(20),
  'socket.setTimeout, which ends it': req => req.socket.setTimeout(20, () => req.socket.end()),
  'server.setTimeout': (req, _res, server) => server.setTimeout(20) && req.socket.setTimeout(20),
  'server.setTimeout, which ends the socket': (req, _res, server) => {
    server.setTimeout(20, (socket: Socket) => socket.end())
    req.socket.setTimeout(20)
  },
  'req.destroy': req => soon(() => req.destroy()),
  'res.destroy': (_req, res) => soon(() => res.destroy()),
  'req.socket.destroy': req => soon(() => req.socket.destroy()),
  'req.socket.end': req => soon(() => req.socket.end()),
  'req.socket.destroySoon': req => soon(() => req.socket.destroySoon()),
  'server.closeAllConnections': (_req, _res, server) => soon(() => server.closeAllConnections()),
  'an early answer with Connection: close': (_req, res) =>
    res.writeHead(413, { Connection: 'close' }).end('no'),
}

const half = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'

describe('half a body', () => {
  async function told(secure: boolean, end: End, cuts: 'once answered' | 'soon' | 'never') {
    const drops = collectDrops()
    const offenders = repeatOffender({ limit: 1, window: '1m', ban: '1m', statuses: [] })
    const app = (req: IncomingMessage, res: ServerResponse) => {
      req.on('error', () => {}).resume()
      end(req, res, server)
    }
    const server = secure ? https.createServer(credentials, app) : http.createServer(app)
    protect(server, { rules: [offenders] })
    const running = await listen(server)
    for (let i = 0; i < 2; i++) {
      const client = await RawClient.open({ port: running.port, tls: secure })
      client.send(half)
      if (cuts === 'soon') setTimeout(() => client.finish(), 20)
      const isAnswered = () => cuts === 'once answered' && client.text !== ''
      await client.until(() => client.end !== 'open' || isAnswered())
      client.finish()
      await settle()
      client.destroy()
      await settle()
    }
    await running.close()
    drops.stop()
    offenders.close()
    return [drops.events.map(({ reason }) => reason), offenders.isBanned('127.0.0.1')]
  }

  for (const secure of [false, true]) {
    const scheme = secure ? 'https' : 'http'
    for (const [name, end] of Object.entries(ends)) {
      // The answer that is sent by a timer leaves the connection open for the rest of the body.
      const isAnswered = name === 'req.setTimeout, which answers'
      test(`${scheme}: ${name} is not the client's fault`, async () => {
        assert.deepEqual(await told(secure, end, isAnswered ? 'once answered' : 'never'), [[], false])
      })
    }
    test(`${scheme}: a client that cuts its body is told of, and counted`, async () => {
      const cut = 'truncated-request'
      assert.deepEqual(await told(secure, () => {}, 'soon'), [[cut, cut], true])
    })
  }
})

test('half a head, which a timeout of the server ends', async () => {
  const drops = collectDrops()
  const server = protect(http.createServer())
  server.setTimeout(50, (socket: Socket) => socket.end())
  const running = await listen(server)
  const client = await RawClient.open({ port: running.port })
  client.send('GET / HTTP/1.1\r\nHost')
  await client.ended()
  client.finish()
  await settle(50)
  await running.close()
  drops.stop()
  assert.deepEqual(drops.events, [])
})
