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

  test('any error but NOSCRIPT is not tried again', async () => {
    let calls = 0
    const sendCommand = async () => {
      calls++
      throw new Error('ERR Error running script: NOSCRIPT')
    }
    await assert.rejects(async () => redisStore({ sendCommand }).hit('a', limit, 0), /ERR/)
    assert.equal(calls, 1)
  })

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
