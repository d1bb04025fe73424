import { debugThrown } from '../../diagnostics/debug.ts'
import { isKeyError } from '../../diagnostics/key-error.ts'
import { Breaker } from '../../outage/breaker.ts'
import { Deadlines } from '../../outage/deadlines.ts'
import { lateError } from '../../outage/timed-call.ts'
import { outsideRequests } from '../../runtime/async-context.ts'
import type { BanPolicy } from '../ban-policy.ts'
import type { OffenderStore } from '../offender-store.ts'
import type { Offenders } from '../offenders.ts'
import { Outbox } from './outbox.ts'
import { StoreNews } from './store-news.ts'

/** Milliseconds between two reads: a ban of another process is to be known within a second. */
const POLL = 400
/** How long an answer may take, in milliseconds. */
const TIMEOUT = 1_000

export interface StoreSyncOptions {
  readonly terms: BanPolicy
  readonly maxBans: number
  /** Called once an outage, with what the store failed with. */
  readonly onDown: (error: unknown) => void
  readonly onUp: () => void
}

/**
 * Exchanges offenders with a store in the background: no request waits for it. If the store fails, this process goes on alone, and
 * catches up once the store is back.
 */
export class StoreSync {
  readonly #offenders: Offenders
  readonly #store: OffenderStore
  readonly #options: StoreSyncOptions
  readonly #outbox: Outbox
  readonly #breaker: Breaker
  readonly #deadlines = new Deadlines(TIMEOUT, false)
  /** Whether the last exchange succeeded. Nothing is written before: only a read tells the store's clock. */
  #isUp = false
  #isClosed = false
  #isScheduled = false
  readonly #news: StoreNews
  #writing: Promise<void> | undefined
  #reading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(offenders: Offenders, store: OffenderStore, options: StoreSyncOptions) {
    this.#offenders = offenders
    this.#store = store
    this.#options = options
    this.#outbox = new Outbox(options.maxBans, () => this.#schedule())
    this.#news = new StoreNews(offenders, this.#outbox)
    // Without a probe of its own: the next read is the trial, as only a whole read brings this process up to date.
    this.#breaker = new Breaker({ timeout: TIMEOUT, onUp: options.onUp })
    offenders.journal = this.#outbox
    outsideRequests(() => void this.#poll())
  }

  /** Resolves after one more write and read, or when the store has failed. Never rejects. */
  async flush(): Promise<void> {
    // The deadlines of the calls keep no process alive: it would end before this does.
    const alive = setInterval(() => {}, 60_000)
    try {
      // A read that is under way may have been answered before now.
      await this.#reading
      if (!this.#isUp) await this.#read()
      await this.#writing
      await this.#write()
      await this.#read()
    } finally {
      clearInterval(alive)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#outbox.place = undefined
    this.#offenders.journal = undefined
    clearTimeout(this.#timer)
    this.#isUp = false
    // Nobody else would report the end of this outage.
    this.#breaker.close()
  }

  async #poll(): Promise<void> {
    // A read of `flush()` may have begun before an outage: as its trial it would say nothing, and no other would come.
    await this.#reading
    if (this.#breaker.admits()) await this.#read()
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#poll(), POLL).unref()
  }

  /** Writes once for everything that one tick brings. */
  #schedule(): void {
    if (!this.#isUp) this.#outbox.dropOffences()
    if (this.#isScheduled || !this.#isUp || this.#isClosed) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      void this.#write()
    })
  }

  #write(): Promise<void> {
    const { era } = this.#breaker
    this.#writing ??= outsideRequests(() => this.#writeAll())
      .catch(error => this.#fail(era, error))
      .finally(() => {
        this.#writing = undefined
      })
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    const { terms, maxBans } = this.#options
    for (let late = 0; this.#isUp && !this.#isClosed && !this.#outbox.isEmpty; ) {
      const last = this.#news.last
      const { actions, decisions } = this.#outbox.take(this.#offenders.now())
      const write = () => this.#store.write(actions, terms, maxBans, this.#news.expected ?? 0)
      const news = await this.#ask(write)
      if (!news.isLate) this.#outbox.delivered(decisions)
      else if (++late > 2) throw new Error('the clock of the store is not to be believed')
      this.#news.hear(news, last, true)
    }
  }

  #read(): Promise<void> {
    const { era } = this.#breaker
    this.#reading ??= outsideRequests(() => this.#readAll())
      .then(
        () => this.#recover(era),
        error => this.#fail(era, error),
      )
      .finally(() => {
        this.#reading = undefined
      })
    return this.#reading
  }

  async #readAll(): Promise<void> {
    for (let hasMore = true; hasMore && !this.#isClosed; ) {
      const last = this.#news.last
      const before = this.#news.cursor
      const news = await this.#ask(() => this.#store.read(before, this.#news.expected))
      // The loop would never end, and nothing would be written.
      if (news.last > news.cursor && news.cursor <= before) throw new Error('the store does not go on')
      this.#news.cursor = news.cursor
      this.#news.hear(news, last)
      hasMore = this.#news.cursor < news.last
    }
    if (this.#breaker.isOpen) await this.#ask(() => this.#store.probe())
  }

  /** Calls the store. An answer that comes after the deadline is neither waited for nor believed. */
  #ask<T>(call: () => Promise<T>): Promise<T> {
    const { era } = this.#breaker
    const answer = new Promise<T>(resolve => resolve(call()))
    return new Promise((resolve, reject) => {
      this.#breaker.hear(
        answer,
        { era, deadlines: this.#deadlines },
        {
          answered: resolve,
          failed: error => reject(error === undefined ? lateError(TIMEOUT) : error),
        },
      )
    })
  }

  #recover(era: number): void {
    if (this.#isClosed) return
    this.#breaker.succeeded(era)
    // Another call has found the store down in the meantime.
    if (this.#breaker.isOpen) return
    this.#isUp = true
    this.#outbox.place = this.#news.place
    if (!this.#outbox.isEmpty) this.#schedule()
  }

  /** @param era the breaker's, when the exchange began */
  #fail(era: number, error: unknown): void {
    if (this.#isClosed || era !== this.#breaker.era) return
    debugThrown('the store of offenders', error)
    this.#isUp = false
    this.#outbox.dropOffences()
    this.#outbox.place = undefined
    // The store works, but not for these offenders: this process is alone until the foreign key is gone.
    if (isKeyError(error)) this.#breaker.close()
    else if (this.#breaker.failed(era)) this.#options.onDown(error)
  }
}
