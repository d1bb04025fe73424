import { show } from '../../diagnostics/show.ts'
import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import { outsideRequests } from '../../runtime/async-context.ts'
import type { ExpressRateLimitStore, Hits } from './engine.ts'

/** How often a key was counted in its window, and the milliseconds until the window ends. */
export interface Count {
  readonly hits: number
  readonly left: number
}

/** Milliseconds that the system clock may fall behind by slewing. If it falls further behind, it was set back. */
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

  /** Calls `init` as express-rate-limit does, without waiting for its promise. @throws whatever `init` throws */
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
    // express-rate-limit's MemoryStore returns its own record, which the next request changes: so it is read at once.
    const turn = this.#turn.then(async () => {
      if (this.#isSetBack()) await this.#store.resetAll?.()
      return this.#read(await this.#store.increment(key))
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Takes a count back. If that fails, the count stays until its window ends. */
  async decrement(key: string): Promise<void> {
    try {
      await this.#store.decrement(key)
    } catch {}
  }

  /** Initialises anew: rate-limit-redis keeps the failure of an `init` that found no server, and would return it for ever. */
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

  /** Whether the system clock was set back: then the ends of windows in this process, which go by it, are no longer known. */
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
    // The engine's clock may differ from ours: no window ends later than one that begins now.
    return { hits: hits as number, left: Math.min(windowMs, Math.max(1, left)) }
  }
}
