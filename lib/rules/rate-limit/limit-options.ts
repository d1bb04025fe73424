import type { Bucket } from '../../counting/leaky-bucket.ts'
import { type AddressOptions, addressChecks } from '../../options/address-options.ts'
import { refuse } from '../../options/options-error.ts'
import { type Check, fn, integer, list, oneOf, reading, readOptions } from '../../options/read-options.ts'
import type { Request } from '../../request/http-types.ts'
import type { OnStoreError, RateLimitStore } from '../../stores/rate-limit-store.ts'
import { keyCheck, type LimitKey, type Subnets } from './limit-key.ts'

/** The options that say what a limit counts by. */
export interface LimitBy {
  /**
   * The key that requests are counted by. `'address'` (default): the client address, or its network. `{ header: 'x-api-key' }`: the
   * value of a header field, or the address if a request has none. A function: the string that it returns, or promises; `''` is not
   * limited (as in nginx). An error it throws goes to `next`.
   */
  key?:
    | 'address'
    | { readonly header: string }
    | { key(req: Request): string | PromiseLike<string> }['key']
    | undefined
  /** How many requests one request counts as: a whole number from 1, or a function that returns one, or 0 to not count. Default 1. */
  cost?: number | { cost(req: Request): number | PromiseLike<number> }['cost'] | undefined
  /** The first bits of an IPv4 address that make one client, 1 to 32. Default 32; 24 counts by network. */
  ipv4Subnet?: number | undefined
  /** The first bits of an IPv6 address that make one client, 1 to 128. Default 64, the network of one subscriber. */
  ipv6Subnet?: number | undefined
}

/** One of several limits. */
export interface Limit extends LimitBy {
  /** Requests per second, `'10r/s'`, or minute, `'30r/m'`: nginx's `rate`; also per hour (`r/h`) or day (`r/d`). A whole number. */
  rate: `${number}r/${'s' | 'm' | 'h' | 'd'}` | (string & {})
  /** Requests beyond the rate that pass before one is rejected: nginx's `burst`. Default 0. */
  burst?: number | undefined
  /**
   * The first `delay` requests of the burst pass at once, the others wait their turn by `rate` (nginx's `delay=`). Default: all pass at
   * once (nginx's `nodelay`). `'all'`: all wait, as with 0 (nginx without `delay` and `nodelay`).
   */
  delay?: number | 'all' | undefined
}

/** Options of {@link rateLimit}: one limit, or several in `limits`. */
export interface RateLimitOptions extends AddressOptions, Omit<Limit, 'rate'> {
  /** The rate, as in {@link Limit}. Required, unless `limits` is set or the store has a limit of its own. */
  rate?: Limit['rate'] | undefined
  /**
   * Several limits for the same request, in place of `rate`, `burst` and `delay`: if one rejects it, none counts it; the
   * longest delay wins. `key`, `cost` and the subnets of the rule are the defaults for each limit.
   */
  limits?: (Iterable<Limit> & object) | undefined
  /** About how many keys memory holds for each limit, 30 bytes each; past that the least loaded is forgotten. Default 100,000. */
  maxKeys?: number | undefined
  /** Where the state is kept; default: this process's memory. */
  store?: RateLimitStore | undefined
  /** How long a decision of an external store may take, in milliseconds, 1 to 60,000. Default 50. */
  timeout?: number | undefined
  /**
   * What the rule does while the store does not answer. `'memory'` (default): this process counts by itself. `'pass'`: every
   * request passes. `'drop'`: no request passes.
   */
  onStoreError?: OnStoreError | undefined
  /** The clock, in milliseconds, for tests. Default: a monotonic one. */
  now?: (() => number) | undefined
}

/** One limit, compiled. */
export interface CompiledLimit extends Subnets {
  readonly bucket: Bucket
  readonly key: LimitKey
  readonly cost: number | ((req: Request) => number | PromiseLike<number>)
  /** The index of an earlier limit with the same key function, which is called only once for a request. */
  readonly sameKey: number | undefined
  /** Like {@link sameKey}, for the cost. */
  readonly sameCost: number | undefined
}

const RATE = "a whole number of requests a second, minute, hour or day, such as '10r/s' or '30r/m'"
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Thousandths of a request per second, rounded down as in nginx: `1r/m` is 16. Hours and days, which nginx lacks, are not rounded. */
const rate: Check<number> = (value, fail) => {
  const [, requests, unit = ''] =
    (typeof value === 'string' && /^([1-9]\d{0,8})r\/([smhd])$/.exec(value)) || []
  if (requests === undefined) return fail(RATE)
  const thousandths = (Number(requests) * 1000) / (SECONDS[unit] as number)
  return unit === 's' || unit === 'm' ? Math.trunc(thousandths) : thousandths
}

const count = /* @__PURE__ */ integer(0, 1e9)

/** Methods of objects that are often passed as a store by mistake. */
type Foreign = Partial<Record<'increment' | 'incr' | 'sendCommand' | 'consume', unknown>>

