import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Writable } from 'node:stream'
import { afterEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorOf, messageOf, traceOf } from '../../lib/diagnostics/thrown.ts'
import { warn } from '../../lib/diagnostics/warnings.ts'
import {
  type CallbackError,
  dropLog,
  fromExpressRateLimit,
  MemoryStore,
  onDrop,
  onStoreChange,
  type Rule,
  rateLimit,
  repeatOffender,
  rule,
} from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import type { Decision } from '../../lib/stores.ts'
import { type Site, sites } from '../support/ask.ts'
import { settle, uncaught } from '../support/events.ts'
import { fewOddValues, oddValues, oddWays } from '../support/odd-values.ts'
import { reader } from '../support/reader.ts'

const site = sites()
afterEach(() => assert.deepEqual(uncaught.splice(0), []))

const all = () => rule('all', () => 'why')
const odd = Object.entries(oddValues)
/** Each way to fail; the plain ones with each value. */
const failures = Object.entries(oddWays).flatMap(([way, failing]) =>
  odd
    .filter(([name]) => ['throws', 'rejects with'].includes(way) || fewOddValues.includes(name))
    .map(([name, value]) => ({ name: `${way} ${name}`, call: failing(value()) })),
)

/** What `drop444:error` heard while something ran. */
async function heard(run: () => unknown): Promise<CallbackError[]> {
  const errors: CallbackError[] = []
  const listener = (message: unknown) => errors.push(message as CallbackError)
  subscribe('drop444:error', listener)
  await run()
  await settle(1)
  unsubscribe('drop444:error', listener)
  return errors
}

describe('a text for whatever was thrown', () => {
  for (const [name, make] of odd) {
    test(name, () => {
      const value = make()
      for (const text of [messageOf(value), traceOf(value)]) {
        assert.ok(text.length > 0 && text.length < 5_000, `${text.length}`)
        assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]/)
      }
      assert.doesNotMatch(messageOf(value), /\n/)
      assert.ok(messageOf(value).length < 700)
      const error = errorOf('it threw', value)
      // All that is usually done with an error.
      for (const each of [error, error.cause])
        if (each instanceof Error) assert.equal(typeof `${each.name} ${each.message} ${each.stack}`, 'string')
    })
  }

  test('an error that can be read is itself, and a value is the cause', () => {
    for (const own of [new Error('a'), Object.freeze(new TypeError('b'))])
      assert.equal(errorOf('x', own), own)
    assert.deepEqual(
      [errorOf('it threw', 'a').message, errorOf('it threw', 'a').cause],
      ['it threw "a"', 'a'],
    )
    assert.equal(messageOf({ message: 'plain object' }), 'plain object')
    assert.equal(messageOf(new AggregateError([], '')), 'AggregateError')
    assert.match(traceOf(new Error('with a stack')), /^Error: with a stack\n {4}at /)
  })
})

/** Each is called for each drop; what it is made of a function that fails; what ends it. */
const ofDrops: Readonly<Record<string, (call: () => never) => () => unknown>> = {
  onDrop: call => onDrop(call),
  'a subscriber of drop444:drop': call => {
    const own = () => call()
    subscribe('drop444:drop', own)
    return () => unsubscribe('drop444:drop', own)
  },
  'the format of dropLog': call =>
    dropLog(new Writable({ write: (_c, _e, done) => done() }), { format: call }),
  'the format of dropLog through a logger': call => dropLog({ info() {} }, { format: call }),
  "a logger of pino's kind": call => dropLog({ info: call }),
  "a logger of winston's kind": call => dropLog({ info: call, write() {} } as never),
  'a console': call => dropLog({ info: call, dir() {}, table() {} } as never),
  'a logger, of what sample leaves out': call => {
    const stop = dropLog({ info: call }, { sample: 1e9 })
    return () => stop()
  },
}

describe('whatever is thrown where a drop is told, the request ends and it is reported', () => {
  for (const [callback, subscribeTo] of Object.entries(ofDrops)) {
    test(callback, async () => {
      const to = await site([all()])
      for (const { name, call } of failures) {
        const errors = await heard(async () => {
          const stop = subscribeTo(call as () => never)
          const outcome = await to.ask()
          await settle(1)
          await stop()
          assert.equal((outcome as { reason: string }).reason, 'why', name)
        })
        assert.ok(errors.length > 0, `${name}: not reported`)
      }
    })
  }

  test('a listener of the errors themselves', async () => {
    const to = await site([all()])
    for (const { name, call } of failures) {
      const stop = onDrop(() => {
        throw new Error('first')
      })
      const own = () => call()
      subscribe('drop444:error', own)
      assert.notEqual(await to.ask(), 'pass', name)
      await settle(1)
      assert.equal(unsubscribe('drop444:error', own), true)
      stop()
    }
  })
})

