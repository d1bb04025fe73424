import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OptionsError } from '../../../lib/index.ts'
import { type RedisStoreOptions, redisStore } from '../../../lib/redis.ts'
import { bucket } from '../contract.ts'

const limit = bucket(1, 5)
const good = async () => [Date.now(), 0]

describe('redisStore: options', () => {
  const cases: [name: string, options: unknown, code: string][] = [
    ['none', undefined, 'DROP444_MISSING_OPTION'],
    ['no way to send', { prefix: 'a' }, 'DROP444_MISSING_OPTION'],
    ['two ways to send', { sendCommand: good, sendCommandCluster: good }, 'DROP444_INVALID_OPTION'],
    ['a client', { sendCommand: { call: good } }, 'DROP444_INVALID_OPTION'],
    ['a prefix with braces', { sendCommand: good, prefix: '{a}' }, 'DROP444_INVALID_OPTION'],
    ['a long prefix', { sendCommand: good, prefix: 'x'.repeat(65) }, 'DROP444_INVALID_OPTION'],
    ['a prefix that is a number', { sendCommand: good, prefix: 7 }, 'DROP444_INVALID_OPTION'],
    ['no time', { sendCommand: good, timeout: 0 }, 'DROP444_INVALID_OPTION'],
    ['an unknown mode', { sendCommand: good, onStoreError: 'open' }, 'DROP444_INVALID_OPTION'],
    ['a misspelt one', { sendcommand: good }, 'DROP444_UNKNOWN_OPTION'],
  ]
  for (const [name, options, code] of cases) {
    test(name, () => {
      assert.throws(
        () => redisStore(options as RedisStoreOptions),
        (error: unknown) =>
          error instanceof OptionsError && error.code === code && /redisStore/.test(error.message),
      )
    })
  }

  test('timeout and onStoreError are there for rateLimit, in each scope', () => {
    const store = redisStore({ sendCommand: good, timeout: 200, onStoreError: 'drop' })
    for (const each of [store, store.scope('a')]) {
      assert.equal(each.timeout, 200)
      assert.equal(each.onStoreError, 'drop')
    }
    assert.equal(redisStore({ sendCommand: good }).timeout, undefined)
    assert.equal(typeof redisStore({ sendCommand: good }).offenders.read, 'function')
  })
})

