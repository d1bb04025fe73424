import { refuse } from '../../options/options-error.ts'
import { integer, oneOf } from '../../options/read-options.ts'
import type { OnStoreError, RateLimitStore } from '../rate-limit-store.ts'
import type { StoreUser, ViewOptions } from './shared-breakers.ts'

export interface GuardOptions {
  /** How long a decision may wait for the store, in milliseconds. Default: what the store says, else 50. */
  readonly timeout?: number | undefined
  /** What is done while the store is down. Default: what the store says, else `'memory'`. */
  readonly onStoreError?: OnStoreError | undefined
  /** How many keys are counted in memory meanwhile. Default 100,000. */
  readonly maxKeys?: number | undefined
  /** The rule's, for events. Default `rateLimit`. */
  readonly name?: string | undefined
  /** The store that `store` is a scope of: it goes down as one. */
  readonly root?: RateLimitStore | undefined
}

/** The options with what the store says, and the defaults. */
export function readGuardOptions(
  store: RateLimitStore,
  options: GuardOptions,
): StoreUser & ViewOptions & { root: RateLimitStore; maxKeys: number } {
  const { name = 'rateLimit', maxKeys = 100_000, root = store } = options
  const probed = root.probe ? root : store
  return {
    name,
    maxKeys,
    root,
    timeout: options.timeout ?? timeoutOf(store) ?? timeoutOf(root) ?? 50,
    onStoreError: options.onStoreError ?? modeOf(store) ?? modeOf(root) ?? 'memory',
    probe: probed.probe?.bind(probed),
  }
}

function timeoutOf({ timeout }: RateLimitStore): number | undefined {
  if (timeout === undefined) return undefined
  return integer(1, 60_000)(timeout, expected => refuse('rateLimit', 'store.timeout', timeout, expected))
}

function modeOf({ onStoreError: mode }: RateLimitStore): OnStoreError | undefined {
  if (mode === undefined) return undefined
  const check = oneOf<OnStoreError>('memory', 'pass', 'drop')
  return check(mode, expected => refuse('rateLimit', 'store.onStoreError', mode, expected))
}
