import { storeDown, storeUp } from '../store-events.ts'
import { Breaker } from './breaker.ts'
import type { OnStoreError, RateLimitStore } from './rate-limit-store.ts'

interface Shared {
  readonly breaker: Breaker
  readonly names: Set<string>
  readonly modes: Set<OnStoreError>
  /** What each rule does when it goes down: what waits need not wait any longer. */
  readonly giveUps: Set<() => void>
}

/** A rule that keeps its state in a store. */
export interface StoreUser {
  readonly name: string
  readonly onStoreError: OnStoreError
  /** Milliseconds. */
  readonly timeout: number
  /** As the store has it. */
  readonly probe: RateLimitStore['probe']
}

const INSTEAD: Record<OnStoreError, string> = {
  memory: 'each process counts by itself until it is back',
  pass: 'nobody is limited until it is back',
  drop: 'all that it would count is dropped until it is back',
}

const shared = new WeakMap<object, Shared>()

/** The breaker of a store: all rules that use it find out together that it is down. */
export function breakerOf(store: object, { name, onStoreError, timeout, probe }: StoreUser): Shared {
  let known = shared.get(store)
  if (!known) {
    known = share(store, probe)
    known.breaker.timeout = timeout
    shared.set(store, known)
  }
  known.names.add(name)
  known.modes.add(onStoreError)
  // Who is back for the most patient alone would be gone again at once.
  known.breaker.timeout = Math.min(known.breaker.timeout, timeout)
  return known
}

function share(store: object, probe: RateLimitStore['probe']): Shared {
  const names = new Set<string>()
  const modes = new Set<OnStoreError>()
  const breaker: Breaker = new Breaker({
    probe,
    onDown(error) {
      const instead = [...modes].map(mode => INSTEAD[mode]).join('; ')
      storeDown(store, breaker, { name: [...names].join(', '), error, instead })
    },
    onUp: () => storeUp(store, breaker),
  })
  return { breaker, names, modes, giveUps: new Set() }
}
