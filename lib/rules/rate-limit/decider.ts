import type { Decision } from '../../counting/leaky-bucket.ts'
import { decideAll } from '../../counting/several-limits.ts'
import { type Address, maskWords, standsFor } from '../../match/addresses/address.ts'
import { GuardedStore } from '../../stores/guarded/guarded-store.ts'
import { MemoryStore } from '../../stores/memory-store.ts'
import type { OnStoreError, RateLimitStore } from '../../stores/rate-limit-store.ts'
import { addressKey } from './limit-key.ts'
import type { CompiledLimit } from './limit-options.ts'

/** A question to one limit: whether a key may spend a cost. */
export interface Asked {
  /** The limit's place among those of the rule. */
  readonly index: number
  readonly key: string | Address
  readonly cost: number
}

/** Decides on a request by one limit, or by several together. */
export interface Decider {
  one(asked: Asked, now: number): Decision | PromiseLike<Decision>
  /** `limit` of the decision is an index into `asked`. */
  all(asked: readonly Asked[], now: number): Decision | PromiseLike<Decision>
}

/** The store of one rule's limits, and how it is used. */
export interface DeciderOptions {
  readonly name: string
  readonly store: RateLimitStore | undefined
  readonly maxKeys: number | undefined
  readonly timeout: number | undefined
  readonly onStoreError: OnStoreError | undefined
}

const ALL = 0xffffffff
/** The first half of a 64-bit key for IPv4. No client's IPv6 network begins with it: it would be multicast (RFC 4291 2.7). */
const V4 = ALL

export function makeDecider(limits: readonly CompiledLimit[], options: DeciderOptions): Decider {
  const { store, maxKeys = 100_000 } = options
  if (store === undefined) {
    return inMemory(
      limits,
      limits.map(() => new MemoryStore(maxKeys)),
    )
  }
  // A subclass with its own `hit` is used as a store, so that its `hit` is called.
  const isMemory = store instanceof MemoryStore && store.hit === MemoryStore.prototype.hit
  if (isMemory && limits.length === 1) return inMemory(limits, [store])
  return inStore(limits, store, options)
}

/** Decides with a MemoryStore for each limit. An address is counted by its words, without making a string. */
function inMemory(limits: readonly CompiledLimit[], stores: readonly MemoryStore[]): Decider {
  const each = limits.map((limit, i) => {
    const { bucket, ipv4Subnet, ipv6Subnet } = limit
    const store = stores[i] as MemoryStore
    const [v4Mask = 0] = maskWords([ALL], ipv4Subnet)
    const [highMask = 0, lowMask = 0] = maskWords([ALL, ALL], ipv6Subnet)

    return ({ key, cost }: Asked, now: number, counts: boolean): Decision => {
      if (typeof key !== 'string') {
        const { family, words } = standsFor(key)
        const first = words[0] as number
        if (family === 4) return store.hitWords(V4, first & v4Mask, bucket, now, cost, counts)
        if (ipv6Subnet <= 64) {
          const second = (words[1] as number) & lowMask
          return store.hitWords(first & highMask, second, bucket, now, cost, counts)
        }
      }
      const text = typeof key === 'string' ? key : addressKey(key, limit)
      return counts ? store.hit(text, bucket, now, cost) : store.peek(text, bucket, now, cost)
    }
  })
  const decide = (asked: Asked, now: number, counts: boolean) =>
    (each[asked.index] as (typeof each)[0])(asked, now, counts)

  return {
    one: (asked, now) => decide(asked, now, true),
    all: (asked, now) => decideAll(asked.length, (i, counts) => decide(asked[i] as Asked, now, counts)),
  }
}

/** Decides with one store for all limits. Prefixes keep the keys of different limits apart. */
function inStore(limits: readonly CompiledLimit[], store: RateLimitStore, options: DeciderOptions): Decider {
  const scoped = store.scope?.(options.name) ?? store
  const guarded = new GuardedStore(scoped, { ...options, root: store })
  const prefixes = limits.map((limit, i) => {
    if (limits.length === 1) return ''
    // A store with scope() separates limits by rate. Only limits of the same rate, or keys made by functions, can collide and get a prefix.
    if (!store.scope || limits.findIndex(({ bucket }) => bucket.rate === limit.bucket.rate) < i)
      return `#${i} `
    return typeof limit.key === 'function' ? `#${limits.findIndex(({ key }) => key === limit.key)} ` : ''
  })
  const hitOf = ({ index, key, cost }: Asked) => {
    const limit = limits[index] as CompiledLimit
    const text = typeof key === 'string' ? key : addressKey(key, limit)
    return { key: prefixes[index] + text, bucket: limit.bucket, cost }
  }

  return {
    one(asked, now) {
      const { key, bucket, cost } = hitOf(asked)
      return guarded.hit(key, bucket, now, cost)
    },
    all: (asked, now) => guarded.hitAll(asked.map(hitOf), now),
  }
}
