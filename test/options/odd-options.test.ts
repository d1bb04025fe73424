import assert from 'node:assert/strict'
import http from 'node:http'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import express from 'express'
import { djangoRoutes } from '../../lib/django.ts'
import * as api from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import { membersOf } from '../support/docs.ts'
import { oddValues, oddWays } from '../support/odd-values.ts'

const boom = oddWays.throws(Object.create(null))
const getter = (name: string | symbol, target: object = {}) =>
  Object.defineProperty(target, name, { get: boom, enumerable: true })

/** Values of options that fail when they are looked at, besides those that are thrown elsewhere. */
const values: Record<string, unknown> = {
  ...Object.fromEntries(Object.entries(oddValues).map(([name, make]) => [name, make()])),
  'an iterator that throws': { [Symbol.iterator]: () => ({ next: boom }) },
  'an iterable that throws': { [Symbol.iterator]: boom },
  'an iterable that can not be read': getter(Symbol.iterator),
  'an array with a getter': getter('0', ['x']),
  'an object with a getter': getter('pattern'),
}
for (const [name, value] of Object.entries(values)) values[`a list of ${name}`] = [value]
values['an expression that can not be read'] = [getter('source', /x/)]

interface Factory {
  readonly make: (...args: never[]) => unknown
  /** What it is called with, where `options` are its options. */
  readonly args: (options: object) => readonly unknown[]
  readonly options: readonly string[]
}

const members = (file: string, ...names: string[]) => names.flatMap(name => membersOf(`lib/${file}`, name))
const common = [
  ...members('options/common-options.ts', 'CommonOptions'),
  ...members('wire/drop-how.ts', 'DropHow'),
]
const address = [...common, ...members('options/address-options.ts', 'AddressOptions')]
const limits = members('rules/rate-limit/limit-options.ts', 'RateLimitOptions', 'Limit', 'LimitBy')
const log = () => new Writable({ write: (_chunk, _encoding, done) => done() })
const engine = { increment: () => ({ totalHits: 1 }), decrement() {} }
const app = express()

const factories: Readonly<Record<string, Factory>> = {
  noHost: { make: api.noHost, args: o => [o], options: [...common, 'serverNames'] },
  denyCidr: { make: api.denyCidr, args: o => [['192.0.2.1'], o], options: address },
  allowCidr: { make: api.allowCidr, args: o => [['192.0.2.1'], o], options: address },
  badAgent: {
    make: api.badAgent,
    args: o => [o],
    options: [...common, ...members('rules/bad-agent.ts', 'BadAgentOptions')],
  },
  pathAllowlist: {
    make: api.pathAllowlist,
    args: o => [['/x'], o],
    options: [...common, 'strict', 'caseSensitive'],
  },
  methodAllowlist: { make: api.methodAllowlist, args: o => [['GET'], o], options: common },
  rateLimit: { make: api.rateLimit, args: o => [{ rate: '1r/s', ...o }], options: [...address, ...limits] },
  repeatOffender: {
    make: api.repeatOffender,
    args: o => [o],
    options: [...address, ...members('rules/repeat-offender/offender-options.ts', 'RepeatOffenderOptions')],
  },
  shedLoad: {
    make: api.shedLoad,
    args: o => [o],
    options: [...common, ...members('rules/shed-load.ts', 'ShedLoadOptions')],
  },
  rule: { make: api.rule, args: o => ['x', () => undefined, o], options: common },
  drop444: {
    make: api.drop444,
    args: o => [{ badAgent: true, ...o }],
    options: [...common, ...members('rules/drop444.ts', 'Drop444Options')],
  },
  dropLog: {
    make: api.dropLog,
    args: o => [log(), o],
    options: members('log/drop-log.ts', 'DropLogOptions'),
  },
  protect: {
    make: api.protect,
    args: o => [http.createServer(), o],
    options: [...common, ...members('server/protect.ts', 'ProtectOptions')],
  },
  redisStore: {
    make: redisStore,
    args: o => ['sendCommandCluster' in o ? o : { sendCommand: boom, ...o }],
    options: members('stores/redis/redis-options.ts', 'RedisStoreOptions'),
  },
  fromExpressRateLimit: {
    make: api.fromExpressRateLimit,
    args: o => [engine, o],
    options: ['windowMs', 'limit'],
  },
  knownRoutes: { make: api.knownRoutes, args: o => [app, o], options: ['also'] },
  djangoRoutes: {
    make: djangoRoutes,
    args: o => [['x/'], o],
    options: members('routes/django/django-routes.ts', 'DjangoRoutesOptions'),
  },
}

