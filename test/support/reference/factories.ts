import { Writable } from 'node:stream'
import {
  allowCidr,
  badAgent,
  denyCidr,
  drop444,
  dropLog,
  MemoryStore,
  methodAllowlist,
  noHost,
  pathAllowlist,
  rateLimit,
  repeatOffender,
  rule,
  shedLoad,
} from '../../../lib/index.ts'

/** What an option takes, and what it does not. */
export interface OptionCase {
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
}

export interface FactoryCase {
  readonly name: string
  readonly factory: (...args: never[]) => unknown
  /** The factory with what it needs besides, and these options. */
  make(options?: unknown): unknown
  readonly options: Readonly<Record<string, OptionCase>>
}

const fn = () => ''
const junk = [null, {}, Symbol('x'), Number.NaN, 10n]

const boolean: OptionCase = { good: [true, false], bad: [...junk, 0, 1, -1, '', 'true', [], fn] }
const func: OptionCase = { good: [fn, async () => ''], bad: [...junk, true, 0, -1, '', 'skip', []] }

const oneOf = (...good: string[]): OptionCase => ({
  good,
  bad: [...junk, true, 0, -1, '', 'x', [], [good[0]], fn, good[0]?.toUpperCase()],
})

const integer = (good: readonly number[], bad: readonly number[]): OptionCase => ({
  good,
  bad: [...junk, ...bad, 1.5, -1, Number.POSITIVE_INFINITY, true, '', String(good[0]), [], [good[0]], fn],
})

const addresses: OptionCase = {
  good: [[], ['127.0.0.1', '10.0.0.0/8', 'loopback', '::1-::2'], new Set(['::1'])],
  bad: [
    ...junk,
    true,
    0,
    -1,
    '',
    '127.0.0.1',
    fn,
    [1],
    [null],
    ['junk'],
    [['127.0.0.1']],
    ['0.0.0.0/0'],
    ['constructor'],
  ],
}

const common = {
  name: {
    good: ['x', 'my rule', 'a.b:c/d-1'],
    bad: [...junk, true, 0, -1, '', [], ['x'], fn, 'a\nb', 'a"b', 'é', 'x'.repeat(65)],
  },
  status: integer([444, 400, 403, 404, 429, 503, 599], [0, 200, 399, 600, -444]),
  handler: func,
  dryRun: boolean,
  skip: func,
  except: addresses,
  trustProxy: {
    good: [true, false, 0, 2, 'loopback', '10.0.0.0/8, ::1', ['loopback', '10.0.0.1'], [], fn],
    bad: [
      async () => true,
      ...junk,
      -1,
      1.5,
      Number.POSITIVE_INFINITY,
      '',
      'junk',
      ['junk'],
      [1],
      [null],
      new Set(['loopback']),
      '1.2.3.4/33',
    ],
  },
  handOff: { ...integer([444, 200, 404, 599], [0, 199, 600]), good: [444, 200, 404, 599, 'close'] },
  http2: oneOf('goaway', 'destroy', 'stream'),
  reset: boolean,
}

const address = { ...common, address: oneOf('client', 'peer'), noAddress: oneOf('drop', 'pass') }

const agents: OptionCase = {
  good: [[], ['sqlmap', /x/g, { pattern: 'x' }]],
  bad: [
    ...junk,
    true,
    0,
    -1,
    '',
    'sqlmap',
    fn,
    [null],
    [''],
    ['-'],
    [1],
    [['x']],
    [{}],
    [{ pattern: '(' }],
    [fn],
  ],
}

const rate: OptionCase = {
  good: ['10r/s', '1r/m', '600r/h', '1r/d', '999999999r/s'],
  bad: [
    ...[
      ...junk,
      true,
      10,
      -1,
      '',
      '10',
      '10r',
      'r/s',
      '10r/w',
      '10r/H',
      '10R/s',
      '10 r/s',
      '0r/s',
      '-1r/s',
      '+1r/s',
      '1.5r/s',
      '1e3r/s',
    ],
    ...[' 10r/s', '10r/s ', '10r/s\n', '10r/ss', '010r/s', '1234567890r/s', [], ['10r/s'], fn],
  ],
}

const count = integer([0, 5, 1e9], [1e9 + 1])
const { bad: badCounts } = count

const rated = {
  ...address,
  rate,
  burst: count,
  delay: { good: [0, 5, 'all'], bad: [...badCounts.filter(each => each !== '0'), 'All', 'nodelay', '0'] },
  key: {
    good: [fn, 'address', { header: 'X-API-Key' }],
    bad: [...junk, true, 0, '', 'host', [], {}, { header: '' }, { header: 'a b' }, { header: fn }],
  },
  cost: { good: [1, fn], bad: [...junk, true, 0, -1, 2, 1.5, '1', '', []] },
  limits: {
    // What stands beside it is for one limit.
    good: [],
    bad: [...junk, true, 0, '', 'x', [], fn, [{ rate: '1r/s' }]],
  },
  ipv4Subnet: integer([1, 24, 32], [0, 33]),
  ipv6Subnet: integer([1, 56, 128], [0, 129]),
  timeout: integer([1, 50, 60_000], [0, 60_001]),
  onStoreError: oneOf('memory', 'pass', 'drop'),
  maxKeys: integer([1, 1e8], [0, 1e8 + 1]),
  store: {
    good: [new MemoryStore(1), { hit: fn }],
    bad: [...junk, true, 0, -1, '', 'memory', [], fn, { hit: 1 }],
  },
  now: func,
}

