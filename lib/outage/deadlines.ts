import { outsideRequests } from '../runtime/async-context.ts'

/** What waits for an answer. */
export interface Wait {
  /** It has waited long enough; it is no longer among those that wait. */
  readonly onLate: () => void
  /** By the clock of {@link Deadlines}; -1: it waits no longer. */
  until: number
  before: Wait | undefined
  after: Wait | undefined
}

/** A timeout has so many ticks. */
const TICKS = 20

/**
 * Whatever waits for answers, each for the same time: one timer for all, and none while nothing waits.
 *
 * Time in which the event loop of this process was blocked hardly counts, as the answer may long be there: of one block at
 * most half the timeout. And before anything is late, what has arrived is read.
 */
export class Deadlines {
  readonly #timeout: number
  readonly #period: number
  readonly #keepsAlive: boolean
  readonly #now: () => number
  #first: Wait | undefined
  #last: Wait | undefined
  /** Milliseconds that the event loop was free, as of the last tick. */
  #clock = 0
  #tickedAt = 0
  #isTicking = false
  #timer: NodeJS.Timeout | undefined

  /** @param keepsAlive whether the process is kept from ending while something waits */
  constructor(timeout: number, keepsAlive: boolean, now: () => number = () => performance.now()) {
    this.#timeout = timeout
    this.#period = Math.max(1, Math.round(timeout / TICKS))
    this.#keepsAlive = keepsAlive
    this.#now = now
  }

  add(onLate: () => void): Wait {
    if (!this.#first) this.#start()
    // What the next tick will count of the time before this wait, as much as it counts at most.
    const before = Math.min(Math.max(0, this.#now() - this.#tickedAt), this.#timeout / 2)
    // The tick that finds it late may be a whole one after its time.
    const until = this.#clock + before + Math.max(0, this.#timeout - this.#period)
    const wait: Wait = { onLate, until, before: this.#last, after: undefined }
    if (this.#last) this.#last.after = wait
    else this.#first = wait
    this.#last = wait
    return wait
  }

  /** Whether it was still waiting. */
  delete(wait: Wait): boolean {
    if (wait.until < 0) return false
    wait.until = -1
    if (wait.before) wait.before.after = wait.after
    else this.#first = wait.after
    if (wait.after) wait.after.before = wait.before
    else this.#last = wait.before
    if (!this.#first) this.#timer?.unref()
    return true
  }

  /** Nothing waits any longer. */
  giveUp(until = Number.POSITIVE_INFINITY): void {
    for (let wait = this.#first; wait && wait.until <= until; wait = this.#first) {
      this.delete(wait)
      wait.onLate()
    }
  }

  #start(): void {
    if (this.#keepsAlive) this.#timer?.ref()
    if (this.#isTicking) return
    this.#isTicking = true
    this.#tickedAt = this.#now()
    outsideRequests(() => this.#setTimer())
  }

  #setTimer(): void {
    this.#timer = setTimeout(() => this.#tick(), this.#period)
    if (!this.#keepsAlive) this.#timer.unref()
  }

  #tick(): void {
    const now = this.#now()
    this.#clock += Math.min(Math.max(0, now - this.#tickedAt), Math.max(this.#period, this.#timeout / 2))
    this.#tickedAt = now
    this.#isTicking = this.#first !== undefined
    if (!this.#first) return
    this.#setTimer()
    const clock = this.#clock
    if (this.#first.until <= clock) setImmediate(() => this.giveUp(clock))
  }
}