const store: Check<RateLimitStore> = (value, fail) => {
  if (typeof (value as RateLimitStore | null)?.hit === 'function') return value as RateLimitStore
  // `sendCommand` is checked first, because a Redis client has an `incr` too.
  const { sendCommand, increment, incr, consume } = (value ?? {}) as Foreign
  if (typeof sendCommand === 'function')
    fail('a store with hit(): redisStore({ sendCommand }) makes one of a client')
  if (typeof increment === 'function' || typeof incr === 'function')
    fail('a store with hit(): wrap one of express-rate-limit in fromExpressRateLimit(store)')
  return fail(
    typeof consume === 'function'
      ? 'a store with hit(): a limiter of rate-limiter-flexible decides by itself, in a rule() of your own'
      : 'a store with hit()',
  )
}

const cost: Check<CompiledLimit['cost']> = (value, fail) =>
  typeof value === 'function'
    ? (value as (req: Request) => number)
    : integer(1, 1e6)(value, () => fail('a whole number from 1 to 1000000, or a function'))

const limitChecks = () =>
  ({
    rate,
    burst: count,
    delay: ((value, fail) =>
      value === 'all' ? 0 : count(value, () => fail("a whole number from 0, or 'all'"))) as Check<number>,
    key: keyCheck,
    cost,
    ipv4Subnet: integer(1, 32),
    ipv6Subnet: integer(1, 128),
  }) satisfies Record<keyof Limit, Check<unknown>>

const checks = () =>
  ({
    ...addressChecks(),
    ...limitChecks(),
    limits: list,
    maxKeys: integer(1, 1e8),
    store,
    timeout: integer(1, 60_000),
    onStoreError: oneOf<OnStoreError>('memory', 'pass', 'drop'),
    now: fn<() => number>(),
  }) satisfies Record<keyof RateLimitOptions, Check<unknown>>

type LimitChecks = ReturnType<typeof limitChecks>
type Given = { [K in keyof LimitChecks]: ReturnType<LimitChecks[K]> | undefined }

/** Checks the options and compiles their limits. */
export function readLimits(options: unknown) {
  const checked = readOptions('rateLimit', options, checks())
  const { limits, store } = checked
  const ofStore = <T>(read: (store: RateLimitStore | undefined) => T) =>
    reading('rateLimit', 'store', store, () => read(store))
  if (limits === undefined)
    return {
      ...checked,
      limits: [
        compileLimit(
          checked,
          checked,
          ofStore(store => store?.bucket),
        ),
      ],
    }
  const given = (options as RateLimitOptions).limits
  if (limits.length === 0)
    refuse('rateLimit', 'limits', given, "at least one limit, such as { rate: '10r/s' }")
  if ([checked.rate, checked.burst, checked.delay].some(each => each !== undefined))
    refuse(
      'rateLimit',
      'limits',
      given,
      'without "rate", "burst" and "delay" beside it: each limit has its own',
    )
  const each = limits.map(limit =>
    compileLimit(readOptions('rateLimit', limit, limitChecks()), checked, undefined),
  )
  if (each.length > 1 && store && ofStore(() => typeof store.hitAll !== 'function')) {
    refuse('rateLimit', 'store', store, 'a store with hitAll(), for several limits')
  }
  return { ...checked, limits: each.map((limit, i) => ({ ...limit, ...sameFunctions(each, i) })) }
}

/** The indexes of earlier limits that share a function with the limit at `at`. */
function sameFunctions(limits: readonly CompiledLimit[], at: number) {
  const { key, cost } = limits[at] as CompiledLimit
  const earlier = (place: number) => (place < at ? place : undefined)
  return {
    sameKey: typeof key === 'function' ? earlier(limits.findIndex(each => each.key === key)) : undefined,
    sameCost: typeof cost === 'function' ? earlier(limits.findIndex(each => each.cost === cost)) : undefined,
  }
}

/**
 * Compiles one limit.
 *
 * @param others the rule's options, which are the defaults for each limit
 * @param ownBucket the store's own limit, the default for `rate` and `burst`
 */
function compileLimit(given: Given, others: Given, ownBucket: Bucket | undefined): CompiledLimit {
  const rate = given.rate ?? ownBucket?.rate ?? refuse('rateLimit', 'rate', undefined, RATE)
  const bucket: Bucket = {
    rate,
    burst: given.burst === undefined ? (ownBucket?.burst ?? 0) : given.burst * 1000,
    delay: given.delay === undefined ? Number.POSITIVE_INFINITY : given.delay * 1000,
  }
  const cost = given.cost ?? others.cost ?? 1
  if (typeof cost === 'number' && (cost - 1) * 1000 > bucket.burst) {
    refuse(
      'rateLimit',
      'cost',
      cost,
      `at most burst + 1, which is ${bucket.burst / 1000 + 1}: no request would pass`,
    )
  }
  return {
    bucket,
    key: given.key ?? others.key ?? 'address',
    cost,
    ipv4Subnet: given.ipv4Subnet ?? others.ipv4Subnet ?? 32,
    ipv6Subnet: given.ipv6Subnet ?? others.ipv6Subnet ?? 64,
    sameKey: undefined,
    sameCost: undefined,
  }
}
