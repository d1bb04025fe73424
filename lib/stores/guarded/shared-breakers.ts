import { storeDown, storeUp } from '../../events/store-outages.ts'
import { Breaker } from '../../outage/breaker.ts'
import { Deadlines } from '../../outage/deadlines.ts'
import { lateError } from '../../outage/timed-call.ts'
import type { OnStoreError, RateLimitStore } from '../rate-limit-store.ts'

/** A rule that keeps its state in a store, as events describe it. */
export interface StoreUser {
  readonly name: string
  readonly onStoreError: OnStoreError
}

export interface ViewOptions {
  /** How long the rule waits for the store, in milliseconds. */
  readonly timeout: number
  /** The store's own. */
  readonly probe: RateLimitStore['probe']
}

/** How a call failed. */
export interface Failure {
  /** The breaker's era when the store was called. */
  readonly era: number
  /** Undefined: no answer came in time. */
  readonly error: unknown
  readonly keys: readonly string[]
}

const INSTEAD: Record<OnStoreError, string> = {
  memory: 'each process counts by itself until it is back',
  pass: 'nobody is limited until it is back',
  drop: 'all that it would count is dropped until it is back',
}

/** The views of each store, by timeout. */
const viewsOf = new WeakMap<object, Map<number, StoreView>>()

/** Takes a rule that was garbage-collected off the users of its view. */
const discarded = /* @__PURE__ */ new FinalizationRegistry<{ view: StoreView; user: StoreUser }>(
  ({ view, user }) => view.remove(user),
)

/**
 * A store as seen by the rules that wait equally long for it: for them it goes down, and comes back, together. For rules that
 * wait longer it may be up meanwhile.
 */
export class StoreView {
  readonly timeout: number
  readonly breaker: Breaker
  readonly deadlines: Deadlines
  readonly #store: object
  readonly #views: Map<number, StoreView>
  readonly #users = new Set<StoreUser>()
  /** What was reported as down: the store, or only this view of it. */
  #reportedDown: object = this

  constructor(store: object, views: Map<number, StoreView>, { timeout, probe }: ViewOptions) {
    this.timeout = timeout
    this.#store = store
    this.#views = views
    this.deadlines = new Deadlines(timeout, true)
    this.breaker = new Breaker({ probe, timeout, onUp: () => this.#isBack() })
  }

  /** Counts a rule as a user until `holder` is collected. */
  add(user: StoreUser, holder: object): void {
    this.#users.add(user)
    discarded.register(holder, { view: this, user })
  }

  remove(user: StoreUser): void {
    this.#users.delete(user)
    if (this.#users.size > 0) return
    if (this.#views.get(this.timeout) === this) this.#views.delete(this.timeout)
    this.breaker.close()
  }

  /**
   * A call has failed. An error takes the store down for all its rules, no answer in time for the rules that wait as long or
   * less: their other calls need not wait any longer.
   *
   * @param decideWithout decides on the request that failed. It runs first, as that request came before those still waiting
   */
  failed<T>({ era, error, keys }: Failure, decideWithout: () => T): T {
    const isLate = error === undefined
    if (!this.breaker.failed(era, keys)) return decideWithout()
    const reason = isLate ? lateError(this.timeout) : error
    const views = [...this.#views.values()]
    const patient = isLate ? views.filter(({ timeout }) => timeout > this.timeout) : []
    const others = views.filter(view => !view.breaker.isOpen && !patient.includes(view))
    const opened = [this, ...others.filter(({ breaker }) => breaker.failed(breaker.era, keys))]
    // Rules that wait longer may find the store as quick as ever: then only this view of it is down.
    const of = patient.every(({ breaker }) => breaker.isOpen) ? this.#store : this
    const users = (of === this ? opened : views).flatMap(view => [...view.#users])
    const name = distinct(users.map(user => user.name)).join(', ')
    const instead = distinct(users.map(user => INSTEAD[user.onStoreError])).join('; ')
    for (const view of opened) {
      view.#reportedDown = of
      storeDown(of, view, { name, error: reason, instead })
    }
    const decision = decideWithout()
    for (const { deadlines } of opened) deadlines.giveUp()
    return decision
  }

  #isBack(): void {
    storeUp(this.#reportedDown, this)
    // Calls that other views made before this say nothing of the store as it is now.
    for (const { breaker } of this.#views.values()) if (!breaker.isOpen) breaker.forgetAsked()
  }
}

/** The view that rules with this timeout share; made for the first of them. */
export function viewOf(store: object, options: ViewOptions): StoreView {
  const views = viewsOf.get(store) ?? new Map<number, StoreView>()
  viewsOf.set(store, views)
  const view = views.get(options.timeout) ?? new StoreView(store, views, options)
  views.set(options.timeout, view)
  return view
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]
