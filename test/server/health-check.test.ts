import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import express from 'express'
import {
  badAgent,
  denyCidr,
  noHost,
  OptionsError,
  type ProtectOptions,
  pathAllowlist,
  protect,
  rateLimit,
  repeatOffender,
  rule,
  shedLoad,
  type TrustProxy,
} from '../../lib/index.ts'
import { collectDrops, settle } from '../support/events.ts'
import { exchange } from '../support/raw-client.ts'
import { listen, type RunningServer } from '../support/servers.ts'

const PATIENCE = 20_000
const head = (line: string, ...fields: string[]) =>
  `${[line, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n`

/** As checkers send it, each with what it sends by default. */
const checkers: Record<string, string> = {
  'HAProxy, option httpchk': head('OPTIONS /healthz HTTP/1.0'),
  'HAProxy, GET with a Host': head('GET /healthz HTTP/1.1', 'Host: localhost'),
  'HAProxy, HTTP/1.1 without a Host': head('GET /healthz HTTP/1.1'),
  Caddy: head('GET /healthz HTTP/1.1', 'Host: 127.0.0.1:3000', 'User-Agent: Go-http-client/1.1'),
  Kubernetes: head(
    'GET /healthz HTTP/1.1',
    'Host: 10.1.2.3:3000',
    'User-Agent: kube-probe/1.31',
    'Accept: */*',
  ),
  "AWS's load balancers": head(
    'GET /healthz HTTP/1.1',
    'Host: 10.0.1.7:3000',
    'User-Agent: ELB-HealthChecker/2.0',
  ),
  "Google's": head('GET /healthz HTTP/1.1', 'Host: 10.0.1.7', 'User-Agent: GoogleHC/1.0'),
  'Docker, with curl': head('GET /healthz HTTP/1.1', 'Host: localhost:3000', 'User-Agent: curl/8.5.0'),
  'Docker, with wget': head('GET /healthz HTTP/1.1', 'Host: localhost:3000', 'User-Agent: Wget'),
  'Docker, with node': head('GET /healthz HTTP/1.1', 'Host: localhost:3000'),
  Consul: head('GET /healthz HTTP/1.1', 'Host: 10.0.0.9:3000', 'User-Agent: Consul Health Check'),
  HEAD: head('HEAD /healthz HTTP/1.1', 'Host: 10.0.0.9:3000'),
}

const rules = () => [
  repeatOffender({ limit: 1, ban: '1h' }),
  shedLoad(),
  noHost({ serverNames: ['example.com'] }),
  badAgent({ patterns: ['curl', 'Wget', 'Go-http-client', 'kube-probe'] }),
  pathAllowlist(['/']),
  rateLimit({ rate: '1r/m' }),
  rule('nobody', () => true),
]

