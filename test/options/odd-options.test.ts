import assert from 'node:assert/strict'
import http from 'node:http'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import express from 'express'
import { djangoRoutes } from '../../lib/django.ts'
import * as api from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import { commonOptions, ownOptionsOf, ruleFactories } from '../support/factories.ts'
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

const common = commonOptions
const log = () => new Writable({ write: (_chunk, _encoding, done) => done() })
const engine = { increment: () => ({ totalHits: 1 }), decrement() {} }
const app = express()

/** What a rule can't do without. */
const required: Readonly<Record<string, object>> = {
  rateLimit: { rate: '1r/s' },
  drop444: { badAgent: true },
}

/** Lists that a rule's first argument may be. */
const lists = [['192.0.2.1'], ['/x'], ['GET'], ['x']]

const named: Readonly<Record<string, unknown>> = { ...api }

/** A rule of lib/rules: it takes options, or a list and options. */
function ofRule(name: string): Factory {
  const make = named[name] as Factory['make']
  const options = [...common, ...ownOptionsOf(name)]
  if (make.length < 2) return { make, args: o => [{ ...required[name], ...o }], options }
  const list = lists.find(each => takes(make, each))
  assert.ok(list, `${name} takes none of the lists that are known here`)
  return { make, args: o => [list, o], options }
}

function takes(make: Factory['make'], list: readonly string[]): boolean {
  try {
    make(list as never)
    return true
  } catch {
    return false
  }
}

const factories: Readonly<Record<string, Factory>> = {
  ...Object.fromEntries(ruleFactories.map(name => [name, ofRule(name)])),
  rule: { make: api.rule, args: o => ['x', () => undefined, o], options: common },
  dropLog: { make: api.dropLog, args: o => [log(), o], options: ownOptionsOf('dropLog') },
  protect: {
    make: api.protect,
    args: o => [http.createServer(), o],
    options: [...common, ...ownOptionsOf('protect')],
  },
  redisStore: {
    make: redisStore,
    args: o => ['sendCommandCluster' in o ? o : { sendCommand: boom, ...o }],
    options: ownOptionsOf('redisStore'),
  },
  fromExpressRateLimit: {
    make: api.fromExpressRateLimit,
    args: o => [engine, o],
    options: ['windowMs', 'limit'],
  },
  knownRoutes: { make: api.knownRoutes, args: o => [app, o], options: ['also'] },
  djangoRoutes: { make: djangoRoutes, args: o => [['x/'], o], options: ownOptionsOf('djangoRoutes') },
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
