import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import type { Server } from 'node:net'
import { describe, test } from 'node:test'
import { badAgent, denyCidr, drop, OptionsError, protect, rule } from '../../lib/index.ts'
import type { RepeatOffenderOptions } from '../../lib/rules/repeat-offender/offender-options.ts'
import { type RepeatOffender, repeatOffender } from '../../lib/rules/repeat-offender.ts'
import { settle } from '../support/events.ts'
import { headers, openHttp2, parseFrames } from '../support/http2-frames.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { reader } from '../support/reader.ts'
import {
  credentials,
  type Handler,
  kindName,
  kinds,
  listen,
  type Middleware,
  start,
} from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'

const minute = 60_000
const bad = rule('bad', req => (req.url?.startsWith('/bad') ? 'bad-path' : undefined))

/** A clock that stands still until it is moved. */
function clock(start = 1_000_000) {
  const now = () => now.time
  now.time = start
  return now
}

const made: RepeatOffender[] = []

function offender(options: RepeatOffenderOptions = {}): RepeatOffender {
  const own = repeatOffender({ limit: 2, ...options })
  made.push(own)
  return own
}

/** Answers with the status that the path names: `/404`. */
const answer: Handler = (req, res) => {
  const status = Number(/^\/(\d{3})/.exec(req.url ?? '')?.[1] ?? 200)
  res.statusCode = status
  res.end('fine')
}

async function site(
  rules: readonly (RepeatOffender | Middleware)[],
  kind: (typeof kinds)[number] = kinds[2] as never,
  handler = answer,
) {
  const server = closed(await start(kind, rules, handler))
  let asked = 0
  const ask = async (path = '/', more: Record<string, string> = {}, localAddress = '127.0.0.1') => {
    // The same target again, within 10 seconds, would be a browser's repeat.
    const target = `${path}?${++asked}`
    const options = { port: server.port, tls: kind.tls, localAddress }
    const wire = await exchange(options, get(target, { Connection: 'close', ...more }))
    // What is counted when a response is closed.
    await settle(5)
    return wire.data.length === 0 ? 'dropped' : Number(/^HTTP\/1.1 (\d+)/.exec(wire.data.toString())?.[1])
  }
  return { port: server.port, server: server.server, ask }
}

const answersOf = (bytes: Buffer) => parseFrames(bytes).filter(({ type }) => type === 'HEADERS').length
const reasons = () => drops.events.map(({ reason }) => reason)

