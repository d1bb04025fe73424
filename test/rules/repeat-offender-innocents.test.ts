import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { describe, test } from 'node:test'
import type { Verdict } from '../../lib/events/drop-event.ts'
import {
  badAgent,
  noHost,
  pathAllowlist,
  protect,
  type Rule,
  rateLimit,
  repeatOffender,
} from '../../lib/index.ts'
import type { RequestFacts } from '../../lib/request/request-facts.ts'
import { weighConnection } from '../../lib/rules/repeat-offender/offences.ts'
import type { RepeatOffenderOptions } from '../../lib/rules/repeat-offender/offender-options.ts'
import type { RepeatOffender } from '../../lib/rules/repeat-offender.ts'
import { settle } from '../support/events.ts'
import { openHttp2 } from '../support/http2-frames.ts'
import { exchange, get, RawClient, type RawOptions } from '../support/raw-client.ts'
import { type Handler, type Kind, kindName, kinds, listen, start } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'

const made: RepeatOffender[] = []

function offender(options: RepeatOffenderOptions = {}): RepeatOffender {
  const own = repeatOffender(options)
  made.push(own)
  return own
}

/** A clock that stands still until it is moved. */
function clock() {
  const now = () => now.time
  now.time = 1_000_000
  return now
}

/** `/` and what begins with `/ok` is there, a login always fails, the rest is a 404. */
const app: Handler = (req, res) => {
  const url = req.url ?? ''
  res.statusCode = url === '/' || url.startsWith('/ok') ? 200 : url.startsWith('/login') ? 401 : 404
  res.end('x')
}

const bareKinds = kinds.filter(({ app }) => app === 'bare')
const [plain] = bareKinds as [Kind]

/** Waits for what has to happen. */
async function until(happened: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !happened(); i++) await settle(5)
  assert.ok(happened())
}

async function site(rules: readonly Rule[], kind = plain, handler = app) {
  const { port, server } = closed(await start(kind, rules, handler))
  const to: RawOptions = { port, tls: kind.tls }
  let answered = 0
  server.on('request', (_req, res) => res.once('close', () => answered++))
  const ask = async (request: string) => {
    const before = answered + drops.events.length
    const { data } = await exchange(to, request)
    await until(() => answered + drops.events.length > before)
    // What is counted when a response is closed.
    await settle(1)
    return data.length === 0 ? 'dropped' : Number(/^HTTP\/1.1 (\d+)/.exec(data.toString())?.[1])
  }
  return { to, server, ask }
}

const close = { Connection: 'close' }
const page = { 'Upgrade-Insecure-Requests': '1', Accept: 'text/html,*/*;q=0.8' }
const post = (path: string, more: Record<string, string> = {}) =>
  get(path, { ...close, 'Content-Length': '0', ...more }).replace('GET', 'POST')

/** How many of these are asked before the address is banned; undefined: it never is. */
async function bannedAfter(own: RepeatOffender, ask: (request: string) => unknown, requests: string[]) {
  for (const [i, request] of requests.entries()) {
    await ask(request)
    if (own.isBanned('127.0.0.1')) return i + 1
  }
  return undefined
}

/** Asks for all of them, some at a time. */
async function askAll(ask: (request: string) => unknown, requests: readonly string[]): Promise<void> {
  for (let i = 0; i < requests.length; i += 20) await Promise.all(requests.slice(i, i + 20).map(ask))
  await settle(10)
}

const times = (count: number, request: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => request(i))

/** The app answers 404, or the path is not listed: both ways of a dead link. */
const deadEnds = [
  ['answered 404', (own: RepeatOffender) => [own]],
  ['dropped', (own: RepeatOffender) => [own, pathAllowlist(['/', '/ok/**', '/login'])]],
] as const