describe('streams of dropLog that fail with anything', () => {
  const streams: Readonly<Record<string, (call: () => never, value: () => unknown) => Writable>> = {
    'write throws': call => Object.assign(new Writable({ write() {} }), { write: call }) as Writable,
    '_write throws': call => new Writable({ write: call }),
    'calls back with it': (_call, value) =>
      new Writable({ write: (_chunk, _encoding, done) => done(value() as Error) }),
    "emits 'error'": (_call, value) => {
      const stream = new Writable({ write: (_chunk, _encoding, done) => done() })
      setImmediate(() => stream.emit('error', value()))
      return stream
    },
    'is destroyed with it': (_call, value) => {
      const stream = new Writable({ write: (_chunk, _encoding, done) => done() })
      // Node itself looks at the stack.
      const error = errorOf('destroyed by', value())
      return stream.destroy(error)
    },
    'has getters that throw': call =>
      Object.defineProperty(new Writable({ write() {} }), 'writableLength', { get: call }),
  }
  for (const [name, make] of Object.entries(streams)) {
    test(name, async () => {
      const to = await site([all()])
      for (const [, value] of odd) {
        const stop = dropLog(make(oddWays.throws(value()), value))
        for (let i = 0; i < 2; i++) assert.notEqual(await to.ask(), 'pass')
        await settle(1)
        // One that has thrown once may take nothing any more.
        void stop()
      }
    })
  }
})

describe('stores that fail with anything', () => {
  const passes: Decision = { allowed: true, delay: 0, retryAfter: 0 }
  const limit = { rate: '1000r/s', burst: 1000, timeout: 200 } as const
  const outcomes = async (to: Site) => (await to.ask()) === 'pass'

  const stores: Readonly<Record<string, (call: () => never) => Rule>> = {
    hit: call => rateLimit({ ...limit, store: { hit: call } }),
    hitAll: call =>
      rateLimit({ timeout: 200, limits: [limit1, limit1], store: { hit: () => passes, hitAll: call } }),
    'sendCommand of redisStore': call => rateLimit({ ...limit, store: redisStore({ sendCommand: call }) }),
    'sendCommandCluster of redisStore': call =>
      rateLimit({ ...limit, store: redisStore({ sendCommandCluster: call }) }),
    "increment of express-rate-limit's": call =>
      rateLimit({ ...limit, store: fromExpressRateLimit({ increment: call, decrement() {} }) }),
    "incr of express-rate-limit's of old": call =>
      rateLimit({ ...limit, store: fromExpressRateLimit({ incr: call, decrement() {} }) }),
  }
  const limit1 = { rate: '1000r/s', burst: 1000 } as const

  for (const [name, make] of Object.entries(stores)) {
    test(`${name}: this process counts by itself`, async () => {
      for (const failure of failures) {
        // A thenable of old: nobody looks at what incr returns.
        if (/ incr /.test(` ${name} `) && !failure.name.startsWith('throws')) continue
        const seen: unknown[] = []
        const stop = onStoreChange(({ state, error }) => {
          // Of rules that were thrown away meanwhile.
          if (state === 'down') seen.push([state, error instanceof Error])
        })
        const to = await site([make(failure.call as () => never)], { server: 'http', app: 'bare' })
        assert.ok(await outcomes(to), failure.name)
        stop()
        assert.deepEqual(seen, [['down', true]], failure.name)
        await to.close()
      }
    })
  }

  test('onStoreError drops: nobody passes', async () => {
    for (const { name, call } of failures) {
      const to = await site([
        rateLimit({ ...limit, store: { hit: call as () => never }, onStoreError: 'drop' }),
      ])
      assert.equal(((await to.ask()) as { reason?: string }).reason, 'store-down', name)
      await to.close()
    }
  })

  test('what a store returns that is no decision is an error for the app', async () => {
    const garbage = odd.filter(([name]) => !name.includes('then'))
    for (const [name, value] of garbage) {
      for (const hit of [value, async () => value()]) {
        const to = await site([rateLimit({ ...limit, store: { hit: hit as () => never } })])
        const { data } = await to.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        assert.match(data.toString(), /^HTTP\/1\.1 (?:500|200) /, name)
        // A Proxy of a promise's value can't even be looked at: the store has failed, and this process counts.
        if (!name.includes('Proxy')) assert.match(data.toString(), /^HTTP\/1\.1 500 /, name)
        await to.close()
      }
    }
  })

  test('a decision that is odd beyond its verdict', async () => {
    for (const [name, value] of odd) {
      for (const field of ['delay', 'retryAfter', 'limit']) {
        for (const allowed of [true, false]) {
          const decision = { ...passes, allowed, [field]: value() }
          const to = await site([rateLimit({ ...limit, store: { hit: () => decision as Decision } })])
          const { data } = await to.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
          if (!allowed) assert.doesNotMatch(data.toString(), /fine/, name)
          await to.close()
        }
      }
    }
  })

  test('listeners of store events, probes, init, decrement and resetAll', async () => {
    for (const { name, call } of failures) {
      const fails = call as () => never
      const errors = await heard(async () => {
        const stop = onStoreChange(fails)
        const store = { hit: oddWays.throws(new Error('down')), probe: fails }
        const to = await site([rateLimit({ ...limit, store })])
        assert.equal(await to.ask(), 'pass', name)
        await settle(1)
        stop()
        await to.close()
      })
      assert.ok(errors.length > 0, name)
      const isSync = name.startsWith('throws') || name.includes('can not be read')
      const engine = {
        init: isSync ? undefined : fails,
        increment: () => ({ totalHits: 1 }),
        decrement: fails,
        resetAll: fails,
        localKeys: true,
      }
      const to = await site([rateLimit({ ...limit, cost: 2, store: fromExpressRateLimit(engine) })])
      await to.ask()
      await to.close()
    }
  })

  test('a store of offenders: this process bans by itself', async () => {
    for (const { name, call } of failures) {
      const fails = call as () => never
      const store = { scope: () => store, write: fails, read: fails, probe: fails }
      const bans = repeatOffender({ store: store as never, limit: 1 })
      bans.ban('192.0.2.1')
      await bans.flush()
      assert.equal(bans.isBanned('192.0.2.1'), true, name)
      bans.close()
    }
  })

  test('a store of offenders that never comes to an end starves nobody', async () => {
    const news = { now: 0, last: 5, born: 'x', records: [], cursor: 1, isLate: false }
    const store = {
      scope: () => store,
      write: async () => news,
      read: async () => news,
      probe: async () => 1,
    }
    const bans = repeatOffender({ store: store as never })
    await bans.flush()
    bans.close()
  })

  test('a memory store whose subclass fails', async () => {
    class Failing extends MemoryStore {
      override hit(): never {
        throw Object.create(null)
      }
    }
    const to = await site([rateLimit({ ...limit, store: new Failing(1000) })])
    assert.equal(await to.ask(), 'pass')
  })
})

