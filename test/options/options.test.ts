import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { MemoryStore as ExpressStore } from 'express-rate-limit'
import fc from 'fast-check'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import {
  denyCidr,
  drop444,
  methodAllowlist,
  OptionsError,
  pathAllowlist,
  rateLimit,
  rule,
} from '../../lib/index.ts'
import { exchange, get } from '../support/raw-client.ts'
import { type FactoryCase, factories } from '../support/reference/factories.ts'
import { verdictOf } from '../support/reference/judge-request.ts'
import { runs } from '../support/runs.ts'
import { type AppKind, type Middleware, start } from '../support/servers.ts'

/** Asserts that a call throws an OptionsError, and returns it. */
function refusal(call: () => unknown, said: string): OptionsError {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof OptionsError, `${said}: ${inspect(error)}`)
    assert.equal(error.name, 'OptionsError')
    assert.match(error.message, /see docs\/errors\.md/)
    assert.ok(error.message.includes(error.code))
    if (error.didYouMean) assert.ok(error.message.includes(`"${error.didYouMean}"`))
    return error
  }
  return assert.fail(`${said} was taken`)
}

const factory = (name: string) => factories.find(each => each.name === name) as FactoryCase

for (const { name, make, options } of factories) {
  test(`${name}: every option takes what it is for, and refuses the rest by name`, () => {
    for (const [option, { good, bad }] of Object.entries(options)) {
      for (const value of option === 'rate' ? good : [undefined, ...good])
        assert.equal(typeof make({ [option]: value }), 'function', `${option}: ${inspect(value)}`)
      for (const value of bad) {
        const said = `${name}({ ${option}: ${inspect(value)} })`
        const error = refusal(() => make({ [option]: value }), said)
        if (option in factory('drop444').options && !(option in factory('rule').options)) continue
        assert.ok(['DROP444_INVALID_OPTION', 'DROP444_INVALID_ENTRY'].includes(error.code), said)
        assert.equal(error.option, option, said)
        if (error.code === 'DROP444_INVALID_OPTION') assert.ok(Object.is(error.value, value), said)
        else assert.ok([...(value as unknown[])].includes(error.value), said)
      }
    }
  })

  test(`${name}: options are an object, and one of no other kind`, () => {
    class Config {
      dryRun = true
    }
    assert.equal(typeof make(undefined), 'function')
    assert.equal(typeof make({}), 'function')
    assert.equal(typeof make(Object.assign(Object.create(null), {})), 'function')
    const wrong = [null, [], ['x'], () => ({}), 42, Number.NaN, -1, '', 'x', true, false, Symbol('x'), 10n]
    for (const value of [
      ...wrong,
      new Map(),
      new Set(),
      new Date(),
      /x/,
      new Config(),
      Promise.resolve({}),
      new Proxy([], {}),
    ]) {
      const error = refusal(() => make(value), `${name}(${inspect(value)})`)
      assert.deepEqual([error.code, error.option], ['DROP444_INVALID_OPTION', 'options'], inspect(value))
      assert.ok(Object.is(error.value, value))
    }
  })

  test(`${name}: an unknown option is refused by name, also one that every object inherits`, () => {
    for (const option of [
      'foo',
      '',
      'x'.repeat(200),
      'constructor',
      'toString',
      '__proto__',
      '0',
      'é',
      ' dryRun!',
    ]) {
      const error = refusal(() => make(JSON.parse(`{${JSON.stringify(option)}: 1}`)), option)
      assert.deepEqual([error.code, error.option, error.value], ['DROP444_UNKNOWN_OPTION', option, 1])
    }
    assert.equal(refusal(() => make({ foo: undefined }), 'foo').code, 'DROP444_UNKNOWN_OPTION')
    assert.equal(refusal(() => make({ quux: 1 }), 'quux').didYouMean, undefined)
  })
}