describe('repeatOffender', () => {
  hooks()
  test.afterEach(() => {
    for (const each of made.splice(0)) each.close()
  })

  for (const kind of kinds.filter(({ protocol }) => protocol === 1)) {
    test(`drops and failed answers count together, then nothing is answered: ${kindName(kind)}`, async () => {
      const own = offender()
      const { ask, port } = await site([own, bad], kind)
      assert.deepEqual([await ask('/bad'), await ask('/404'), await ask('/200')], ['dropped', 404, 200])
      assert.equal(own.isBanned('127.0.0.1'), false)
      assert.equal(await ask('/401'), 401)
      assert.equal(own.isBanned('127.0.0.1'), true)
      const wire = await exchange({ port, tls: kind.tls }, get('/'))
      assert.deepEqual([wire.wireBytes, wire.data.length], [0, 0])
      const event = drops.events.at(-1)
      assert.deepEqual([event?.rule, event?.reason], ['repeatOffender', 'banned'])
      assert.match(event?.detail ?? '', /^127\.0\.0\.1 until 20\d\d-/)
      assert.deepEqual(reasons(), ['bad-path', 'banned'])
      assert.equal(await ask('/200', {}, '127.0.0.2'), 200)
    })
  }

  test('a ban ends by itself, the next is longer, and no request while it lasts makes it longer', async () => {
    const now = clock()
    const own = offender({ now, ban: '1m', decay: '1h' })
    const { ask } = await site([own, bad])
    const offend = async () => {
      for (let i = 0; i < 3; i++) assert.equal(await ask('/bad'), 'dropped')
    }
    await offend()
    const [ban] = own.list()
    assert.deepEqual(ban, {
      address: '127.0.0.1',
      until: now.time + minute,
      since: now.time,
      level: 1,
      reason: 'bad-path',
    })
    assert.ok(Object.isFrozen(ban))
    for (let i = 0; i < 5; i++) assert.equal(await ask('/'), 'dropped')
    assert.deepEqual(own.list(), [ban])
    now.time += minute - 1
    assert.equal(await ask('/'), 'dropped')
    now.time += 1
    assert.equal(await ask('/'), 200)
    assert.deepEqual(own.list(), [])
    await offend()
    assert.equal(own.list()[0]?.until, now.time + 2 * minute)
    assert.equal(own.list()[0]?.level, 2)
  })

  test('offences that are a window apart are no ban', async () => {
    const now = clock()
    const own = offender({ now, window: '10s' })
    const { ask } = await site([own, bad])
    for (let i = 0; i < 10; i++) {
      assert.equal(await ask('/bad'), 'dropped')
      now.time += 5_000
    }
    assert.equal(own.isBanned('127.0.0.1'), false)
    now.time -= 1
    await ask('/bad')
    assert.equal(own.isBanned('127.0.0.1'), true)
  })

  test('a request counts once: dropped by a rule behind it, by the app, or answered by a rule', async () => {
    const own = offender({ limit: 3 })
    const limited = rule('limited', req => req.url?.startsWith('/limited') && 'limited', { status: 403 })
    const { ask } = await site([own, bad, limited], undefined, (req, res) => {
      if (req.url?.startsWith('/drop')) {
        res.statusCode = 404
        drop(req)
      } else answer(req, res)
    })
    assert.deepEqual(
      [await ask('/bad'), await ask('/drop'), await ask('/limited')],
      ['dropped', 'dropped', 403],
    )
    assert.equal(own.isBanned('127.0.0.1'), false)
    await ask('/403')
    assert.equal(own.isBanned('127.0.0.1'), true)
  })

  test('what a rule before it drops, or answers, counts as well', async () => {
    const own = offender()
    const limited = rule('limited', req => req.url?.startsWith('/limited') && 'limited', { status: 403 })
    const other = rule('other', req => req.url?.startsWith('/other') && 'other', { status: 400 })
    const { ask } = await site([bad, limited, other, own])
    assert.deepEqual([await ask('/bad'), await ask('/other'), await ask('/limited')], ['dropped', 400, 403])
    assert.equal(own.isBanned('127.0.0.1'), false)
    assert.equal(await ask('/bad'), 'dropped')
    assert.equal(own.isBanned('127.0.0.1'), true)
    assert.equal(await ask('/'), 'dropped')
  })

  test('a drop for a ban is no offence, to another one neither', async () => {
    const first = offender({ name: 'first' })
    const other = offender({ name: 'other', limit: 1 })
    const { ask } = await site([first, other])
    first.ban('127.0.0.1')
    for (let i = 0; i < 4; i++) assert.equal(await ask('/'), 'dropped')
    assert.equal(other.isBanned('127.0.0.1'), false)
  })

  test('a fault of the server is no offence: overload, a store or a rule that fails', async () => {
    const own = offender({ limit: 1 })
    const faults = rule('faults', req => req.headers['x-fault'] as string | undefined)
    const { ask } = await site([own, faults])
    for (const fault of ['overloaded', 'store-down', 'rule-error']) {
      for (let i = 0; i < 3; i++) assert.equal(await ask('/', { 'X-Fault': fault }), 'dropped')
    }
    assert.deepEqual(own.list(), [])
    for (let i = 0; i < 2; i++) await ask('/', { 'X-Fault': 'fault-of-theirs' })
    assert.equal(own.isBanned('127.0.0.1'), true)
  })

  test('statuses: others, or none', async () => {
    const teapot = offender({ statuses: [418], limit: 1 })
    const none = offender({ statuses: [], limit: 1 })
    const { ask } = await site([teapot, none])
    for (const path of ['/404', '/401', '/418']) await ask(path)
    assert.equal(teapot.isBanned('127.0.0.1'), false)
    await ask('/418')
    assert.equal(teapot.isBanned('127.0.0.1'), true)
    assert.equal(none.isBanned('127.0.0.1'), false)
  })

  test('dry runs are no offences, and in a dry run of its own it counts, says so, and drops nobody', async () => {
    const counted = offender({ limit: 1 })
    const own = offender({ dryRun: true, name: 'trial' })
    const dry = rule('dry', req => req.url?.startsWith('/dry') && 'dry', { dryRun: true })
    const { ask } = await site([own, counted, dry])
    for (let i = 0; i < 5; i++) assert.equal(await ask('/dry'), 200)
    assert.deepEqual([own.isBanned('127.0.0.1'), counted.isBanned('127.0.0.1')], [false, false])
    counted.close()
    drops.events.length = 0
    for (let i = 0; i < 3; i++) assert.equal(await ask('/404'), 404)
    assert.equal(await ask('/'), 200)
    assert.deepEqual(
      drops.events.map(({ rule, reason, action }) => [rule, reason, action]),
      [['trial', 'banned', 'dry-run']],
    )
  })

  test('status: a banned client is told when to come back', async () => {
    const now = clock()
    const own = offender({ status: 429, now, ban: '90s' })
    const { ask, port } = await site([own, bad])
    for (let i = 0; i < 3; i++) await ask('/bad')
    now.time += 30_000
    const wire = await exchange({ port }, get('/', { Connection: 'close' }))
    assert.match(wire.data.toString(), /^HTTP\/1.1 429 /)
    assert.match(wire.data.toString(), /\r\nRetry-After: 60\r\n/)
    assert.equal(own.list()[0]?.level, 1)
  })

  const both = ['/bad', '/404', '/bad', '/404']

  test('except: neither judged nor counted', async () => {
    const own = offender({ except: ['127.0.0.9'], limit: 1 })
    const { ask } = await site([own, bad])
    for (const path of both) await ask(path, {}, '127.0.0.9')
    assert.deepEqual(own.list(), [])
    own.ban('127.0.0.9')
    assert.equal(await ask('/', {}, '127.0.0.9'), 200)
  })

  const isFriend = (req: { headers: object }) => 'x-friend' in req.headers
  for (const [how, skip] of [
    ['at once', isFriend],
    ['later', async (req: { headers: object }) => isFriend(req)],
  ] as const) {
    test(`skip: neither judged nor counted, said ${how}`, async () => {
      const own = offender({ limit: 1, skip })
      const { ask } = await site([own, bad])
      for (const path of both) await ask(path, { 'X-Friend': '1' })
      assert.deepEqual(own.list(), [])
      for (const path of ['/bad', '/404']) await ask(path)
      assert.equal(own.isBanned('127.0.0.1'), true)
      assert.deepEqual([await ask('/', { 'X-Friend': '1' }), await ask('/')], [200, 'dropped'])
    })
  }

  test('behind a trusted proxy the client is counted and banned; the proxy never', async () => {
    const options = { trustProxy: 'loopback', limit: 1 } as const
    const own = offender(options)
    const shut = rule('shut', req => req.url?.startsWith('/bad') && 'bad-path', { trustProxy: 'loopback' })
    const { ask, server } = await site([own, shut])
    protect(server, { rules: [own], trustProxy: 'loopback' })
    const from = (client: string) => ({ 'X-Forwarded-For': client })
    assert.equal(await ask('/bad', from('203.0.113.7')), 444)
    assert.equal(await ask('/404', from('203.0.113.7')), 404)
    assert.equal(await ask('/', from('203.0.113.7')), 444)
    assert.equal(await ask('/', from('203.0.113.8')), 200)
    for (let i = 0; i < 4; i++) await ask(i % 2 ? '/bad' : '/404')
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.open({ port: (server.address() as { port: number }).port })
      client.send('rubbish\r\n\r\n')
      await client.ended()
      client.destroy()
    }
    assert.deepEqual(
      own.list().map(({ address }) => address),
      ['203.0.113.7'],
    )
    assert.equal(own.list()[0]?.reason, 'status 404')
    assert.deepEqual([own.isBanned('127.0.0.1'), await ask('/')], [false, 200])
  })

  test('an untrusted claim to be somebody else bans nobody else', async () => {
    const own = offender({ limit: 1, trustProxy: false })
    const { ask } = await site([own, bad])
    for (let i = 0; i < 2; i++) await ask('/bad', { 'X-Forwarded-For': '203.0.113.7' })
    assert.deepEqual(
      own.list().map(({ address }) => address),
      ['127.0.0.1'],
    )
  })

  test('a login forgives what was, not what is', async () => {
    const now = clock()
    const own = offender({ now, ban: '1m' })
    const { ask } = await site([own, bad], undefined, (req, res) => {
      if (req.url?.startsWith('/login')) own.forgive(req)
      answer(req, res)
    })
    for (let i = 0; i < 4; i++) {
      await ask('/401')
      await ask('/401')
      assert.equal(await ask('/login'), 200)
    }
    for (let i = 0; i < 3; i++) await ask('/401')
    assert.equal(await ask('/login'), 'dropped')
    own.forgive('127.0.0.1')
    assert.equal(own.isBanned('127.0.0.1'), true)
    now.time += minute
    for (let i = 0; i < 3; i++) await ask('/401')
    // Without forgiveness it would be two minutes.
    assert.equal(own.list()[0]?.until, now.time + minute)
  })

  test('ban, list, lift by hand', async () => {
    const now = clock()
    const own = offender({ now })
    const { ask } = await site([own, bad])
    own.ban('127.0.0.1', { duration: '2h', reason: 'told us so' })
    own.ban('::ffff:198.51.100.7', { duration: 1_000 })
    own.ban('2001:db8:0:1:2:3:4:5/72')
    assert.deepEqual(
      own.list().map(({ address, until, reason }) => [address, until - now.time, reason]),
      [
        ['198.51.100.7', 1_000, 'manual'],
        ['2001:db8:0:1::/64', 600_000, 'manual'],
        ['127.0.0.1', 7_200_000, 'told us so'],
      ],
    )
    assert.equal(own.isBanned('2001:db8:0:1:ffff::'), true)
    assert.equal(own.isBanned('2001:db8:0:2::'), false)
    assert.equal(await ask('/'), 'dropped')
    assert.deepEqual([own.lift('127.0.0.1'), own.lift('127.0.0.1')], [true, false])
    assert.equal(await ask('/'), 200)
    for (let i = 0; i < 2; i++) await ask('/bad')
    assert.equal(own.lift('127.0.0.1'), false)
    for (let i = 0; i < 2; i++) await ask('/bad')
    assert.equal(own.isBanned('127.0.0.1'), false)
    assert.deepEqual([own.isBanned('nobody'), own.isBanned(undefined)], [false, false])
    await own.flush()
  })

  test('nonsense is refused by name', () => {
    const own = offender()
    const refuses = (act: () => unknown, option: string) =>
      assert.throws(act, (error: unknown) => error instanceof OptionsError && error.option === option)
    refuses(() => own.ban('nobody'), 'address')
    refuses(() => own.ban('10.0.0.0/8'), 'address')
    refuses(() => own.ban('192.0.2.1', { duration: '5 minutes' }), 'duration')
    refuses(() => own.ban('192.0.2.1', { duration: -1 }), 'duration')
    refuses(() => own.ban('192.0.2.1', { reason: '' }), 'reason')
    refuses(() => own.ban('192.0.2.1', { time: 5 } as never), 'time')
    refuses(() => own.lift('nobody'), 'address')
    refuses(() => own.forgive('nobody'), 'address')
    refuses(() => own.forgive(undefined as never), 'address')
    assert.deepEqual(own.list(), [])
    for (const [option, value] of Object.entries({
      limit: 0,
      window: '30d',
      ban: 0,
      maxBan: '1s',
      decay: 'soon',
      statuses: [99],
      ipv4Subnet: 33,
      ipv6Subnet: 0,
      maxKeys: 0,
      maxBans: 0,
      store: {},
      now: 5,
      banTime: 5,
    }))
      refuses(() => repeatOffender({ [option]: value } as never), option)
    assert.throws(() => repeatOffender({ headers: {}, httpVersion: '1.1' } as never), /must be called/)
  })

  test('a window in every notation', async () => {
    for (const window of [90_000, '90s', '1m 30s', '1m30s', '90000ms'] as const) {
      const now = clock()
      const own = offender({ now, window, limit: 1 })
      const { ask } = await site([own, bad])
      await ask('/bad')
      now.time += 90_000
      await ask('/bad')
      assert.equal(own.isBanned('127.0.0.1'), false)
      now.time += 89_999
      await ask('/bad')
      assert.equal(own.isBanned('127.0.0.1'), true)
    }
  })

  test('networks: an IPv4 /24 is one client where that is said', async () => {
    const own = offender({ ipv4Subnet: 24 })
    const { ask } = await site([own, bad])
    for (const last of [1, 2, 3]) await ask('/bad', {}, `127.0.0.${last}`)
    assert.equal(own.list()[0]?.address, '127.0.0.0/24')
    assert.equal(await ask('/', {}, '127.0.0.77'), 'dropped')
    assert.equal(await ask('/', {}, '127.0.1.1'), 200)
  })

  test('a clock that fails stands still, and is no matter of the request', async () => {
    const now = clock()
    let fails = false
    const own = offender({
      limit: 1,
      now: () => {
        if (fails) throw new Error('no time')
        return now()
      },
    })
    const { ask } = await site([own, bad])
    await ask('/bad')
    fails = true
    assert.equal(await ask('/404'), 404)
    assert.equal(await ask('/'), 'dropped')
  })

  test('close ends the counting, not the bans', async () => {
    const own = offender({ limit: 1 })
    const { ask } = await site([own, bad])
    own.ban('127.0.0.2')
    own.close()
    for (let i = 0; i < 4; i++) await ask(i % 2 ? '/bad' : '/404')
    assert.deepEqual(
      own.list().map(({ address }) => address),
      ['127.0.0.2'],
    )
    assert.equal(await ask('/', {}, '127.0.0.2'), 'dropped')
  })

  for (const kind of kinds.filter(({ protocol }) => protocol === 2)) {
    test(`streams: ${kindName(kind)}`, async () => {
      const own = offender()
      const server = closed(await start(kind, [own, bad], answer))
      const open = () => openHttp2({ port: server.port, tls: kind.tls })
      const first = await open()
      first.send(headers(1, '/404'))
      first.send(headers(3, '/403'))
      first.send(headers(5, '/401'))
      for (let i = 0; i < 100 && !own.isBanned('127.0.0.1'); i++) await settle(10)
      assert.equal(own.isBanned('127.0.0.1'), true)
      first.send(headers(7, '/'))
      await first.ended()
      assert.deepEqual(reasons(), ['banned'])
      first.destroy()
    })
  }
})