test('a process.emitWarning that throws, or is none, ends nothing', async () => {
  const { emitWarning } = process
  try {
    for (const [, value] of odd) {
      process.emitWarning = oddWays.throws(value())
      warn('DROP444_LOG_LOST', 'x')
    }
    process.emitWarning = undefined as never
    warn('DROP444_LOG_LOST', 'x')
  } finally {
    process.emitWarning = emitWarning
  }
})

test('a warning is short and printable', () => {
  const { emitWarning } = process
  const said: string[] = []
  process.emitWarning = ((text: string) => said.push(text)) as never
  try {
    warn('DROP444_LOG_LOST', `a\x1b[2J\x9b\n\u2028\u202e${'x'.repeat(1e6)}`)
  } finally {
    process.emitWarning = emitWarning
  }
  assert.match(said[0] as string, /^a\\x1B\[2J\\x9B\\x0A\\u2028\\u202Ex+… \(see docs\/errors\.md\)$/)
  assert.ok((said[0] as string).length < 5_000)
})

const root = fileURLToPath(new URL('../..', import.meta.url))

test('in a process of its own: one warning, and with DEBUG a line that a formatter can not break', () => {
  const script = `
    import { createRequire } from 'node:module'
    import * as drop444 from './lib/index.ts'
    import { channel } from 'node:diagnostics_channel'
    const debug = createRequire(import.meta.url)('debug')
    drop444.onDrop(() => { throw new Error('a\\x1b[2J\\nb') })
    drop444.onDrop(() => { throw Object.create(null) })
    const drops = channel('drop444:drop')
    drops.publish({ reason: 'x' })
    debug.formatters.s = () => { throw Object.create(null) }
    drops.publish({ reason: 'x' })
    debug.log = () => { throw Object.create(null) }
    drops.publish({ reason: 'x' })
    setTimeout(() => console.log('alive'), 20)`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...reader, '--input-type=module', '-e', script],
    { cwd: root, encoding: 'utf8', timeout: 60_000, env: { ...process.env, DEBUG: 'drop444:*' } },
  )
  assert.deepEqual([status, stdout], [0, 'alive\n'], stderr)
  assert.equal(stderr.split('DROP444_CALLBACK_FAILED').length, 2, stderr)
  assert.match(stderr, /drop444:error a listener of drop events: Error: a\\x1B\[2J\\x0Ab\n {4}at /)
  assert.equal(channel('drop444:drop').hasSubscribers, false)
})
