import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { type CallbackError, type DropEvent, onDrop, type Rule, rule } from '../../lib/index.ts'
import { sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'
import { reader } from '../support/reader.ts'

const site = sites()
const all = () => rule('all', () => 'x')
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a script in a process of its own: for what may end a process, or is said once. */
function run(script: string): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...reader, '--input-type=module', '-e', script],
    { cwd: root, encoding: 'utf8', timeout: 60_000, env: { ...process.env, NODE_OPTIONS: '' } },
  )
  return { status, stdout, stderr }
}

/** One request to a bare server with a rule that drops everything. */
const oneDrop = `
  import http from 'node:http'
  import { connect } from 'node:net'
  import * as drop444 from './lib/index.ts'
  const all = drop444.rule('all', () => 'x')
  const server = http.createServer((req, res) => all(req, res, () => res.end('fine')))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const ask = () => new Promise(resolve => {
    const socket = connect(server.address().port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'))
    socket.on('close', resolve).on('error', () => {}).resume()
  })
`

describe('drop events', () => {
  test('the same frozen event goes to onDrop and to the diagnostics channel', async () => {
    const to = await site([all()])
    const seen: unknown[] = []
    const fromChannel = (message: unknown) => seen.push(message)
    subscribe('drop444:drop', fromChannel)
    const stop = onDrop(event => seen.push(event))
    await to.ask('/x')
    unsubscribe('drop444:drop', fromChannel)
    stop()
    await to.ask('/y')
    assert.equal(seen.length, 2)
    assert.equal(seen[0], seen[1])
    assert.equal(seen[0], to.events[0])
    assert.ok(Object.isFrozen(seen[0]))
    assert.throws(() => {
      ;(seen[0] as { rule: string }).rule = 'other'
    }, TypeError)
  })

  test('all that is known of the request, over Express with a mount path', async () => {
    const mounted = express.Router()
    mounted.use('/a', rule('mine', () => ({ reason: 'why', detail: 'what' })) as express.RequestHandler)
    const to = await site([mounted as unknown as Rule])
    await to.ask('/a/d?b=c', {
      Referer: 'http://r/',
      'User-Agent': 'ua',
      Authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}`,
    })
    const event = to.events[0] as DropEvent
    assert.deepEqual(
      { ...event, time: 0 },
      {
        time: 0,
        status: 444,
        sentStatus: undefined,
        action: 'close',
        rule: 'mine',
        reason: 'why',
        detail: 'what',
        bodyBytesSent: 0,
        clientAddress: '127.0.0.1',
        peerAddress: '127.0.0.1',
        remoteUser: 'ann',
        method: 'GET',
        url: '/a/d?b=c',
        httpVersion: '1.1',
        host: 'localhost',
        referer: 'http://r/',
        userAgent: 'ua',
        requestLine: undefined,
      },
    )
    assert.doesNotMatch(JSON.stringify(event), /secret/)
  })

  test('a listener that throws or rejects changes nothing for the request or the others', async () => {
    const to = await site([all()])
    const errors: CallbackError[] = []
    const onError = (message: unknown) => errors.push(message as CallbackError)
    subscribe('drop444:error', onError)
    const boom = () => {
      throw new Error('boom')
    }
    const rejects = () => Promise.reject(new Error('rejected'))
    let after = 0
    const stops = [onDrop(boom), onDrop(rejects), onDrop(() => after++)]
    subscribe('drop444:drop', boom)
    await to.ask()
    await to.ask()
    await settle(5)
    unsubscribe('drop444:error', onError)
    assert.equal(unsubscribe('drop444:drop', boom), true)
    for (const stop of stops) stop()
    assert.equal(after, 2)
    assert.equal(to.events.length, 2)
    assert.deepEqual(errors.map(({ error }) => (error as Error).message).sort(), [
      ...['boom', 'boom', 'boom', 'boom'],
      ...['rejected', 'rejected'],
    ])
    await to.ask()
    assert.equal(errors.length, 6)
  })

  test('the same function subscribed twice is called twice, and each unsubscriber ends its own', async () => {
    const to = await site([all()])
    let calls = 0
    const listener = () => calls++
    const first = onDrop(listener)
    const second = onDrop(listener)
    await to.ask()
    assert.equal(calls, 2)
    first()
    first()
    await to.ask()
    assert.equal(calls, 3)
    second()
    await to.ask()
    assert.equal(calls, 3)
  })

  test('a raw subscriber can subscribe twice and leave as often as it came', () => {
    const listener = () => {}
    subscribe('drop444:drop', listener)
    subscribe('drop444:drop', listener)
    assert.equal(unsubscribe('drop444:drop', listener), true)
    assert.equal(unsubscribe('drop444:drop', listener), true)
    assert.equal(unsubscribe('drop444:drop', listener), false)
    assert.equal(channel('drop444:drop').hasSubscribers, false)
  })

  test('onDrop refuses what is no function', () => {
    assert.throws(() => onDrop(undefined as never), TypeError)
  })
})

describe('in a process of its own', () => {
  test('drops that nobody subscribes to: one warning, and no event is made', () => {
    const { status, stdout, stderr } = run(`${oneDrop}
      const freeze = Object.freeze
      let made = 0
      Object.freeze = value => { if (value && value.rule) made++; return freeze(value) }
      await ask(); await ask()
      console.log('events', made)
      process.exit()`)
    assert.equal(status, 0, stderr)
    assert.equal(stdout, 'events 0\n')
    assert.equal(stderr.split('DROP444_NO_SUBSCRIBER').length, 2)
  })

  test('a raw diagnostics channel subscriber that throws does not end the process; one warning', () => {
    const { status, stdout, stderr } = run(`${oneDrop}
      import { subscribe } from 'node:diagnostics_channel'
      subscribe('drop444:drop', () => { throw new Error('boom') })
      await ask(); await ask()
      setTimeout(() => { console.log('alive'); process.exit() }, 20)`)
    assert.equal(status, 0, stderr)
    assert.equal(stdout, 'alive\n')
    assert.equal(stderr.split('DROP444_CALLBACK_FAILED').length, 2)
    assert.match(stderr, /boom/)
  })

  test('DEBUG=drop444:* shows each verdict with rule, reason and time', () => {
    const { status, stderr } = run(`process.env.DEBUG = 'drop444:*'
      await import('./lib/index.ts').then(async drop444 => {
        const http = await import('node:http')
        const { connect } = await import('node:net')
        drop444.onDrop(() => {})
        const pass = drop444.rule('passing', () => undefined)
        const all = drop444.rule('all', () => 'why')
        const server = http.createServer((req, res) => pass(req, res, () => all(req, res, () => {})))
        server.listen(0, '127.0.0.1', () => {
          const socket = connect(server.address().port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'))
          socket.on('close', () => process.exit()).on('error', () => {}).resume()
        })
      })`)
    assert.equal(status, 0, stderr)
    assert.match(stderr, /drop444:verdict passing pass [\d.]+ms/)
    assert.match(stderr, /drop444:verdict all why [\d.]+ms/)
  })

  /** Asks `limit` twice, with a claim. */
  const forwarded = `drop444.onDrop(() => {})
       const server = http.createServer((req, res) => limit(req, res, () => res.end()))
       await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
       for (let i = 0; i < 2; i++) await new Promise(resolve => {
         http.get({ port: server.address().port, host: '127.0.0.1', headers: { 'X-Forwarded-For': '203.0.113.1' }, agent: false }, res => res.resume().on('end', resolve))
       })
       process.exit()`

  const warnings: [string, string, RegExp][] = [
    [
      'DROP444_TRUST_ALL',
      `drop444.noHost({ trustProxy: true }); drop444.badAgent({ trustProxy: true })`,
      /anyone can claim/,
    ],
    [
      'DROP444_HANDOFF_CLOSE',
      `drop444.noHost({ handOff: 'close' }); drop444.noHost({ handOff: 'close' })`,
      /outage/,
    ],
    [
      'DROP444_TRUST_PROMISE',
      `const limit = drop444.rateLimit({ rate: '9r/s', burst: 9, trustProxy: () => Promise.resolve(false) })
${forwarded}`,
      /returned a promise, so nobody is trusted/,
    ],
    [
      'DROP444_UNTRUSTED_PROXY',
      `const limit = drop444.rateLimit({ rate: '9r/s', burst: 9 })
${forwarded}`,
      /127\.0\.0\.1 sent X-Forwarded-For/,
    ],
    [
      'DROP444_TRUST_ALL',
      `const { default: express } = await import('express')
       const app = express().set('trust proxy', true)
       app.use(drop444.rateLimit({ rate: '9r/s' }))
       app.use((req, res) => res.end())
       const server = app.listen(0, '127.0.0.1', () => {
         http.get({ port: server.address().port, host: '127.0.0.1' }, res => res.resume().on('end', () => process.exit()))
       })`,
      /Name your proxies/,
    ],
  ]
  test('who trusts nobody on purpose is not warned', () => {
    const [, script] = warnings.find(([code]) => code === 'DROP444_UNTRUSTED_PROXY') as (typeof warnings)[0]
    const { status, stderr } = run(`import http from 'node:http'
      import * as drop444 from './lib/index.ts'
      ${script.replace("rate: '9r/s',", "rate: '9r/s', trustProxy: false,")}`)
    assert.equal(status, 0, stderr)
    assert.equal(stderr, '')
  })

  for (const [code, script, text] of warnings) {
    test(`one warning: ${code}`, () => {
      const { status, stderr } = run(`import http from 'node:http'
        import * as drop444 from './lib/index.ts'
        ${script}`)
      assert.equal(status, 0, stderr)
      assert.equal(stderr.split(code).length, 2, stderr)
      assert.match(stderr, text)
    })
  }
})