const duration = (...good: readonly unknown[]): OptionCase => ({
  good,
  bad: [...junk, true, 0, -1, 1.5, '', '10', '10x', 'm', '1m1h', '-1m', '1e3s', [], ['10m'], fn],
})

const offending = {
  ...address,
  limit: integer([1, 50, 10_000], [0, 10_001]),
  window: duration(1, 60_000, '90s', '10m', '24d'),
  ban: duration(1, '10m', '1h 30m', '2w'),
  maxBan: duration('1d', 86_400_000),
  decay: duration(1, '1d'),
  statuses: {
    good: [[], [404], new Set([500, 503])],
    bad: [...junk, true, 0, -1, '', '404', [99], [600], ['404'], [null], fn],
  },
  ipv4Subnet: integer([1, 24, 32], [0, 33]),
  ipv6Subnet: integer([1, 56, 128], [0, 129]),
  maxKeys: integer([1, 1000], [0]),
  maxBans: integer([1, 1000], [0]),
  store: { good: [], bad: [...junk, true, 0, -1, '', 'redis', [], fn, { hit: fn }] },
  now: func,
}

const shedding = {
  ...common,
  maxDelay: integer([10, 250, 60_000], [9, 60_001]),
  interval: integer([10, 250, 60_000], [9, 60_001]),
  retryAfter: integer([1, 86_400_000], [0, 86_400_001]),
}

const { name: _, ...shared } = common

/** A rule inside `drop444`: what is refused by the rule's own factory is refused here. */
const nested = (good: readonly unknown[]): OptionCase => ({
  good,
  bad: [null, 0, -1, '', 'x', Number.NaN, Symbol('x'), 10n, fn, new Date(), new Map(), { x: 1 }],
})

const rules = {
  noHost: nested([true, false, {}, { serverNames: ['a'] }]),
  denyCidr: nested([['::1'], { list: ['::1'], address: 'peer' }, false]),
  allowCidr: nested([['::1'], { list: ['::1'] }, false]),
  methodAllowlist: nested([['GET'], { methods: ['GET'] }, false]),
  badAgent: nested([true, false, { empty: false }]),
  pathAllowlist: nested([['/'], { patterns: ['/'], strict: true }, false]),
  repeatOffender: nested([true, false, { limit: 5 }, repeatOffender()]),
  shedLoad: nested([true, false, { maxDelay: 100 }]),
  rateLimit: { ...nested([{ rate: '1r/s' }]), bad: [...nested([]).bad, true, {}] },
}

const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() })

/** What one call of `dropLog` began is ended at once. */
function logAndStop(options: unknown): unknown {
  const stop = dropLog(sink(), options as never)
  stop()
  return stop
}

const logOptions = {
  format: { good: ['rule', 'combined', 'json', fn], bad: [...junk, true, 0, -1, '', 'JSON', 'common', []] },
  level: { good: ['info'], bad: [...junk, true, 0, -1, '', [], fn] },
  maxBuffer: integer([1, 2 ** 30], [0, 2 ** 30 + 1]),
}

type Any = (...args: unknown[]) => unknown

/** A factory that takes its options after these arguments. */
const after = (
  name: string,
  factory: unknown,
  first: readonly unknown[],
  options: FactoryCase['options'],
): FactoryCase => ({
  name,
  factory: factory as Any,
  make: given => (factory as Any)(...first, given),
  options,
})

/** Every factory, with every option that it has. */
export const factories: readonly FactoryCase[] = [
  after('noHost', noHost, [], {
    ...common,
    serverNames: {
      good: [['a.example', '*.example', '.example', 'mail.*', /x/, '[::1]', '192.0.2.1']],
      bad: [
        ...junk,
        true,
        0,
        -1,
        '',
        'a.example',
        [],
        fn,
        [null],
        [''],
        ['*'],
        [1],
        ['a.example:80'],
        [['a.example']],
      ],
    },
  }),
  after('denyCidr', denyCidr, [['192.0.2.1']], address),
  after('allowCidr', allowCidr, [['192.0.2.1']], address),
  after('badAgent', badAgent, [], { ...common, patterns: agents, allow: agents, empty: boolean }),
  after('pathAllowlist', pathAllowlist, [['/']], { ...common, caseSensitive: boolean, strict: boolean }),
  after('methodAllowlist', methodAllowlist, [['GET']], common),
  {
    name: 'rateLimit',
    factory: rateLimit,
    // `rate` is the one option that can't be left out; anything but options is passed on as it is.
    make: given => (rateLimit as Any)(isOptions(given) ? { rate: '1r/s', ...given } : given),
    options: rated,
  },
  after('repeatOffender', repeatOffender, [], offending),
  after('shedLoad', shedLoad, [], shedding),
  after('rule', rule, ['mine', fn], common),
  {
    name: 'drop444',
    factory: drop444,
    make: given =>
      (drop444 as Any)(isOptions(given) ? { noHost: true, methodAllowlist: ['GET'], ...given } : given),
    options: { ...shared, ...rules },
  },
  { name: 'dropLog', factory: dropLog, make: logAndStop, options: logOptions },
]

function isOptions(given: unknown): given is object | undefined {
  if (given === undefined) return true
  if (typeof given !== 'object' || given === null) return false
  return [null, Object.prototype].includes(Object.getPrototypeOf(given))
}