describe('repeatOffender and connections that are kept in store', () => {
  hooks()
  test.afterEach(() => {
    for (const each of made.splice(0)) each.close()
  })

  const open: Record<string, (to: RawOptions) => Promise<RawClient>> = {
    http: to => RawClient.open(to),
    https: to => RawClient.open({ ...to, tls: true }),
    'https, no handshake': to => RawClient.open(to),
    'http2-h1': to => RawClient.open({ ...to, tls: true, alpn: ['http/1.1'] }),
    http2: to => RawClient.open({ ...to, tls: true, alpn: ['h2'] }),
    'http2, greeted': to => openHttp2({ ...to, tls: true }),
    h2c: to => RawClient.open(to),
    'h2c, greeted': openHttp2,
  }

  for (const [name, connect] of Object.entries(open)) {
    test(`none of them is an offence: ${name}`, async () => {
      const kind = bareKinds.find(({ server }) => server === name.split(',')[0]) as Kind
      const own = offender({ limit: 1 })
      const { port, server } = closed(await start(kind, [], app))
      const phase = name.endsWith('handshake') ? 'handshake' : 'header'
      const handshakeTimeout = phase === 'handshake' ? 300 : 10_000
      protect(server, { rules: [own], headerTimeout: 300, handshakeTimeout })
      const clients = await Promise.all(times(4, String).map(() => connect({ port })))
      await until(() => drops.events.length === 4)
      const known = new Set(drops.events.map(({ reason, detail }) => `${reason}: ${detail}`))
      assert.deepEqual([...known], [`${phase}-timeout: nothing was sent`])
      assert.deepEqual([own.isBanned('127.0.0.1'), own.list()], [false, []])
      for (const client of clients) client.destroy()
    })
  }

  for (const kind of bareKinds.filter(({ server }) => server === 'http' || server === 'https')) {
    test(`also where Node's own limit ends them: ${kindName(kind)}`, async () => {
      const own = offender({ limit: 1 })
      const { createServer } = await import(kind.tls ? 'node:https' : 'node:http')
      const { credentials } = await import('../support/servers.ts')
      const limits = { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 50 }
      const server: Server = createServer({ ...credentials, ...limits }, app)
      const { port } = closed(await listen(server))
      protect(server, { rules: [own], headerTimeout: 0 })
      const clients = await Promise.all(times(3, String).map(() => RawClient.open({ port, tls: kind.tls })))
      await until(() => drops.events.length === 3)
      const known = new Set(drops.events.map(({ reason, detail }) => `${reason}: ${detail}`))
      assert.deepEqual([...known], ['request-timeout: nothing was sent'])
      assert.equal(own.isBanned('127.0.0.1'), false)
      // On a busy machine the limit may be over before a byte is sent.
      for (let i = 0; i < 50 && !own.isBanned('127.0.0.1'); i++) {
        const half = await RawClient.open({ port, tls: kind.tls })
        half.send('GET / HTTP/1.1\r\nHost: a')
        await until(() => half.end !== 'open')
        clients.push(half)
      }
      await until(() => own.isBanned('127.0.0.1'))
      for (const client of clients) client.destroy()
    })
  }

  test('half a head is an offence', async () => {
    const own = offender({ limit: 1 })
    const { port, server } = closed(await start(plain, [], app))
    protect(server, { rules: [own], headerTimeout: 200 })
    const clients = await Promise.all([1, 2].map(() => RawClient.open({ port })))
    for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: a')
    await until(() => own.isBanned('127.0.0.1'))
    assert.equal(own.list()[0]?.reason, 'header-timeout')
    for (const client of clients) client.destroy()
  })

  test('more connections than one address may have: our own limit', async () => {
    const own = offender({ limit: 1 })
    const counted = offender({ limit: 1, countLimited: true, name: 'counted' })
    const { port, server } = closed(await start(plain, [], app))
    protect(server, { rules: [own], connectionsPerAddress: 2 })
    const clients = await Promise.all(times(6, String).map(() => RawClient.open({ port })))
    await until(() => drops.events.length === 4)
    assert.deepEqual(new Set(drops.events.map(({ reason }) => reason)), new Set(['too-many-connections']))
    assert.deepEqual([own.isBanned('127.0.0.1'), counted.isBanned('127.0.0.1')], [false, true])
    for (const client of clients) client.destroy()
  })
})