describe('protect: healthCheck', () => {
  let running: RunningServer | undefined
  const drops = collectDrops()
  after(() => drops.stop())
  afterEach(async () => {
    await running?.close()
    running = undefined
    drops.events.length = 0
  })

  async function serve(
    options: ProtectOptions,
    { trust }: { trust?: TrustProxy } = {},
  ): Promise<RunningServer> {
    const app = express()
    if (trust !== undefined) app.set('trust proxy', trust)
    // Rules of the app's own let it pass too.
    app.use(rules())
    app.use((req, res) => void res.send(`${req.method} ${req.url}`))
    running = await listen(protect(http.createServer(app), options))
    return running
  }

  const ask = async (to: { port: number; localAddress?: string }, bytes: string) => {
    const wire = await exchange(to, bytes, PATIENCE)
    return wire.data.toString().slice(9, 12)
  }

  for (const [who, bytes] of Object.entries(checkers))
    test(`it passes every rule, ten times: ${who}`, async () => {
      const { port } = await serve({ rules: rules(), healthCheck: '/healthz' })
      for (let i = 0; i < 10; i++) assert.equal(await ask({ port }, bytes), '200')
      assert.deepEqual(drops.events, [])
    })

  for (const [who, bytes] of Object.entries(checkers))
    test(`without the option it does not: ${who}`, async () => {
      const { port } = await serve({ rules: rules() })
      assert.equal(await ask({ port }, bytes), '')
      assert.equal(drops.events.length, 1)
    })

  const sound = checkers.Kubernetes as string
  const forwarded = (addresses: string) => sound.replace('Accept', `X-Forwarded-For: ${addresses}\r\nAccept`)

  /** What is no health check, though it is nearly one. */
  const others: Record<string, string> = {
    'another path': sound.replace('/healthz', '/healthy'),
    'a path below': sound.replace('/healthz', '/healthz/x'),
    'with a query': sound.replace('/healthz', '/healthz?x'),
    'written in another way': sound.replace('/healthz', '/%68ealthz'),
    'in other letters': sound.replace('/healthz', '/HEALTHZ'),
    'a path that leads there': sound.replace('/healthz', '/x/../healthz'),
    'an absolute target': sound.replace('/healthz', 'http://10.1.2.3:3000/healthz'),
    POST: sound.replace('GET', 'POST'),
    DELETE: sound.replace('GET', 'DELETE'),
    'an upgrade': sound.replace('Connection: close', 'Connection: Upgrade\r\nUpgrade: websocket'),
    'passed on by a proxy that nobody trusts': forwarded('10.0.0.1'),
  }
  for (const [what, bytes] of Object.entries(others))
    test(`dropped: ${what}`, async () => {
      const { port } = await serve({ rules: rules(), healthCheck: '/healthz' })
      assert.equal(await ask({ port }, bytes), '')
      assert.equal(drops.events.length, 1)
    })

  test('dropped: so many header lines that Node leaves out the address which the proxy adds at the end', async () => {
    const many = Array.from({ length: 1_000 }, () => 'a: b')
    const bytes = sound.replace('Accept: */*', [...many, 'X-Forwarded-For: 203.0.113.9'].join('\r\n'))
    const { port } = await serve({ rules: rules(), healthCheck: '/healthz' }, { trust: ['127.0.0.1'] })
    assert.notEqual(await ask({ port }, bytes), '200')
    assert.equal(drops.events.length, 1)
  })

  const [proxy, client] = ['127.0.0.9', '127.0.0.2']
  const public_ = '203.0.113.9'
  const chains: [name: string, trust: TrustProxy, addresses: string | undefined, passes: boolean][] = [
    ['the proxy itself', [proxy], undefined, true],
    ['a visitor', [proxy], public_, false],
    ['a visitor who claims to be private', [proxy], `10.0.0.1, ${public_}`, false],
    ['a visitor who claims to be the proxy', [proxy], `${proxy}, ${public_}`, false],
    ['a machine of the private network', [proxy], '10.0.0.1', true],
    ['a machine of the cloud, RFC 6598', [proxy], '100.64.3.4', true],
    ['the outer proxy, through the inner one', [proxy, '198.51.100.7'], '198.51.100.7', true],
    ['a visitor through both', [proxy, '198.51.100.7'], `${public_}, 198.51.100.7`, false],
    ['an outer proxy that is not trusted', [proxy], '198.51.100.7', false],
    ['the outer of two, counted', 2, '198.51.100.7', true],
    ['a visitor through two, counted', 2, `${public_}, 198.51.100.7`, false],
    ['a visitor with a claim through two, counted', 2, `10.0.0.1, ${public_}, 198.51.100.7`, false],
    ['a visitor through one, counted', 1, public_, false],
    ['no address', [proxy], 'unknown', false],
    // Of a promise only the first hop is believed here: the client is who it names, and no proxy.
    [
      'a visitor, by a promise',
      ((_: string, hop: number) => hop === 0 || Promise.resolve(true)) as TrustProxy,
      public_,
      false,
    ],
    ['a trust function that throws', () => assert.fail('broken'), '10.0.0.1', false],
  ]
  for (const [name, trust, addresses, passes] of chains)
    test(`through a proxy: ${name}`, async () => {
      const { port } = await serve({ rules: rules(), healthCheck: '/healthz' }, { trust })
      const bytes = addresses === undefined ? sound : forwarded(addresses)
      assert.equal(
        await ask({ port, localAddress: proxy }, bytes).catch(String),
        passes ? '200' : handedOff(trust),
      )
      assert.equal(drops.events.length, passes ? 0 : 1)
    })
  /** Of a function that throws nobody knows. */
  const handedOff = (trust: TrustProxy) => (typeof trust === 'function' && trust.length === 0 ? '' : '444')

  test('several paths, each as it stands', async () => {
    const { port } = await serve({ rules: rules(), healthCheck: ['/livez', '/readyz?full=1'] })
    for (const [path, status] of [
      ['/livez', '200'],
      ['/readyz?full=1', '200'],
      ['/readyz', ''],
      ['/healthz', ''],
    ])
      assert.equal(await ask({ port }, sound.replace('/healthz', path as string)), status, path)
  })

  test('what is wrong with its head is dropped all the same', async () => {
    const { port } = await serve({ rules: rules(), healthCheck: '/healthz' })
    for (const bytes of [
      sound.replace('HTTP/1.1', 'HTTP/0.9'),
      sound.replace('Accept: */*', 'Transfer-Encoding: gzip'),
      sound.replace('Accept: */*', 'Expect: magic'),
      sound.replace('Host: ', 'Host : '),
    ])
      assert.equal(await ask({ port }, bytes), '', bytes)
    assert.equal(drops.events.length, 4)
  })

  test('the door is before it: a denied address has no connection to ask on', async () => {
    const { port } = await serve({ rules: [denyCidr([`${client}/32`])], healthCheck: '/healthz' })
    assert.equal(await ask({ port, localAddress: client }, sound).catch(() => ''), '')
    assert.equal(await ask({ port }, sound), '200')
  })

  test('a dry run stays one', async () => {
    const { port } = await serve({ rules: rules(), healthCheck: '/healthz', dryRun: true })
    assert.equal(await ask({ port }, sound), '200')
    assert.deepEqual(drops.events, [])
  })

  test('over a unix-domain socket', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drop444-health-'))
    after(() => rm(directory, { recursive: true, force: true }))
    const server = protect(
      http.createServer((_req, res) => res.end('ok')),
      {
        rules: rules(),
        healthCheck: '/healthz',
      },
    )
    const path = join(directory, 'app')
    running = await listen(server, path)
    let text = ''
    const socket = connect(path, () => socket.write(sound))
    socket.on('data', chunk => {
      text += chunk
    })
    for (let tries = 0; tries < 500 && !socket.closed; tries++) await settle(20)
    assert.match(text, /^HTTP\/1\.1 200 /)
  })

  test('over HTTP/2', async () => {
    const server = protect(
      http2.createServer((_req, res) => void res.end('ok')),
      {
        rules: rules(),
        healthCheck: '/healthz',
      },
    )
    running = await listen(server as never)
    const session = http2.connect(`http://127.0.0.1:${running.port}`)
    session.on('error', () => {})
    const status = await new Promise(resolve => {
      const stream = session.request({ ':path': '/healthz' })
      stream.on('response', headers => resolve(headers[':status'])).on('error', resolve)
      stream.on('close', () => resolve('closed'))
    })
    session.destroy()
    assert.equal(status, 200)
  })

  for (const wrong of ['', 'healthz', '/a b', [], ['/a', 'b'], 1, true, /x/, ['/ä']])
    test(`refused at start: ${JSON.stringify(wrong)}`, () => {
      assert.throws(
        () => protect(http.createServer(), { healthCheck: wrong as never }),
        (error: OptionsError) => error instanceof OptionsError && error.option === 'healthCheck',
      )
    })
})