const meant: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  noHost: {
    hosts: 'serverNames',
    allowedHosts: 'serverNames',
    ...{ hostname: 'serverNames', vhost: 'serverNames', domains: 'serverNames' },
    servername: 'serverNames',
    server_names: 'serverNames',
  },
  denyCidr: { adress: 'address', noaddress: 'noAddress', 'no-address': 'noAddress' },
  allowCidr: { Address: 'address' },
  badAgent: {
    agents: 'patterns',
    pattern: 'patterns',
    blacklist: 'patterns',
    blocklist: 'patterns',
    denylist: 'patterns',
    userAgents: 'patterns',
    Empty: 'empty',
  },
  pathAllowlist: { sensitive: 'caseSensitive', case_sensitive: 'caseSensitive', Strict: 'strict' },
  rateLimit: {
    ...{
      max: 'rate',
      limit: 'rate',
      windowMs: 'rate',
      points: 'rate',
      duration: 'rate',
      keyGenerator: 'key',
    },
    ...{
      nodelay: 'delay',
      zone: 'maxKeys',
      ipv6subnet: 'ipv6Subnet',
      burts: 'burst',
      maxkeys: 'maxKeys',
      rates: 'rate',
    },
    ...{ execEvenly: 'delay', timeoutMs: 'timeout' },
    ...{ passOnStoreError: 'onStoreError', skipOnError: 'onStoreError', insuranceLimiter: 'onStoreError' },
    ...{ storeClient: 'store', redis: 'store', timeWindow: 'rate', delayAfter: 'delay', delayMs: 'rate' },
    ...{ maxDelayMs: 'burst', identifier: 'name', keyPrefix: 'name' },
  },
  repeatOffender: {
    ...{ max: 'limit', windowMs: 'window', points: 'limit', maxretry: 'limit', freeRetries: 'limit' },
    ...{ findtime: 'window', bantime: 'ban', blockDuration: 'ban', ignoreip: 'except' },
    ...{ requestWasSuccessful: 'statuses', skipSuccessfulRequests: 'statuses' },
  },
  shedLoad: {
    maxLag: 'maxDelay',
    maxEventLoopDelay: 'maxDelay',
    sampleInterval: 'interval',
    maxDelayMs: 'maxDelay',
  },
  drop444: {
    blocklist: 'denyCidr',
    denylist: 'denyCidr',
    paths: 'pathAllowlist',
    nohost: 'noHost',
    denyCIDR: 'denyCidr',
    rate_limit: 'rateLimit',
    badAgents: 'badAgent',
  },
  dropLog: { Format: 'format', max_buffer: 'maxBuffer', levle: 'level' },
}

const meantByAll = {
  ...{
    statusCode: 'status',
    Status: 'status',
    stauts: 'status',
    dryrun: 'dryRun',
    dry_run: 'dryRun',
    logOnly: 'dryRun',
  },
  ...{
    trust_proxy: 'trustProxy',
    'trust proxy': 'trustProxy',
    trustproxy: 'trustProxy',
    proxy: 'trustProxy',
    trust: 'trustProxy',
  },
  ...{
    message: 'handler',
    onLimitReached: 'handler',
    filter: 'skip',
  },
  ...{ reportOnly: 'dryRun', allowPrivateIPs: 'except', excluding: 'skip', detectIp: 'trustProxy' },
  ...{ handoff: 'handOff', hand_off: 'handOff', HTTP2: 'http2', exept: 'except', rest: 'reset' },
}

for (const { name, make } of factories) {
  test(`${name}: a misspelling, or a peer's name, gets the one that was meant`, () => {
    // Agents are allowed by a list of agents, all else by one of addresses.
    const list = name === 'badAgent' ? 'allow' : 'except'
    const lists = { whitelist: list, allowlist: list }
    const all = { ...(name === 'dropLog' ? {} : { ...meantByAll, ...lists }), ...meant[name] }
    for (const [given, option] of Object.entries(all)) {
      const error = refusal(() => make({ [given]: 'x' }), `${name}: ${given}`)
      assert.deepEqual(
        [error.code, error.option, error.value, error.didYouMean],
        ['DROP444_UNKNOWN_OPTION', given, 'x', option],
      )
    }
  })
}

