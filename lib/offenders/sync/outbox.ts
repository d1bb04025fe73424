import type { BanAction, OffenderAction, PardonAction } from '../offender-store.ts'
import type { Offender } from '../offender-table.ts'
import type { Journal } from '../offenders.ts'

/** Actions of each kind that one call takes. */
const BATCH = 128
/** Networks whose offences wait for a call. Offences of further networks are counted in this process alone. */
const MAX_OFFENCES = 4_096

/** The most, in milliseconds, by which a store dates a decision ahead of its clock, to keep the order of decisions of one millisecond. */
export const MAX_AHEAD = 2_000

/** A decision that was not written yet. It has a date, from which its age is made when it is sent. */
type Decision = { readonly at: number; after?: number } & (
  | ({ readonly storeAt: number | undefined } & Omit<BanAction, 'age' | 'at' | 'after'>)
  | Omit<PardonAction, 'age' | 'after'>
)

/** The contents of one write. */
export interface Batch {
  readonly actions: readonly OffenderAction[]
  readonly decisions: readonly Decision[]
}

/**
 * What a process has yet to write to the store: the last decision on each network, and fresh offences.
 *
 * Each kind of decision has its own room. Successful logins, each of which forgives, push out no ban; neither pushes out the
 * pardon of a banned network.
 */
export class Outbox implements Journal {
  readonly #max: number
  readonly #bans = new Map<string, Decision>()
  readonly #pardons = new Map<string, Decision>()
  /** Pardons of networks against which nothing was known here. */
  readonly #formalities = new Map<string, Decision>()
  readonly #kinds = [this.#pardons, this.#bans, this.#formalities]
  readonly #offences = new Map<string, { times: number; reason: string }>()
  readonly #onNews: () => void
  place: string | undefined
  /** The latest decision in any answer, by the store's clock. Decisions made here come after it. */
  #latest = 0

  /**
   * @param max bans, and as many pardons, that are kept while the store is away; past that the oldest are forgotten
   * @param onNews called whenever something is added
   */
  constructor(max: number, onNews: () => void) {
    this.#max = max
    this.#onNews = onNews
  }

  get isEmpty(): boolean {
    return this.#offences.size === 0 && this.#kinds.every(({ size }) => size === 0)
  }

  onOffence(network: string, reason: string): void {
    const known = this.#offences.get(network)
    if (known) {
      known.times++
      known.reason = reason
    } else if (this.#offences.size < MAX_OFFENCES) this.#offences.set(network, { times: 1, reason })
    this.#onNews()
  }

  onBan(offender: Offender, isCounted: boolean): void {
    const { address } = offender
    const pardon = this.#find(address)
    // The pardon was not written yet: in the store the old ban is still in force.
    const isLastWord = !isCounted || (pardon !== undefined && pardon.kind !== 'ban')
    this.#keep(banOf(offender, !isLastWord), this.#bans)
  }

  onPardon(network: string, kind: 'lift' | 'forgive', at: number, wasKnown: boolean): void {
    const known = this.#find(network)
    const matters = wasKnown || kind === 'lift' || (known !== undefined && !this.#formalities.has(network))
    this.#offences.delete(network)
    if (kind === 'lift' || !known || known.kind === 'forgive')
      this.#keep({ kind, address: network, at }, matters ? this.#pardons : this.#formalities)
    else if (known.kind === 'ban') this.#keep({ ...known, level: 0, isCounted: false }, this.#bans)
  }

  /** The store has lost data: writes again what is known here. */
  restore(offender: Offender): void {
    if (!this.#find(offender.address)) this.#keep(banOf(offender, false), this.#bans)
  }

  /** The time of a decision on this network that was not written yet. */
  decidedAt(network: string): number | undefined {
    return this.#find(network)?.at
  }

  /** The next batch. Offences leave the outbox at once: written late, or twice, they would ban too early. */
  take(now: number): Batch {
    const decisions = first(this.#decisions(), BATCH)
    const offences = first(this.#offences, BATCH)
    for (const [network] of offences) this.#offences.delete(network)
    const isPardon = (action: OffenderAction) => action.kind === 'lift' || action.kind === 'forgive'
    const decided = decisions.map(decision => actionOf(decision, now))
    return {
      decisions,
      // Order matters. Pardons first: offences older than a pardon were removed when it was made. Bans last: sending the offences may
      // already cause the same ban.
      actions: [
        ...decided.filter(isPardon),
        ...offences.map(([address, offence]) => ({ kind: 'offend' as const, address, ...offence })),
        ...decided.filter(action => !isPardon(action)),
      ],
    }
  }

  /** The store has these now. Later decisions on the same networks stay. */
  delivered(decisions: readonly Decision[]): void {
    for (const decision of decisions) this.forget(decision.address, decision)
  }

  /** A decision in an answer, dated by the store's clock, as `now` is. A date far ahead of `now` is of a clock that was set back since. */
  heard(at: number, now: number): void {
    if (this.#latest > now + MAX_AHEAD) this.#latest = 0
    if (at <= now + MAX_AHEAD) this.#latest = Math.max(this.#latest, at)
  }

  /** A decision made here while a write was under way comes after what that write's answer says, at `at`. */
  comesAfter(network: string, at: number): void {
    const decision = this.#find(network)
    if (decision) decision.after = Math.max(decision.after ?? 0, at)
  }

  /** Removes a decision on a network. */
  forget(network: string, only = this.#find(network)): void {
    for (const kind of this.#kinds) if (kind.get(network) === only) kind.delete(network)
  }

  /** Offences made while the store is down are counted in this process alone. */
  dropOffences(): void {
    this.#offences.clear()
  }

  #find(network: string): Decision | undefined {
    return this.#bans.get(network) ?? this.#pardons.get(network) ?? this.#formalities.get(network)
  }

  *#decisions(): Generator<Decision> {
    for (const kind of this.#kinds) yield* kind.values()
  }

  /** At the end: the oldest go first. */
  #keep(decision: Decision, kind: Map<string, Decision>): void {
    const { address } = decision
    this.forget(address)
    if (kind.size >= this.#max) kind.delete(kind.keys().next().value as string)
    kind.set(address, { after: this.#latest, ...decision })
    this.#onNews()
  }
}

function banOf({ address, at, until, level, reason, storeAt }: Offender, isCounted: boolean): Decision {
  return { kind: 'ban', address, at, storeAt, duration: until - at, level, reason, isCounted }
}

function actionOf(decision: Decision, now: number): OffenderAction {
  const age = Math.max(0, now - decision.at)
  const after = decision.after ?? 0
  return decision.kind === 'ban'
    ? { ...decision, age, after, at: decision.storeAt }
    : { ...decision, age, after }
}

function first<T>(from: Iterable<T>, count: number): T[] {
  const taken: T[] = []
  for (const each of from) {
    if (taken.length === count) break
    taken.push(each)
  }
  return taken
}
