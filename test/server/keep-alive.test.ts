import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import type { Server } from 'node:net'
import { after, afterEach, describe, test } from 'node:test'
import { pathAllowlist, protect, type TrustProxy } from '../../lib/index.ts'
import { collectDrops } from '../support/events.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'

const PROXY = '127.0.0.9'
const OTHER = '127.0.0.2'
const PATIENCE = 20_000
/** What Node is told, in ms; from Node 22 on it takes a second longer. */
const SHORT = 50

type Kept = Server & { keepAliveTimeout: number }

/** What a proxy passes on. */
const passedOn = (path: string, fields = {}) => get(path, { 'X-Forwarded-For': '203.0.113.9', ...fields })

/** Requests after which a connection is kept. */
const requests = {
  'a page': passedOn('/'),
  'a drop': passedOn('/wp-login.php'),
  HEAD: passedOn('/').replace('GET', 'HEAD'),
  'a POST': `${passedOn('/', { 'Content-Length': '4' }).replace('GET', 'POST')}abcd`,
  'a dropped POST': `${passedOn('/x', { 'Content-Length': '4' }).replace('GET', 'POST')}abcd`,
  'two, pipelined': passedOn('/') + passedOn('/'),
}

describe('how long an idle connection is kept', () => {
  let running: RunningServer | undefined
  const clients: RawClient[] = []
  const drops = collectDrops()
  after(() => drops.stop())
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await running?.close()
  })

  async function serve(trustProxy: TrustProxy | undefined, keepAliveTimeout = SHORT, tls = false) {
    const answer: http.RequestListener = (req, res) => req.resume().on('end', () => res.end('page'))
    const server = (tls ? https.createServer(credentials, answer) : http.createServer(answer)) as Kept
    server.keepAliveTimeout = keepAliveTimeout
    protect(server, { rules: [pathAllowlist(['/'])], ...(trustProxy === undefined ? {} : { trustProxy }) })
    running = await listen(server)
    return { port: running.port, tls }
  }

  async function open(to: { port: number; tls?: boolean }, localAddress: string): Promise<RawClient> {
    const client = await RawClient.open({ ...to, localAddress })
    clients.push(client)
    return client
  }

  const answers = (client: RawClient) => client.text.split('HTTP/1.1 ').length - 1

  async function ask(client: RawClient, bytes: string): Promise<void> {
    const wanted = answers(client) + bytes.split(' HTTP/1.1\r\n').length - 1
    client.send(bytes)
    await client.until(() => answers(client) >= wanted || client.end !== 'open', PATIENCE)
    assert.equal(answers(client), wanted, client.text)
  }

  for (const tls of [false, true])
    test(`a trusted proxy's, longer than Node would${tls ? ', over TLS' : ''}`, async () => {
      const to = await serve(PROXY, SHORT, tls)
      const kept: [RawClient, string][] = []
      for (const bytes of Object.values(requests)) kept.push([await open(to, PROXY), bytes])
      for (const [client, bytes] of kept) await ask(client, bytes)
      const other = await open(to, OTHER)
      await ask(other, passedOn('/'))
      await other.until(() => other.end !== 'open', PATIENCE)
      assert.notEqual(other.end, 'open', "another client's ends when Node says so")
      for (const [client, bytes] of kept) {
        assert.equal(client.end, 'open', bytes)
        await ask(client, bytes)
      }
    })

  test('who is trusted by a number of hops, and passes nobody on: as Node has it', async () => {
    const client = await open(await serve(1), OTHER)
    await ask(client, get('/'))
    await client.until(() => client.end !== 'open', PATIENCE)
    assert.equal(client.end, 'fin')
  })

  test('nobody is trusted: as Node has it', async () => {
    const client = await open(await serve(undefined), PROXY)
    await ask(client, passedOn('/'))
    await client.until(() => client.end !== 'open', PATIENCE)
    assert.equal(client.end, 'fin')
  })

  /** What the socket is told when a response is finished. */
  async function timeoutsOf(keepAliveTimeout: number): Promise<number[]> {
    const to = await serve(PROXY, keepAliveTimeout)
    const timeouts: number[] = []
    running?.server.on('connection', socket => {
      const { setTimeout } = socket
      socket.setTimeout = (ms: number, ...rest: []) => {
        timeouts.push(ms)
        return setTimeout.call(socket, ms, ...rest)
      }
    })
    const client = await open(to, PROXY)
    await ask(client, passedOn('/'))
    await ask(client, passedOn('/'))
    return timeouts
  }

  test('15 minutes and ten seconds, and none while a request is under way', async () => {
    const timeouts = await timeoutsOf(5_000)
    assert.ok(timeouts.includes(910_000), String(timeouts))
    assert.ok(timeouts.indexOf(0, timeouts.indexOf(910_000)) > 0, String(timeouts))
  })

  for (const ms of [0, 2_000_000])
    test(`keepAliveTimeout ${ms} is longer, and stays`, async () => {
      assert.equal((await timeoutsOf(ms)).includes(910_000), false)
    })
})
