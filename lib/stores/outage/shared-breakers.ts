import { storeDown, storeUp } from '../../events/store-outages.ts'
import type { OnStoreError, RateLimitStore } from '../rate-limit-store.ts'
import { Breaker } from './breaker.ts'
import { Waits } from './deadlines.ts'

/** What events say of a rule that keeps its state in a store. */
export interface StoreUser {
  readonly name: string
  readonly onStoreError: OnStoreError
}

export interface ViewOptions {
  /** How long the rule waits for the store, in milliseconds. */
  readonly timeout: number
  /** As the store has it. */
  readonly probe: RateLimitStore['probe']
}

/** How a call failed. */
export interface Failure {
  /** The breaker's, when it was asked. */
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

/** The views of each store, by their timeouts. */
const viewsOf = new WeakMap<object, Map<number, StoreView>>()

/** A rule that was thrown away is no user any more. */
const discarded = new FinalizationRegistry<{ view: StoreView; user: StoreUser }>(({ view, user }) =>
  view.remove(user),
)

/**
 * A store as the rules see it that wait equally long for it: to them it is up or down together. To rules that wait longer
 * it may be up meanwhile.
 */
export class StoreView {
  readonly timeout: number
  readonly breaker: Breaker
  readonly waits: Waits
  readonly #store: object
  readonly #views: Map<number, StoreView>
  readonly #users = new Set<StoreUser>()
  /** What it has told to be down: the store, or this view of it. */
  #toldOf: object = this

  constructor(store: object, views: Map<number, StoreView>, { timeout, probe }: ViewOptions) {
    this.timeout = timeout
    this.#store = store
    this.#views = views
    this.waits = new Waits(timeout, true)
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
   * A call has failed. An error is one for all that use the store, no answer in time one for those that wait as long or
   * less: what else they have asked need not wait.
   *
   * @param settle decides on what failed, which came before what is waiting
   */
  failed<T>({ era, error, keys }: Failure, settle: () => T): T {
    const isLate = error === undefined
    const reason = isLate ? new Error(`the store did not answer within ${this.timeout} ms`) : error
    if (!this.breaker.failed(era, keys)) return settle()
    const views = [...this.#views.values()]
    const patient = isLate ? views.filter(({ timeout }) => timeout > this.timeout) : []
    const others = views.filter(view => !view.breaker.isOpen && !patient.includes(view))
    const opened = [this, ...others.filter(({ breaker }) => breaker.failed(breaker.era, keys))]
    // To those that wait longer it may be as well as ever: then it is not the store that is down.
    const of = patient.every(({ breaker }) => breaker.isOpen) ? this.#store : this
    const users = (of === this ? opened : views).flatMap(view => [...view.#users])
    const name = distinct(users.map(user => user.name)).join(', ')
    const instead = distinct(users.map(user => INSTEAD[user.onStoreError])).join('; ')
    for (const view of opened) {
      view.#toldOf = of
      storeDown(of, view, { name, error: reason, instead })
    }
    const settled = settle()
    for (const { waits } of opened) waits.giveUp()
    return settled
  }

  #isBack(): void {
    storeUp(this.#toldOf, this)
    // What others asked before says nothing of now.
    for (const { breaker } of this.#views.values()) if (!breaker.isOpen) breaker.forgetAsked()
  }
}

/** How a store is seen by rules that wait so long. */
export function viewOf(store: object, options: ViewOptions): StoreView {
  const views = viewsOf.get(store) ?? new Map<number, StoreView>()
  viewsOf.set(store, views)
  const view = views.get(options.timeout) ?? new StoreView(store, views, options)
  views.set(options.timeout, view)
  return view
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]