/** Makes something of odd options: what comes of it, or an OptionsError, or a TypeError of ours. */
function tryOut(said: string, make: () => unknown): void {
  try {
    const made = make()
    if (typeof (made as { lost?: number } | undefined)?.lost === 'number') (made as () => void)()
  } catch (error) {
    let isOurs = false
    try {
      isOurs =
        error instanceof api.OptionsError || /^TypeError: (?:onDrop|onStoreChange|drop): /.test(String(error))
    } catch {}
    assert.ok(isOurs, said)
    assert.match(String(error), /^[^\p{Cc}\u2028\u202e]{1,1200}$/u, said)
  }
}

describe('options that throw when they are read: an OptionsError, and nothing else', () => {
  for (const [factory, { make, args, options }] of Object.entries(factories)) {
    const call = (...given: readonly unknown[]) => make(...(given as never[]))
    test(factory, () => {
      for (const [name, value] of Object.entries(values)) {
        const said = `${factory}, ${name}`
        tryOut(`${said} as its first argument`, () => call(value))
        tryOut(`${said} as options`, () => call(...args({}).slice(0, -1), value))
        for (const option of options) tryOut(`${said} as ${option}`, () => call(...args({ [option]: value })))
      }
      for (const option of options) {
        const given = [...args({}).slice(0, -1), getter(option)]
        assert.throws(() => call(...given), { name: 'OptionsError', code: 'DROP444_INVALID_OPTION' })
      }
    })
  }

  test('functions without options', async () => {
    for (const [name, value] of Object.entries(values)) {
      const odd = value as never
      tryOut(`onDrop, ${name}`, () => api.onDrop(odd)())
      tryOut(`onStoreChange, ${name}`, () => api.onStoreChange(odd)())
      tryOut(`rule, ${name}`, () => api.rule(odd, () => undefined))
      tryOut(`rule, ${name} as judge`, () => api.rule('x', odd))
      tryOut(`drop, ${name}`, () => api.drop(odd))
      const error = await api.cidrSet(odd).catch(reason => ({ reason }))
      if ('reason' in error)
        tryOut(`cidrSet, ${name}`, () => {
          throw error.reason
        })
    }
  })

  test('stores of which a field throws', () => {
    for (const field of ['bucket', 'scope', 'hitAll', 'timeout', 'onStoreError', 'probe']) {
      const store = getter(field, { hit() {} }) as never
      const rate = { rate: '1r/s' }
      tryOut(field, () => api.rateLimit({ ...rate, store }))
      tryOut(field, () => api.rateLimit({ limits: [rate, rate], store }))
    }
    const store = Object.assign(getter('scope'), { write() {}, read() {} })
    tryOut('scope', () => api.repeatOffender({ store: store as never }))
  })
})

test('the callbacks among the options are those that odd-throws and odd-callbacks try', () => {
  const taken: string[] = []
  for (const [factory, { make, args, options }] of Object.entries(factories)) {
    for (const option of options) {
      try {
        const made = make(...(args({ [option]: () => undefined }) as never[]))
        taken.push(common.includes(option) ? option : `${factory}.${option}`)
        if (factory === 'dropLog') (made as () => void)()
      } catch {}
    }
  }
  assert.deepEqual([...new Set(taken)].sort(), [
    'dropLog.format',
    'handler',
    'rateLimit.cost',
    'rateLimit.key',
    'rateLimit.now',
    'redisStore.sendCommand',
    'redisStore.sendCommandCluster',
    'repeatOffender.now',
    'skip',
    'trustProxy',
  ])
})