test('an option of a peer that no rule has: what to do in its place', () => {
  const said = (call: () => unknown) => {
    const error = refusal(call, String(call))
    assert.deepEqual([error.code, error.didYouMean], ['DROP444_UNKNOWN_OPTION', undefined])
    return error.message
  }
  const limit = (option: string) => said(() => rateLimit({ rate: '1r/s', [option]: true }))
  for (const option of ['standardHeaders', 'legacyHeaders', 'headers', 'addHeaders'])
    assert.match(limit(option), /Retry-After/, option)
  for (const option of ['skipSuccessfulRequests', 'skipFailedRequests', 'requestWasSuccessful'])
    assert.match(limit(option), /repeatOffender\(\)/, option)
  assert.match(limit('blockDuration'), /repeatOffender\(\) bans/)
  for (const option of ['blocklist', 'denylist', 'blacklist', 'ips'])
    for (const call of [limit, (each: string) => said(() => denyCidr(['::1'], { [each]: [] }))])
      assert.match(call(option), /first argument of denyCidr\(\)/, option)
  for (const option of ['paths', 'path', 'routes']) {
    assert.match(limit(option), /app\.use\(path, rule\)/, option)
    assert.match(
      said(() => pathAllowlist(['/'], { [option]: [] })),
      /first argument of pathAllowlist\(\)/,
    )
  }
  for (const option of ['log', 'logger', 'onDrop']) assert.match(limit(option), /dropLog\(\)/, option)
  assert.match(
    said(() => denyCidr(['::1'], { mode: 'deny' } as never)),
    /allowCidr\(\)/,
  )
  for (const option of ['constructor', 'toString', '__proto__'])
    assert.doesNotMatch(
      said(() => rateLimit(JSON.parse(`{"${option}": 1}`))),
      / \((?!DROP444)/,
    )
})

test('what is taken for a store of rateLimit: how to make one of it', () => {
  const said = (store: object) => {
    const error = refusal(() => rateLimit({ rate: '1r/s', store } as never), inspect(store))
    assert.deepEqual([error.code, error.option], ['DROP444_INVALID_OPTION', 'store'])
    return error.message
  }
  assert.match(said(new ExpressStore()), /fromExpressRateLimit\(store\)/)
  const legacy = { incr: () => {}, decrement: () => {} }
  assert.match(said(legacy), /fromExpressRateLimit\(store\)/)
  assert.match(said({ ...legacy, sendCommand: () => {} }), /redisStore\(\{ sendCommand \}\)/)
  assert.match(said(new RateLimiterMemory({ points: 1, duration: 1 })), /rate-limiter-flexible.*rule\(\)/)
  assert.doesNotMatch(said({}), /fromExpressRateLimit|redisStore|flexible/)
})

test('what is required is asked for', () => {
  const missing = (call: () => unknown) =>
    assert.equal(refusal(call, String(call)).code, 'DROP444_MISSING_OPTION')
  missing(() => denyCidr(undefined as never))
  missing(() => pathAllowlist(undefined as never))
  missing(() => methodAllowlist(undefined as never))
  missing(() => rateLimit(undefined as never))
  missing(() => rateLimit({} as never))
  missing(() => rule('x', undefined as never))
  missing(() => drop444(undefined as never))
  missing(() => drop444({ dryRun: true }))
  missing(() => drop444({ noHost: false, badAgent: false }))
})

test('methodAllowlist: methods that Node knows, in upper case', () => {
  for (const bad of [
    [],
    '',
    'GET',
    null,
    42,
    {},
    ['get'],
    ['GET', ''],
    ['FOO'],
    [null],
    [42],
    [['GET']],
    [Symbol('GET')],
  ])
    refusal(() => methodAllowlist(bad as never), inspect(bad))
  assert.equal(refusal(() => methodAllowlist(['get']), 'get').didYouMean, 'GET')
  assert.equal(refusal(() => methodAllowlist(['PSOT']), 'PSOT').value, 'PSOT')
  methodAllowlist(new Set(['GET', 'PROPFIND']).values())
})

test('rule: a name and a function', () => {
  for (const bad of [undefined, null, '', 42, {}, [], Symbol('x'), 'a\nb', 'x'.repeat(65), () => 'x']) {
    refusal(() => rule(bad as never, () => false), inspect(bad))
    refusal(() => rule(bad as never, () => false, { name: undefined }), inspect(bad))
  }
  for (const bad of [undefined, null, '', 42, {}, [], Symbol('x'), 'x'])
    refusal(() => rule('x', bad as never), inspect(bad))
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) deepFreeze(each)
  }
  return value
}

