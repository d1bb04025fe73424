import { commonOf } from '../common-options.ts'
import { refuse } from '../errors.ts'
import { isHttp2, type Request, type Response } from '../http-types.ts'
import { type Address, addressOfWords, maskWords } from '../match/address.ts'
import type { Bucket, Decision } from '../match/leaky-bucket.ts'
import { type Check, fn, integer, readOptions, refuseRequest } from '../options.ts'
import { Reason } from '../reasons.ts'
import { type Judgement, makeRule, type Rule } from '../rule.ts'
import { MemoryStore } from '../stores/memory-store.ts'
import type { RateLimitStore } from '../stores/rate-limit-store.ts'
import { type AddressOptions, addressChecks, addressOf } from './address-rule.ts'

/** Options of {@link rateLimit}. */
export interface RateLimitOptions extends AddressOptions {
  /** Requests a second, `'10r/s'`, or a minute, `'30r/m'`: nginx's `rate`. Whole numbers. Required. */
  rate: `${number}r/s` | `${number}r/m` | (string & {})
  /** Requests beyond the rate that are let through before any is rejected: nginx's `burst`. Default 0. */
  burst?: number | undefined
  /**
   * Of the burst, how many pass at once; the rest waits until its turn by `rate`. Default: all pass at once (nginx
   * `nodelay`). `'all'`: each waits (nginx without `delay` and `nodelay`). A number: nginx's `delay=`.
   */
  delay?: number | 'all' | undefined
  /**
   * What is counted; default: the client address. `''` is not limited (as in nginx). A promise will do. What it throws
   * goes to `next`.
   */
  key?: { key(req: Request): string | PromiseLike<string> }['key'] | undefined
  /** The first bits of an IPv6 address that make one client, 1 to 128. Default 64: what one subscriber is given. */
  ipv6Subnet?: number | undefined
  /** About how many keys memory holds, 30 bytes each; past that the least loaded is forgotten. Default 100,000. */
  maxKeys?: number | undefined
  /** Where the state is kept; default: this process's memory. */
  store?: RateLimitStore | undefined
  /** The clock, in milliseconds, for tests. Default: a monotonic one. */
  now?: (() => number) | undefined
}

const store: Check<RateLimitStore> = (value, fail) =>
  typeof (value as RateLimitStore | null)?.hit === 'function'
    ? (value as RateLimitStore)
    : fail('a store with hit()')

const RATE = "a whole number of requests a second or minute, such as '10r/s' or '30r/m'"

/** nginx counts in thousandths of a request per second, rounded down: `1r/m` is 16. */
const rateCheck: Check<number> = (value, fail) => {
  const match = typeof value === 'string' ? /^([1-9]\d{0,8})r\/([sm])$/.exec(value) : null
  if (!match) return fail(RATE)
  return Math.trunc((Number(match[1]) * 1000) / (match[2] === 'm' ? 60 : 1))
}

const count = integer(0, 1e9)

const checks = {
  ...addressChecks,
  rate: rateCheck,
  burst: count,
  delay: ((value, fail) =>
    value === 'all' ? 0 : count(value, () => fail("a whole number from 0, or 'all'"))) as Check<number>,
  key: fn<(req: Request) => string | PromiseLike<string>>(),
  ipv6Subnet: integer(1, 128),
  maxKeys: integer(1, 1e8),
  store,
  now: fn<() => number>(),
} satisfies Record<keyof RateLimitOptions, Check<unknown>>

/**
 * Limits how often one client asks: nginx's `limit_req`, with the same arithmetic.
 *
 * Silence is for floods. For a person who clicks too fast set `status: 429`: it is answered with `Retry-After`.
 *
 * @example
 * app.use('/login', rateLimit({ rate: '10r/m', burst: 5, status: 429 }))
 *
 * @throws OptionsError
 */
