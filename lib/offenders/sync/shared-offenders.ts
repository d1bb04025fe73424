import { OptionsError } from '../../options/options-error.ts'
import type { BanPolicy } from '../ban-policy.ts'
import type { OffenderStore } from '../offender-store.ts'
import type { Offenders } from '../offenders.ts'
import type { StoreSync } from './store-sync.ts'

/** All that rules with the same offenders have to agree on. */
export interface SharedTerms extends BanPolicy {
  readonly ipv4Subnet: number
  readonly ipv6Subnet: number
  /** The status codes, in order, as text. */
  readonly statuses: string
  readonly countLimited: boolean
  readonly countPageRequests: boolean
  readonly maxKeys: number
  readonly maxBans: number
}

/** The offenders of one name in one store, with the exchange that keeps them there. */
export interface Exchanged {
  readonly offenders: Offenders
  readonly sync: StoreSync
}

export interface JoinOptions {
  /** Of the rule, for the error. */
  readonly name: string
  /** What the store's scope is called. */
  readonly scope: string
  readonly terms: SharedTerms
  /** Makes the first of them. */
  readonly make: () => Exchanged
}

export interface Joined extends Exchanged {
  /**
   * Counts a rule as a user until the returned function is called or `holder` is collected. The exchange with the store ends
   * with its last user.
   */
  hold(holder: object): () => void
}

/** Offenders that some rule uses. The rules are held weakly: an app that is thrown away need not close its rules. */
class SharedOffenders implements Joined {
  readonly terms: SharedTerms
  readonly offenders: Offenders
  readonly sync: StoreSync
  readonly #holders = new Set<WeakRef<object>>()
  readonly #onEmpty: () => void

  constructor(terms: SharedTerms, { offenders, sync }: Exchanged, onEmpty: () => void) {
    this.terms = terms
    this.offenders = offenders
    this.sync = sync
    this.#onEmpty = onEmpty
  }

  hold(holder: object): () => void {
    const held = new WeakRef(holder)
    this.#holders.add(held)
    const release = () => {
      if (this.#holders.delete(held) && this.#holders.size === 0) this.#end()
    }
    discarded.register(holder, release)
    return release
  }

  /** Whether a rule uses it. A rule may be collected some time before its finalizer runs. */
  isUsed(): boolean {
    for (const held of this.#holders) if (!held.deref()) this.#holders.delete(held)
    if (this.#holders.size > 0) return true
    this.#end()
    return false
  }

  #end(): void {
    this.sync.close()
    this.#onEmpty()
  }
}

const shared = new WeakMap<OffenderStore, Map<string, SharedOffenders>>()
const discarded = /* @__PURE__ */ new FinalizationRegistry<() => void>(release => release())

/**
 * The offenders of a scope of a store: the ones that another rule of this process has there, or new ones. Two rules with offenders
 * of their own would each tell the store of the same request.
 *
 * @throws OptionsError where a rule that is in use has other terms there
 */
export function joinOffenders(store: OffenderStore, { name, scope, terms, make }: JoinOptions): Joined {
  const ofStore = shared.get(store) ?? new Map<string, SharedOffenders>()
  shared.set(store, ofStore)
  const known = ofStore.get(scope)
  if (known?.isUsed()) {
    refuseOtherTerms(name, known.terms, terms)
    return known
  }
  const made = new SharedOffenders(terms, make(), () => {
    if (ofStore.get(scope) === made) ofStore.delete(scope)
  })
  ofStore.set(scope, made)
  return made
}

function refuseOtherTerms(name: string, theirs: SharedTerms, ours: SharedTerms): void {
  for (const term of Object.keys(theirs) as (keyof SharedTerms)[]) {
    if (theirs[term] === ours[term]) continue
    throw new OptionsError(
      'DROP444_INVALID_OPTION',
      `repeatOffender: a rule named "${name}" has "${term}" ${theirs[term] || 'none'} in this store, not ${ours[term] || 'none'}: ` +
        'give this rule a "name" of its own, or close() the other one first',
      'name',
      name,
    )
  }
}