describe('redisStore: what a client does', () => {
  const failing: [name: string, send: () => unknown, message: RegExp][] = [
    [
      'throws',
      () => {
        throw new Error('client is closed')
      },
      /client is closed/,
    ],
    ['rejects', () => Promise.reject(new Error('ECONNRESET')), /ECONNRESET/],
    ['rejects with no error', () => Promise.reject('gone'), /gone/],
    ['returns nothing', () => undefined, /something else/],
    ['returns no promise, and no reply', () => 7, /something else/],
    ['replies OK', async () => 'OK', /something else/],
    ['replies nil', async () => null, /something else/],
    ['replies an empty list', async () => [], /something else/],
    ['replies too much', async () => [Date.now(), 0, 0], /something else/],
    ['replies text', async () => [Date.now(), 'no'], /something else/],
    ['replies an empty text', async () => [Date.now(), ''], /something else/],
    ['replies nil for a key', async () => [Date.now(), null], /something else/],
    [
      'replies NOSCRIPT again',
      async () => Promise.reject(new Error('NOSCRIPT No matching script')),
      /NOSCRIPT/,
    ],
    ['says that one key is of several slots', () => Promise.reject(new Error('CROSSSLOT Keys')), /CROSSSLOT/],
  ]
  for (const [name, send, message] of failing) {
    test(name, async () => {
      const store = redisStore({ sendCommand: send as () => Promise<unknown> })
      const decision = store.hit('a', limit, 0)
      assert.ok(decision instanceof Promise, 'it never throws at once')
      await assert.rejects(
        decision,
        (error: unknown) => error instanceof Error && message.test(error.message),
      )
      await assert.rejects(store.probe(), message)
    })
  }

  for (const [name, reply] of [
    ['numbers as text', [String(Date.now()), '0']],
    ['large numbers', [BigInt(Date.now()), 0n]],
  ] as const) {
    test(`replies ${name}`, async () => {
      const store = redisStore({ sendCommand: async () => reply })
      assert.deepEqual(await store.hit('a', limit, 0), { allowed: true, delay: 0, retryAfter: 0 })
    })
  }

  const scripts = ['EVALSHA', 'EVAL']
  for (const [message, sent] of [
    ['NOSCRIPT No matching script. Please use EVAL.', scripts],
    ['Command failed: NOSCRIPT No matching script. Please use EVAL.', scripts],
    ['-NOSCRIPT No matching script', scripts],
    ['400 Bad Request {"error":"NOSCRIPT No matching script."}', scripts],
    ['NoScriptError: No matching script', scripts],
    ['An error was signalled by the server: NoScriptError', scripts],
    ['ERR NOSCRIPT', scripts],
    ['timed out: EVALSHA 0 1 drop444:1000:{NOSCRIPT} 1', ['EVALSHA']],
    ['timed out: EVALSHA 0 1 drop444:1000:{a:NOSCRIPT.b} 1', ['EVALSHA']],
    ['timed out: EVALSHA 0 1 drop444:1000:{/NOSCRIPT/x} 1', ['EVALSHA']],
    ['ERR noscript is no word of Redis', ['EVALSHA']],
    ['ERR XNOSCRIPT', ['EVALSHA']],
  ] as const) {
    for (const kind of ['rejects', 'resolves with an Error', 'rejects with text', 'rejects with an object']) {
      test(`${kind}: ${message}`, async () => {
        const names: unknown[] = []
        const store = redisStore({
          sendCommand: async (...command) => {
            names.push(command[0])
            if (command[0] === 'EVAL') return [Date.now(), 0]
            if (kind === 'resolves with an Error') return new Error(message)
            if (kind === 'rejects') throw new Error(message)
            throw kind === 'rejects with text' ? message : { error: message }
          },
        })
        const decided = await Promise.resolve(store.hit('a', limit, 0)).catch(() => undefined)
        assert.deepEqual(names, sent)
        assert.equal(decided?.allowed, sent.length === 2 ? true : undefined)
      })
    }
  }

  for (const [message, hint] of [
    ["ERR unknown command 'TIME', called from script", /permitted TIME/],
    ['ERR Write commands not allowed after non deterministic commands', /permitted TIME/],
    ["ERR The user executing the script can't run this command or subcommand", /permitted TIME/],
    ['ERR This Redis command is not allowed from script', /permitted TIME/],
    ["NOPERM this user has no permissions to run the 'evalsha' command", /lacks a command/],
    ["ERR unknown command 'EVALSHA'", /run scripts/],
    ['MOVED 3999 127.0.0.1:6381', /is a Cluster/],
    ['ASK 3999 127.0.0.1:6381', /is a Cluster/],
    ["Command failed: READONLY You can't write against a read only replica.", /replica: the client/],
    ["OOM command not allowed when used memory > 'maxmemory'.", /no memory left/],
    ['BUSY Redis is busy running a script.', /another script/],
    ['MISCONF Redis is configured to save RDB snapshots', /takes no writes/],
    ['NOAUTH Authentication required.', /log in/],
  ] as const) {
    test(`says what can be done about it: ${message}`, async () => {
      const store = redisStore({ sendCommand: () => Promise.reject(new Error(message)) })
      const says = (error: Error) => error.message.startsWith(message) && hint.test(error.message)
      await assert.rejects(async () => store.hit('a', limit, 0), says)
      await assert.rejects(store.offenders.read(0), says)
    })
  }

  test('leaves an error of which it knows nothing as it is', async () => {
    for (const message of ['connect ETIMEDOUT', 'Connection timed out', 'it took a long time']) {
      const error = new Error(message)
      const store = redisStore({ sendCommand: () => Promise.reject(error) })
      await assert.rejects(
        async () => store.hit('a', limit, 0),
        thrown => thrown === error,
      )
    }
  })

  for (const reply of [null, undefined, 7, 'OK', {}, [], [null], ['x'], [1], ['', '', '', '', '', '']]) {
    test(`offenders: a reply that is none, ${JSON.stringify(reply)}`, async () => {
      const { offenders } = redisStore({ sendCommand: async () => reply })
      await assert.rejects(offenders.read(0), /something else/)
    })
  }

  test('sendCommandCluster is told the key', async () => {
    const told: unknown[] = []
    const store = redisStore({
      sendCommandCluster: async ({ key, isReadOnly, command }) => {
        told.push([key, isReadOnly, command[0], command[3]])
        return [Date.now(), 0]
      },
    })
    await Promise.all([store.hit('a', limit, 0), store.hit('b', limit, 0)])
    const [a, b] = ['drop444:1000:{a}', 'drop444:1000:{b}']
    assert.deepEqual(told, [
      [a, false, 'EVALSHA', a],
      [b, false, 'EVALSHA', b],
    ])
  })
})
