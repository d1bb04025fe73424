import { outsideRequests } from '../runtime/async-context.ts'
import { Deadlines } from './deadlines.ts'
import { type Call, followAnswer, type Outcome } from './timed-call.ts'

/** Milliseconds from a failure to the first probe; each further pause is twice as long, up to the last. */
const FIRST_DELAY = 100
const LAST_DELAY = 2_000
/** A store that fails again within so many milliseconds had not really recovered: the pauses go on where they were. */
const RELAPSE = 10_000
/** Calls without an answer may stay in the client for days: above this number only one in a while is added. */
const MAX_STRAYS = 10
const STRAY_DELAY = 60_000

export interface BreakerOptions {
  /** Resolves if the store works, for these keys too. Without it one call of the user's is let try instead. */
  readonly probe?: ((keys: readonly string[] | undefined) => unknown) | undefined
  /** How long a probe may take, in milliseconds. */
  readonly timeout: number
  readonly onUp: () => void
  /** Milliseconds, for tests. */
  readonly now?: (() => number) | undefined
}

/** How one call is to be heard. */
export interface Hearing {
  /** The breaker's `era` when the store was called. */
  readonly era: number
  readonly deadlines: Deadlines
}

/** Keeps calls away from a store that failed, and finds out when it works again. */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #now: () => number
  #isOpen = false
  #era = 0
  #delay = 0
  #isTrialDue = false
  #failedKeys: readonly string[] | undefined
  #nextAt = 0
  #backAt = Number.NEGATIVE_INFINITY
  #probedAt = 0
  #timer: NodeJS.Timeout | undefined
  /** Calls made during this outage that were late and have not come back. Some clients forget calls that a cut connection lost. */
  readonly strays = new Set<object>()

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Changes when an outage begins and when it ends: a call made in another era says nothing of this one. */
  get era(): number {
    return this.#era
  }

  /** Milliseconds until the store is tried next, at least 1. */
  get untilNext(): number {
    return Math.max(1, Math.ceil(this.#nextAt - this.#now()))
  }

  /** Whether the store may be called now. A caller that is admitted must report the result. */
  admits(): boolean {
    if (!this.#isOpen) return true
    if (!this.#isTrialDue) return false
    this.#isTrialDue = false
    return true
  }

  /** @param era as it was when the store was called */
  succeeded(era: number): void {
    if (era === this.#era) this.close()
  }

  /** Ends an outage: the store works again, or nobody uses it any more. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#isTrialDue = false
    this.#era++
    this.#failedKeys = undefined
    this.strays.clear()
    this.#backAt = this.#now()
    clearTimeout(this.#timer)
    this.#options.onUp()
  }

  /** Calls made so far will begin no outage. Not to be used during one: its calls have to end it. */
  forgetAsked(): void {
    this.#era++
  }

  /**
   * @param era as it was when the store was called
   * @param keys that it was called with
   * @returns whether that began an outage
   */
  failed(era: number, keys?: readonly string[]): boolean {
    if (era !== this.#era) return false
    const opens = !this.#isOpen
    const isRelapse = this.#now() - this.#backAt < RELAPSE
    this.#delay =
      opens && !isRelapse ? FIRST_DELAY : Math.min(Math.max(FIRST_DELAY, this.#delay * 2), LAST_DELAY)
    if (opens) {
      this.#isOpen = true
      this.#era++
      this.#failedKeys = keys
    }
    this.#schedule()
    return opens
  }

  /** Waits for the answer of a call until its deadline. A call that is late during an outage counts as a stray until it comes back. */
  hear<T>(answer: Promise<T>, { era, deadlines }: Hearing, outcome: Outcome<T>): void {
    const call: Call<T> = { strays: this.strays, deadlines, wait: undefined, outcome }
    call.wait = deadlines.add(() => {
      call.outcome = undefined
      call.wait = undefined
      if (this.#isOpen && era === this.#era) this.strays.add(call)
      outcome.failed(undefined)
    })
    followAnswer(answer, call)
  }

  #schedule(): void {
    this.#nextAt = this.#now() + this.#delay
    clearTimeout(this.#timer)
    this.#timer = outsideRequests(() => setTimeout(() => this.#try(), this.#delay).unref())
  }

  #try(): void {
    const now = this.#now()
    if (this.strays.size >= MAX_STRAYS && now - this.#probedAt < STRAY_DELAY) return this.#schedule()
    this.#probedAt = now
    const { probe } = this.#options
    if (probe) this.#probe(probe)
    else this.#isTrialDue = true
  }

  #probe(probe: NonNullable<BreakerOptions['probe']>): void {
    const era = this.#era
    const deadlines = new Deadlines(this.#options.timeout, false, this.#now)
    const answer = new Promise(resolve => resolve(probe(this.#failedKeys)))
    this.hear(
      answer,
      { era, deadlines },
      {
        answered: () => this.succeeded(era),
        failed: () => void this.failed(era),
      },
    )
  }
}