describe('repeatOffender and one request', () => {
  hooks()
  test.afterEach(() => {
    for (const each of made.splice(0)) each.close()
  })

  /** How many drops there are for each, and what is sent. */
  const variants: Record<string, readonly [drops: number, ...parts: string[]]> = {
    'a body that is held back': [1, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx'],
    'a chunk that is none': [
      1,
      'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
      'zz\r\n',
    ],
    'no more than a 404': [0, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'],
    'an expectation': [1, 'GET /a HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n'],
  }

  /** Sends one part behind the other; the app's 404, or the drop, comes in between. */
  async function sendParts(to: RawOptions, parts: readonly string[], path: string): Promise<RawClient> {
    const client = await RawClient.open(to)
    for (const part of parts) {
      if (part === '') client.finish()
      else client.send(part.replace('/a', path))
      await client.until(() => client.text.includes('404') || drops.events.length > 0)
    }
    return client
  }

  for (const kind of bareKinds.filter(({ protocol }) => protocol === 1)) {
    for (const [name, [dropped, ...parts]] of Object.entries(variants)) {
      test(`is one offence: ${name}, ${kind.server}`, async () => {
        const own = offender({ limit: 1 })
        const second = offender({ limit: 1, name: 'second' })
        const { to, server } = await site([], kind)
        protect(server, { rules: [own, second], bodyTimeout: 300 })
        const bans = () => [own, second].map(each => each.isBanned('127.0.0.1'))
        const first = await sendParts(to, parts, '/1')
        await until(() => drops.events.length === dropped)
        await settle(20)
        assert.deepEqual(bans(), [false, false])
        const other = await sendParts(to, parts, '/2')
        await until(() => bans().every(Boolean))
        first.destroy()
        other.destroy()
      })
    }
  }

  test('a 404 that its client does not take is one offence', async () => {
    const own = offender({ limit: 1 })
    const { to, server } = await site([], plain, (_req, res) => {
      res.statusCode = 404
      res.end(Buffer.alloc(20_000_000))
    })
    protect(server, { rules: [own], sendTimeout: 400 })
    const ask = async (path: string) => {
      const client = await RawClient.open(to)
      client.send(get(path))
      await once(client.tcp, 'data')
      client.tcp.pause()
      const before = drops.events.length
      await until(() => drops.events.length > before)
      assert.equal(drops.events.at(-1)?.reason, 'send-timeout')
      await settle(20)
      client.destroy()
    }
    await ask('/a')
    assert.equal(own.isBanned('127.0.0.1'), false)
    await ask('/b')
    assert.equal(own.isBanned('127.0.0.1'), true)
  })
})

describe('repeatOffender and requests', () => {
  hooks()
  test.afterEach(() => {
    for (const each of made.splice(0)) each.close()
  })

  const agents = { 'a browser': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0', 'another program': 'x/1' }
  for (const [name, agent] of Object.entries(agents)) {
    test(`a dropped GET that ${name} repeats is one offence within 10 seconds`, async () => {
      const now = clock()
      const own = offender({ limit: 2, now })
      const { ask } = await site([own, pathAllowlist(['/ok'])])
      const gone = get('/gone', { ...close, 'User-Agent': agent })
      for (let i = 0; i < 5; i++) await ask(gone)
      now.time += 9_999
      for (let i = 0; i < 5; i++) await ask(gone)
      await ask(get('/other', close))
      assert.equal(own.isBanned('127.0.0.1'), false)
      now.time += 1
      await ask(gone)
      assert.equal(own.isBanned('127.0.0.1'), true)
    })
  }

  test('from the 11th on each counts, those before too, where no browser asks', async () => {
    const own = offender({ limit: 50 })
    const second = offender({ limit: 50, name: 'second' })
    const { ask } = await site([own, pathAllowlist(['/ok'])])
    const asked = times(60, () => get('/xmlrpc.php', { ...close, 'User-Agent': 'x/1' }))
    assert.equal(await bannedAfter(own, ask, asked), 51)
    assert.equal(second.isBanned('127.0.0.1'), true)
    own.lift('127.0.0.1')
    const browser = times(60, () => get('/gone', { ...close, 'User-Agent': agents['a browser'] }))
    assert.equal(await bannedAfter(own, ask, browser), undefined)
  })

  test('a script of ours that goes on asking for what is answered 401, in a browser without fetch metadata', async () => {
    const poll = { ...close, Referer: 'http://a.example/app', Host: 'a.example', Accept: '*/*' }
    for (const [agent, bannedAt] of [
      [agents['a browser'], undefined],
      [agents['another program'], 3],
    ] as const) {
      const own = offender({ limit: 2 })
      const { ask } = await site([own])
      const asked = times(8, () => get('/login', { ...poll, 'User-Agent': agent }))
      assert.equal(await bannedAfter(own, ask, asked), bannedAt, agent)
      own.close()
    }
  })

  test('nothing else is folded: other methods, targets, hosts, addresses; nor what was answered', async () => {
    const cases: Record<string, string[]> = {
      HEAD: times(3, () => get('/gone', close).replace('GET', 'HEAD')),
      POST: times(3, () => post('/gone')),
      'another query': times(3, i => get(`/gone?${i}`, close)),
      'another host': times(3, i => get('/gone', { ...close, Host: `${i}.example` })),
      'answered 401': times(3, () => get('/login', close)),
      'POST, answered 401': times(3, () => post('/login')),
    }
    for (const [name, requests] of Object.entries(cases)) {
      const own = offender({ limit: 2 })
      const { ask } = await site([own, pathAllowlist(['/', '/login'])])
      assert.equal(await bannedAfter(own, ask, requests), 3, name)
      own.close()
    }
    const own = offender({ limit: 2 })
    const { ask } = await site([own])
    assert.equal(
      await bannedAfter(
        own,
        ask,
        times(3, () => get('/gone', close)),
      ),
      3,
      'answered 404',
    )
  })

  for (const [how, rulesOf] of deadEnds) {
    test(`a dictionary of 200 paths is banned within its first 60: ${how}`, async () => {
      const words = [
        '.git/HEAD',
        '.env',
        '.well-known/change-password',
        'favicon.ico',
        'robots.txt',
        'sitemap.xml',
      ]
      const dictionary = [...words, ...times(194, i => `common-${i}`)]
      const clients: Record<string, Record<string, string>> = {
        curl: { Accept: '*/*' },
        'a browser, by its agent': { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0' },
        'a browser, by what it accepts': page,
        'a browser, by its referrer': { Referer: 'http://127.0.0.1/' },
        'a driven browser': {
          ...page,
          'Sec-Fetch-Site': 'none',
          'Sec-Fetch-Mode': 'navigate',
          'Sec-Fetch-User': '?1',
        },
        'a browser on links of ours': {
          ...page,
          'Sec-Fetch-Site': 'same-origin',
          'Sec-Fetch-Mode': 'navigate',
        },
      }
      for (const [name, more] of Object.entries(clients)) {
        const own = offender()
        const { ask } = await site(rulesOf(own))
        const requests = dictionary.map(word => get(`/${word}`, { ...close, Host: '127.0.0.1', ...more }))
        const count = await bannedAfter(own, ask, requests)
        assert.ok(count !== undefined && count <= 60, `${name}: ${count}`)
        own.close()
      }
    })
  }

  test('60 times POST /login with 401 is banned at the 51st, of a form and of a script of ours too', async () => {
    const same = { 'Sec-Fetch-Site': 'same-origin' }
    for (const more of [
      {},
      { ...same, 'Sec-Fetch-Mode': 'navigate' },
      { ...same, 'Sec-Fetch-Mode': 'cors' },
    ]) {
      const own = offender()
      const { ask } = await site([own])
      assert.equal(
        await bannedAfter(
          own,
          ask,
          times(60, () => post('/login', more)),
        ),
        51,
      )
      own.close()
    }
  })

  test('a scanner by its agent counts each time, whatever else it says of itself', async () => {
    const cross = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', ...close }
    const own = offender({ limit: 2 })
    const { ask } = await site([own, badAgent()])
    const requests = times(3, () => get('/', { ...cross, 'User-Agent': 'sqlmap/1.7' }))
    assert.equal(await bannedAfter(own, ask, requests), 3)
  })

  for (const [how, rulesOf] of deadEnds) {
    const foreign: Record<string, string[]> = {
      'images of a foreign page': times(16, i =>
        get(`/${i}.png`, {
          'Sec-Fetch-Site': 'cross-site',
          'Sec-Fetch-Mode': 'no-cors',
          'Sec-Fetch-Dest': 'image',
        }),
      ),
      'said by one header': times(16, i => get(`/${i}.png`, { 'Sec-Fetch-Site': 'cross-site' })),
      'frames of a foreign page': times(16, i =>
        get(`/${i}`, {
          'Sec-Fetch-Site': 'cross-site',
          'Sec-Fetch-Mode': 'navigate',
          'Sec-Fetch-Dest': 'iframe',
        }),
      ),
      'links of a foreign page': times(16, i =>
        get(`/${i}`, {
          'Sec-Fetch-Site': 'cross-site',
          'Sec-Fetch-Mode': 'navigate',
          'Sec-Fetch-User': '?1',
        }),
      ),
      'forms of a foreign page': times(16, () =>
        post('/login', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }),
      ),
      'images of a foreign page, plain HTTP': times(16, i =>
        get(`/${i}.png`, { Referer: 'http://foreign.example/' }),
      ),
      'images of a foreign page without a referrer': times(16, i =>
        get(`/${i}.png`, { Accept: 'image/avif,*/*;q=0.8' }),
      ),
      'forms of a foreign page, plain HTTP': times(16, () =>
        post('/login', { Origin: 'http://foreign.example' }),
      ),
      'images that others put into ours': times(16, i =>
        get(`/${i}.png`, {
          'Sec-Fetch-Site': 'same-origin',
          'Sec-Fetch-Mode': 'no-cors',
          'Sec-Fetch-Dest': 'image',
        }),
      ),
      'a dead link of ours': times(24, i =>
        get(`/gone-${i % 6}`, { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'navigate' }),
      ),
      'a dead link of ours, plain HTTP': times(24, i => get(`/gone-${i % 6}`, page)),
      icons: times(24, i =>
        get(['/favicon.ico', '/apple-touch-icon.png', '/.well-known/change-password'][i % 3]),
      ),
      robots: times(24, () => get('/robots.txt')),
    }
    for (const [name, requests] of Object.entries(foreign)) {
      test(`nobody is banned by another's doing: ${name}, ${how}`, async () => {
        const own = offender({ limit: 10 })
        const counted = offender({ limit: 10, countPageRequests: true, name: 'counted' })
        const [, ...others] = rulesOf(own)
        const { ask } = await site([own, counted, ...others])
        const close = requests.map(request => request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
        await askAll(ask, close)
        assert.equal(own.isBanned('127.0.0.1'), false)
        // Fewer than ten of each target.
        const isFolded = how === 'dropped' && /dead link|icons/.test(name)
        assert.equal(counted.isBanned('127.0.0.1'), !isFolded)
      })
    }
  }

  test('a foreign page can have a browser ask for a name that is not ours', async () => {
    const own = offender()
    const { ask } = await site([own, noHost({ serverNames: ['example.com'] })])
    const more = { Host: 'a.foreign.example', Referer: 'http://foreign.example/', ...close }
    assert.equal(
      await bannedAfter(
        own,
        ask,
        times(51, i => get(`/${i}`, more)),
      ),
      undefined,
    )
    const scanner = times(51, i => get(`/${i}`, { Host: '127.0.0.1', ...close }))
    assert.equal(await bannedAfter(own, ask, scanner), 51)
  })

  for (const status of [429, 503, 444] as const) {
    test(`six reloads of a page with 30 images under our own limit ban nobody: ${status}`, async () => {
      const own = offender()
      const counted = offender({ countLimited: true, name: 'counted' })
      const failed = offender({ statuses: [429, 503], name: 'failed' })
      const limit = rateLimit({ rate: '1r/s', burst: 20, status })
      const { ask } = await site([own, counted, failed, limit])
      let refused = 0
      for (let load = 0; load < 6; load++) {
        for (let i = 0; i <= 30; i++) if ((await ask(get(i ? `/ok/${i}.png` : '/', close))) !== 200) refused++
      }
      assert.ok(refused > 100, `${refused}`)
      assert.deepEqual([own.isBanned('127.0.0.1'), failed.isBanned('127.0.0.1')], [false, false])
      // 30 targets are asked for again within 10 s.
      assert.equal(counted.isBanned('127.0.0.1'), status !== 444)
    })
  }

  test("an app's own limit neither, unless you say so", async () => {
    const own = offender()
    const told = offender({ statuses: [429], name: 'told' })
    const { ask } = await site([own, told], plain, (_req, res) => {
      res.statusCode = 429
      res.end()
    })
    assert.equal(
      await bannedAfter(
        own,
        ask,
        times(51, () => get('/', close)),
      ),
      undefined,
    )
    assert.equal(told.isBanned('127.0.0.1'), true)
  })
})

describe('repeatOffender and connections that a page has a browser open', () => {
  hooks()
  test.afterEach(() => {
    for (const each of made.splice(0)) each.close()
  })

  const hello = async (to: RawOptions) => {
    const client = await RawClient.open({ ...to, tls: true }).catch(() => undefined)
    client?.destroy()
  }
  const names = { serverNames: ['example.com'] }
  const cases: Record<string, readonly [kind: string, (to: RawOptions) => Promise<unknown>, object, string]> =
    {
      'https: asked of the plain port': ['http', hello, {}, 'tls-on-plain-port'],
      'http: asked of the TLS port': ['https', to => exchange(to, get('/')), {}, 'not-tls'],
      'another name': [
        'https',
        to => hello({ ...to, servername: 'foreign.example' }),
        names,
        'unknown-server-name',
      ],
      'a long address': ['http', to => exchange(to, get(`/${'a'.repeat(20_000)}`)), {}, 'header-too-large'],
    }
  test('is no offence: a long address over HTTP/2, which is a protocol error from Node 22 on', () => {
    const verdict = {
      action: 'close',
      reason: 'http2-error',
      status: 444,
      rule: 'protect',
      detail: 'Protocol error',
    }
    const counted = { statuses: new Set<number>(), limited: false, pageRequests: false }
    const weigh = (pageRequests: boolean) =>
      weighConnection(verdict as Verdict, { method: '' } as RequestFacts, { ...counted, pageRequests })
    assert.deepEqual([weigh(false), weigh(true)], ['none', 'each'])
  })

  for (const [name, [server, connect, options, reason]] of Object.entries(cases)) {
    test(`is no offence: ${name}`, async () => {
      const own = offender({ limit: 1 })
      const counted = offender({ limit: 1, countPageRequests: true, name: 'counted' })
      const kind = bareKinds.find(each => each.server === server) as Kind
      const running = closed(await start(kind, [], app))
      protect(running.server, { rules: [own], ...options })
      for (let i = 0; i < 3; i++) {
        const before = drops.events.length
        await connect({ port: running.port })
        await until(() => drops.events.length > before)
      }
      assert.deepEqual(new Set(drops.events.map(event => event.reason)), new Set([reason]))
      assert.deepEqual([own.isBanned('127.0.0.1'), counted.isBanned('127.0.0.1')], [false, true])
    })
  }
})
