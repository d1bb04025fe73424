import { show } from '../../diagnostics/show.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import { outsideRequests } from '../../runtime/async-context.ts'
import type { ExpressRateLimitStore, Hits } from './engine.ts'

/** How often a key was counted in its window, and milliseconds until that ends. */
export interface Count {
  readonly hits: number
  readonly left: number
}

/** The system clock was set back where it falls behind by more than so many milliseconds: slewing does not. */
const SET_BACK = 500

/** An engine of express-rate-limit: initialised, its answers checked, its failures all rejections. */
export class WindowCounter {
  readonly #store: ExpressRateLimitStore
  readonly #settings: { readonly windowMs: number; readonly limit?: number }
  #hasFailed = false
  #restart: Promise<void> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  /** The system clock minus the monotonic one. */
  #ahead = Number.NEGATIVE_INFINITY

  constructor(
    store: ExpressRateLimitStore,
    settings: { readonly windowMs: number; readonly limit?: number },
  ) {
    this.#store = store
    this.#settings = settings
  }

  /** As express-rate-limit does: nobody waits for what it promises. @throws what `init` throws */
  start(): void {
    const started = this.#store.init?.({ ...this.#settings, store: this.#store })
    if (!isThenable(started)) return
    promiseOf(started).catch(() => {
      this.#hasFailed = true
    })
  }

  /** @throws whatever the store throws or rejects with; TypeError where it gives no number */
  async increment(key: string): Promise<Count> {
    if (this.#hasFailed) await this.#startAgain()
    if (!this.#store.localKeys) return this.#read(await this.#store.increment(key))
    // express-rate-limit's MemoryStore gives its own record, in which whoever comes next counts on: read it before that.
    const turn = this.#turn.then(async () => {
      if (this.#isSetBack()) await this.#store.resetAll?.()
      return this.#read(await this.#store.increment(key))
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** What can't be taken back goes with its window. */
  async decrement(key: string): Promise<void> {
    try {
      await this.#store.decrement(key)
    } catch {}
  }

  /** rate-limit-redis keeps the failure of an `init` that found no server, and would give it for ever. */
  #startAgain(): Promise<void> {
    this.#restart ??= (async () => {
      try {
        await outsideRequests(() => this.#store.init?.({ ...this.#settings, store: this.#store }))
        this.#hasFailed = false
      } finally {
        this.#restart = undefined
      }
    })()
    return this.#restart
  }

  /** Windows in this process end by the system clock: nobody knows any more when those that have begun should. */
  #isSetBack(): boolean {
    const before = this.#ahead
    this.#ahead = Date.now() - performance.now()
    return this.#ahead < before - SET_BACK
  }

  #read(reply: Hits | undefined): Count {
    const hits = reply?.totalHits
    if (!Number.isFinite(hits)) {
      throw new TypeError(
        `fromExpressRateLimit: the store gave no number of hits, but ${show(hits ?? reply)}`,
      )
    }
    const end = reply?.resetTime ? new Date(reply.resetTime).getTime() : Number.NaN
    const { windowMs } = this.#settings
    const left = Number.isNaN(end) ? windowMs : end - Date.now()
    // Its clock may be behind ours, or ahead: no window ends later than one that begins now.
    return { hits: hits as number, left: Math.min(windowMs, Math.max(1, left)) }
  }
}