test('frozen options and lists do, and nothing of the caller is changed', () => {
  for (const { name, make, options } of factories) {
    for (const [option, { good }] of Object.entries(options)) {
      // A store is there to be changed.
      for (const value of option === 'store' ? [] : good) {
        const given = { [option]: value }
        const before = inspect(given, { depth: 9, showHidden: true })
        make(deepFreeze(given))
        assert.equal(inspect(given, { depth: 9, showHidden: true }), before, `${name} ${option}`)
      }
    }
  }
  const lists = deepFreeze({ addresses: ['::1'], methods: ['GET'], patterns: ['/', /x/g] })
  denyCidr(lists.addresses)
  methodAllowlist(lists.methods)
  pathAllowlist(lists.patterns)
})

test('a list that changes later changes nothing', async () => {
  const addresses = ['192.0.2.1']
  const except = ['192.0.2.9']
  const patterns: (string | RegExp)[] = ['/a', /^\/b$/g]
  const methods = ['GET']
  const options = { except, dryRun: true }
  const rules = [
    denyCidr(addresses, options),
    pathAllowlist(patterns, options),
    methodAllowlist(methods, options),
  ]
  addresses.splice(0, 1, '192.0.2.2')
  except.splice(0, 1, '192.0.2.1')
  patterns.splice(0, 2, '/c')
  methods.splice(0, 1, 'POST')
  options.dryRun = false
  const seen = (request: Parameters<typeof verdictOf>[1]) => rules.map(each => verdictOf(each, request))
  assert.deepEqual(seen({ address: '192.0.2.1', url: '/c', method: 'POST' }), [
    'denied-address',
    'unlisted-path',
    'unlisted-method',
  ])
  assert.deepEqual(seen({ address: '192.0.2.2', url: '/a', method: 'GET' }), [
    undefined,
    undefined,
    undefined,
  ])
  assert.deepEqual(seen({ address: '192.0.2.9', url: '/c', method: 'POST' }), [
    undefined,
    undefined,
    undefined,
  ])
})

test('a factory that is not called is an error, not a middleware that hangs', async () => {
  const req = { headers: {}, httpVersion: '1.1', method: 'GET', url: '/' }
  for (const { name, factory } of factories) {
    const next = () => assert.fail('next was called')
    const error = refusal(() => factory(...([req, { headersSent: false, end() {} }, next] as never[])), name)
    if (name === 'dropLog') continue
    assert.equal(error.code, 'DROP444_NOT_CALLED')
    assert.ok(error.message.includes(`app.use(${name}(`), error.message)
  }
})

for (const app of ['express4', 'express5', 'connect'] as const satisfies AppKind[]) {
  test(`app.use(factory), not called, in ${app}: the error handler's 500`, async () => {
    for (const { name, factory } of factories) {
      let handled = 0
      const server = await start({ server: 'http', app }, [factory as unknown as Middleware], () => handled++)
      try {
        const { data } = await exchange({ port: server.port }, get('/', { Connection: 'close' }))
        const text = data.toString()
        assert.match(text, /^HTTP\/1\.1 500 /, `${name}: ${text}`)
        assert.ok(text.includes(`error: ${name}`), `${name}: ${text}`)
        assert.equal(handled, 0)
      } finally {
        await server.close()
      }
    }
  })
}

const anything = fc.anything({
  ...{ withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withSet: true, maxDepth: 2 },
  ...{ withNullPrototype: true, withObjectString: true, withSparseArray: true, withTypedArray: true },
})

test('whatever a factory is given, it makes a function or throws an OptionsError', () => {
  for (const { name, factory, make, options } of factories) {
    const makesOrRefuses = (call: () => unknown) => {
      try {
        const made = call()
        assert.equal(typeof made, 'function')
        if (name === 'dropLog') (made as () => void)()
      } catch (error) {
        assert.ok(error instanceof OptionsError, `${name}: ${inspect(error)}`)
      }
    }
    const some = fc.record(Object.fromEntries(Object.keys(options).map(each => [each, anything])), {
      requiredKeys: [],
    })
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 3 }), some, (args, given) => {
        makesOrRefuses(() => factory(...(args as never[])))
        makesOrRefuses(() => make(given))
        for (const [option, value] of Object.entries(given)) makesOrRefuses(() => make({ [option]: value }))
      }),
      { numRuns: runs(15) },
    )
  }
})
