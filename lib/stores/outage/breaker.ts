import { outsideRequests } from '../../runtime/async-context.ts'
import { Waits } from './deadlines.ts'

/** Milliseconds from a failure to the first probe; from then on twice as long each time, up to the last. */
const FIRST_DELAY = 100
const LAST_DELAY = 2_000
/** Who fails again so soon, in milliseconds, was not really back. */
const RELAPSE = 10_000
/** What got no answer may be waiting in the client, for days: with so many there, only one in a while is added. */
const MAX_STRAYS = 10
const STRAY_DELAY = 60_000

export interface BreakerOptions {
  /** Resolves if the store works, for these keys too. Without it one call of the store's own is let try. */
  readonly probe: ((keys: readonly string[] | undefined) => unknown) | undefined
  /** How long a probe may take, in milliseconds. */
  readonly timeout: number
  readonly onUp: () => void
  /** Milliseconds, for tests. */
  readonly now?: (() => number) | undefined
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
  /** What was asked during this outage and was late, and has not come back. Some clients forget what a cut connection lost. */
  readonly strays = new Set<object>()

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Changes with each outage, and at its end: what was asked in another era says nothing of this one. */
  get era(): number {
    return this.#era
  }

  /** Milliseconds until the store is tried next, at least 1. */
  get untilNext(): number {
    return Math.max(1, Math.ceil(this.#nextAt - this.#now()))
  }

  /** Whether the store may be called now. Who is told so must tell how it went. */
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

  /** What was asked before will begin no outage. Not while one lasts: what was asked then has to end it. */
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
    const waits = new Waits(this.#options.timeout, false, this.#now)
    const wait = waits.add(() => {
      this.strays.add(wait)
      this.failed(era)
    })
    const settled = (works: boolean) => {
      if (!waits.delete(wait)) this.strays.delete(wait)
      else if (works) this.succeeded(era)
      else this.failed(era)
    }
    new Promise(resolve => resolve(probe(this.#failedKeys))).then(
      () => settled(true),
      () => settled(false),
    )
  }
}