export function rateLimit(options: RateLimitOptions): Rule {
  refuseRequest('rateLimit', options)
  const checked = readOptions('rateLimit', options, checks)
  const rate = checked.rate ?? refuse('rateLimit', 'rate', undefined, RATE)
  const common = commonOf(checked, { name: 'rateLimit' })
  const bucket: Bucket = {
    rate,
    burst: (checked.burst ?? 0) * 1000,
    delay: checked.delay === undefined ? Number.POSITIVE_INFINITY : checked.delay * 1000,
  }
  const { key: ownKey, ipv6Subnet = 64, now = () => performance.now() } = checked
  const states = checked.store ?? new MemoryStore(checked.maxKeys ?? 100_000)
  const memory = takesWords(states) && states
  const [highMask = 0, lowMask = 0] = maskWords([ALL, ALL], ipv6Subnet)
  const dropsUnknown = checked.noAddress !== 'pass'

  function settle(
    req: Request,
    res: Response,
    key: string | Address,
    decision: Decision,
  ): Judgement | Promise<undefined> {
    if (!decision.allowed) {
      const detail = typeof key === 'string' ? key : addressKey(key, ipv6Subnet)
      return { reason: Reason.RATE_LIMITED, detail, retryAfter: decision.retryAfter }
    }
    // nginx's limit_req_dry_run: what would wait, passes.
    return decision.delay === 0 || common.dryRun ? undefined : wait(req, res, decision.delay)
  }

  function readClock(): number {
    const time = now()
    if (!Number.isFinite(time)) throw new TypeError(`rateLimit: now must return milliseconds, not ${time}`)
    return time
  }

  function decide(req: Request, res: Response, key: string): Judgement | PromiseLike<Judgement> {
    if (key === '') return undefined
    if (typeof key !== 'string') throw new TypeError(`rateLimit: key must return a string, not ${typeof key}`)
    const decision = states.hit(key, bucket, readClock())
    if (typeof decision !== 'object') throw new TypeError('rateLimit: the store must return a decision')
    return 'then' in decision
      ? Promise.resolve(decision).then(settled => settle(req, res, key, settled))
      : settle(req, res, key, decision)
  }

  function decideAddress(req: Request, res: Response, address: Address) {
    const isV4 = address.family === 4
    if (!memory || (!isV4 && ipv6Subnet > 64)) return decide(req, res, addressKey(address, ipv6Subnet))
    const first = address.words[0] as number
    const decision = isV4
      ? memory.hitWords(V4, first, bucket, readClock())
      : memory.hitWords(first & highMask, (address.words[1] as number) & lowMask, bucket, readClock())
    return settle(req, res, address, decision)
  }

  return makeRule(common, (req, res) => {
    if (ownKey) {
      const key = ownKey(req)
      return typeof key === 'string' || typeof key?.then !== 'function'
        ? decide(req, res, key as string)
        : Promise.resolve(key).then(settled => decide(req, res, settled))
    }
    const address = addressOf(req, common, checked.address)
    if (address) return decideAddress(req, res, address)
    return dropsUnknown ? { reason: Reason.NO_ADDRESS } : undefined
  })
}

const ALL = 0xffffffff
/** What stands before an IPv4 address in a key of 64 bits: no IPv6 network of a client begins so (RFC 4291 2.7). */
const V4 = ALL

/** Whether it is the store in memory as it is: somebody's own `hit` has to be called. */
function takesWords(store: RateLimitStore): store is MemoryStore {
  return store instanceof MemoryStore && store.hit === MemoryStore.prototype.hit
}

/** An IPv6 subscriber has a whole network: each of its addresses is the same client. */
function addressKey(address: Address, ipv6Subnet: number): string {
  if (address.family === 4 || ipv6Subnet === 128) return address.text
  return addressOfWords(maskWords(address.words, ipv6Subnet)).text
}

/** What a timer of Node's can count, in milliseconds: a larger number fires at once. */
const MAX_TIMER = 2 ** 31 - 1

/** Resolves when the request's turn has come; never, if its client has left by then. */
function wait(req: Request, res: Response, delay: number): Promise<undefined> {
  return new Promise(resolve => {
    const timer = setTimeout(
      () => {
        res.off('close', forget)
        if (!isGone(req)) resolve(undefined)
      },
      Math.min(delay, MAX_TIMER),
    ).unref()
    const forget = () => clearTimeout(timer)
    res.once('close', forget)
  })
}

function isGone(req: Request): boolean {
  return isHttp2(req) ? req.stream.destroyed : req.socket.destroyed
}