describe('repeatOffender in protect', () => {
  hooks()
  test.afterEach(() => {
    for (const each of made.splice(0)) each.close()
  })

  for (const kind of kinds.filter(({ app, server }) => app === 'bare' && server !== 'http2-h1')) {
    test(`a ban is judged at accept: no byte, no handshake, on ${kind.server}`, async () => {
      const own = offender({ ipv4Subnet: 32 })
      const server = closed(await start(kind, [], answer))
      protect(server.server, { rules: [badAgent(), own] })
      const rubbish = async (localAddress = '127.0.0.1') => {
        const client = await RawClient.open({ port: server.port, localAddress })
        client.send('\x00rubbish\r\n\r\n')
        const wire = await client.ended()
        client.destroy()
        return wire
      }
      // What never reaches an app counts: malformed requests, failed handshakes.
      for (let i = 0; i < 3; i++) assert.equal((await rubbish()).wireBytes, 0)
      assert.equal(own.isBanned('127.0.0.1'), true)
      const before = drops.events.length
      const client = await RawClient.open({ port: server.port })
      client.mark()
      const wire = await client.ended()
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      client.destroy()
      assert.deepEqual(reasons().slice(before), ['banned'])
      assert.equal(own.list()[0]?.level, 1)
      await rubbish('127.0.0.2')
      assert.notEqual(reasons().at(-1), 'banned')
    })
  }

  for (const tls of [false, true]) {
    test(`answers of an app that takes streams count, once: ${tls ? 'TLS' : 'h2c'}`, async () => {
      const own = offender()
      const made = tls ? http2.createSecureServer(credentials) : http2.createServer()
      made.on('stream', (stream, fields) => {
        if (fields[':path'] === '/both') return
        stream.respond({ ':status': Number(fields[':path']?.slice(1)) }, { endStream: true })
      })
      // It asks the same rule once more.
      made.on('request', (req, res) => {
        if (req.url !== '/both') return
        own(req, res, () => {
          res.statusCode = 404
          res.end()
        })
      })
      const server = closed(await listen(made as Server))
      protect(made as Server, { rules: [own] })
      const client = await openHttp2({ port: server.port, tls })
      const paths = ['/404', '/200', '/both', '/204']
      for (const [i, path] of paths.entries()) client.send(headers(2 * i + 1, path))
      await client.until(() => answersOf(client.data) === paths.length)
      await settle(100)
      assert.equal(own.isBanned('127.0.0.1'), false)
      client.send(headers(9, '/403'))
      for (let i = 0; i < 200 && !own.isBanned('127.0.0.1'); i++) await settle(10)
      assert.equal(own.list()[0]?.reason, 'status 403')
      client.destroy()
    })
  }

  test('it is judged first, wherever it stands', async () => {
    const own = offender()
    const judged: string[] = []
    const other = rule('other', () => {
      judged.push('other')
      return 'other'
    })
    const { server, ask } = await site([])
    protect(server, { rules: [denyCidr(['127.0.0.0/8']), other, own], handOff: 'close' })
    own.ban('127.0.0.1')
    await ask()
    own.lift('127.0.0.1')
    own.ban('203.0.113.1')
    const { server: proxied, ask: askProxied } = await site([])
    protect(proxied, { rules: [other, own], trustProxy: 'loopback' })
    assert.equal(await askProxied('/', { 'X-Forwarded-For': '203.0.113.1' }), 444)
    assert.deepEqual(reasons(), ['banned', 'banned'])
    assert.deepEqual(judged, [])
  })

  test('an open connection stays until its next request', async () => {
    const own = offender()
    const { server, port } = await site([])
    protect(server, { rules: [own] })
    const client = await RawClient.open({ port })
    client.send(get('/404'))
    await client.until(() => client.text.endsWith('fine'))
    own.ban('127.0.0.1')
    await settle(20)
    assert.equal(client.end, 'open')
    client.send(get('/'))
    const wire = await client.ended()
    assert.equal(wire.wireBytes, 0)
    client.destroy()
  })

  test('a flush settles also where nothing else keeps the process alive, and the store never answers', async () => {
    const { spawnSync } = await import('node:child_process')
    const script = `
      import { repeatOffender } from './lib/rules/repeat-offender.ts'
      const never = () => new Promise(() => {})
      const store = { scope: () => store, write: never, read: never, probe: never }
      const own = repeatOffender({ store })
      own.ban('192.0.2.1')
      await own.flush()
      own.close()
      console.log('settled')`
    const args = [...reader, '--input-type=module', '-e', script]
    const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
    assert.deepEqual([child.stdout.trim(), child.status], ['settled', 0], child.stderr)
  })

  test('guesses in one packet are counted one by one', async () => {
    const own = offender({ limit: 5 })
    let answered = 0
    const { port } = closed(
      await listen(
        protect(
          http.createServer((_req, res) => {
            answered++
            res.statusCode = 401
            res.end()
          }),
          { rules: [own] },
        ),
      ),
    )
    const client = await RawClient.open({ port })
    client.send(get('/login', { Authorization: 'Basic eA==' }).repeat(300))
    await client.ended(5_000)
    assert.notEqual(client.end, 'open')
    assert.ok(answered > 4 && answered < 10, `${answered} were answered`)
  })

  test('counting drops is no subscription, for the warning; and polling a store keeps no process alive', async () => {
    const { spawnSync } = await import('node:child_process')
    const script = `
      import http from 'node:http'
      import { repeatOffender } from './lib/rules/repeat-offender.ts'
      import { rule } from './lib/index.ts'
      const news = { now: 0, last: 0, born: '', cursor: 0, isLate: false, records: [] }
      const answer = async () => news
      const store = { scope: () => store, write: answer, read: answer, probe: answer }
      const own = repeatOffender({ limit: 1, store })
      const bad = rule('bad', () => 'bad')
      const server = http.createServer((req, res) => own(req, res, () => bad(req, res, () => {})))
      server.listen(0, '127.0.0.1', async () => {
        const url = 'http://127.0.0.1:' + server.address().port
        for (let i = 0; i < 3; i++) await fetch(url + '/' + i).catch(() => {})
        console.log(JSON.stringify(own.list().map(({ reason }) => reason)))
        server.close()
      })`
    const args = [...reader, '--input-type=module', '-e', script]
    const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
    assert.deepEqual([child.stdout.trim(), child.status], ['["bad"]', 0])
    assert.match(child.stderr, /DROP444_NO_SUBSCRIBER/)
  })
})
