import type { Occasion } from '../counting/occasion.ts'
import type { Address } from '../match/addresses/address.ts'
import { ownText } from '../runtime/own-text.ts'
import { type BanPolicy, banTime, forgottenAt, nextLevel } from './ban-policy.ts'
import type { Networks } from './networks.ts'
import type { OffenceCounter } from './offence-counter.ts'
import type { OffenderClock } from './offender-clock.ts'
import { type Offender, OffenderTable } from './offender-table.ts'

/** Letters that are kept of a reason. */
const MAX_REASON = 200

/** Receives what happens in this process, to share it with others. */
export interface Journal {
  /** Where this journal is written: journals of one place have the same readers. Undefined while it is written nowhere. */
  readonly place: string | undefined
  /** An offence was counted here, whether or not it led to a ban. */
  onOffence(network: string, reason: string): void
  onBan(offender: Offender, isCounted: boolean): void
  /**
   * `'lift'`: nothing is held against the network any more. `'forgive'`: nothing but a ban that is in force. `wasKnown`: it was
   * banned, now or before.
   */
  onPardon(network: string, kind: 'lift' | 'forgive', at: number, wasKnown: boolean): void
}

/** A ban in force, as it is listed; times in milliseconds since the epoch, by the system's clock as it is now. */
export interface Ban {
  /** The address, or the network as a CIDR. */
  readonly address: string
  /** When it ends. */
  readonly until: number
  /** When it began. */
  readonly since: number
  /** Which ban in a row this is, from 1. Each lasts twice as long as the one before. */
  readonly level: number
  /** The reason of its last offence, or the one given to `ban()`. */
  readonly reason: string
}

export interface OffendersOptions {
  readonly terms: BanPolicy
  readonly networks: Networks
  readonly counter: OffenceCounter
  readonly maxBans: number
  readonly clock: OffenderClock
}

/** The offences and bans that one process knows. */
export class Offenders {
  readonly #terms: BanPolicy
  readonly #networks: Networks
  readonly #counter: OffenceCounter
  readonly #table: OffenderTable
  readonly #clock: OffenderClock
  readonly #masked = new Int32Array(4)
  readonly #key = new Int32Array(2)
  journal: Journal | undefined

  constructor({ terms, networks, counter, maxBans, clock }: OffendersOptions) {
    this.#terms = terms
    this.#networks = networks
    this.#counter = counter
    this.#table = new OffenderTable(networks, maxBans)
    this.#clock = clock
  }

  /** The ban that is in force against an address. */
  banned(address: Address): Offender | undefined {
    const known = this.#table.find(address)
    return known && known.until > this.#clock.now() ? known : undefined
  }

  /** Milliseconds, as everything here is dated but what is listed. */
  now(): number {
    return this.#clock.now()
  }

  /** What is left of a ban, in milliseconds. */
  timeLeft({ until }: Offender): number {
    return until - this.#clock.now()
  }

  /** When a ban ends, in milliseconds since the epoch. */
  endOf({ until }: Offender): number {
    return this.#clock.dateOf(until)
  }

  /** Counts an offence, once for each occasion. While an address is banned, its offences are not counted. */
  offend(address: Address, why: string, occasion?: Occasion): void {
    if (this.banned(address) || occasion?.countedBy?.includes(this)) return
    const isReported = occasion && this.#isReported(occasion)
    if (occasion) occasion.countedBy = [...(occasion.countedBy ?? []), this]
    const now = this.#clock.now()
    // A judge of the user's may give whatever the client has sent.
    const reason = ownText(why, MAX_REASON)
    if (!isReported) this.journal?.onOffence(ownText(this.#networks.text(address)), reason)
    const [high, low] = this.#keyOf(address)
    if (this.#counter.count(high, low, now)) this.#ban(address, now, reason)
  }

  /** Bans by hand, as the next ban in a row: for `duration`, or as long as its level gives. */
  ban(address: Address, reason: string, duration?: number): void {
    const now = this.#clock.now()
    this.#clear(address)
    this.#ban(address, now, ownText(reason, MAX_REASON), { duration })
  }

  /** Ends a ban, and forgets what else there was; false where none was in force. */
  lift(address: Address): boolean {
    const wasBanned = this.banned(address) !== undefined
    this.#pardon(address, 'lift')
    return wasBanned
  }

  /** Forgets offences and earlier bans; one that is in force stays. */
  forgive(address: Address): void {
    this.#pardon(address, 'forgive')
  }

  /** The bans in force, the first to end first. */
  list(): Ban[] {
    const now = this.#clock.now()
    const bans = [...this.#table].filter(({ until }) => until > now).sort((a, b) => a.until - b.until)
    const { dateOf } = this.#clock
    return bans.map(({ address, until, since, level, reason }) =>
      Object.freeze({ address, until: dateOf(until), since: dateOf(since), level, reason }),
    )
  }

  /** Everything that is remembered, bans that are over included. */
  known(): Iterable<Offender> {
    return this.#table
  }

  /** What is known of a network, named by its text. */
  find(text: string): Offender | undefined {
    const address = this.#networks.parse(text)
    return address && this.#table.find(address)
  }

  /** Takes over a decision of another process. */
  adopt(decided: Offender): void {
    const address = this.#networks.parse(decided.address)
    if (!address) return
    const offender = {
      ...decided,
      address: ownText(decided.address),
      reason: ownText(decided.reason, MAX_REASON),
    }
    this.#clear(address)
    const now = this.#clock.now()
    const isForgotten = forgottenAt(this.#terms, offender) <= now
    if (isForgotten) this.#table.delete(address)
    else if (offender.until > now) this.#table.set(address, offender)
    else this.#table.setIfRoom(address, offender)
  }

  /** Whether other offenders have written this occasion to the same place, as when two stores are one Redis. */
  #isReported({ countedBy }: Occasion): boolean {
    const place = this.journal?.place
    if (place === undefined || !countedBy) return false
    // Those of another copy of this package are none of this class.
    return countedBy.some(other => (other as Partial<Offenders>).journal?.place === place)
  }

  #ban(address: Address, now: number, reason: string, byHand?: { duration: number | undefined }): void {
    this.#table.sweep(offender => forgottenAt(this.#terms, offender) <= now)
    const known = this.#table.find(address)
    // A ban that is in force is not one more in a row: nobody has behaved badly since.
    const level = known && known.until > now ? Math.max(1, known.level) : nextLevel(this.#terms, known, now)
    const until = now + (byHand?.duration ?? banTime(this.#terms, level))
    const text = ownText(this.#networks.text(address))
    const offender = { address: text, at: now, since: now, until, level, reason, storeAt: undefined }
    this.#table.set(address, offender)
    this.journal?.onBan(offender, byHand === undefined)
  }

  #pardon(address: Address, kind: 'lift' | 'forgive'): void {
    const now = this.#clock.now()
    this.#clear(address)
    const known = this.#table.find(address)
    if (known && kind === 'forgive' && known.until > now)
      this.#table.set(address, { ...known, at: now, level: 0, storeAt: undefined })
    else if (known) this.#table.delete(address)
    this.journal?.onPardon(ownText(this.#networks.text(address)), kind, now, known !== undefined)
  }

  #clear(address: Address): void {
    const [high, low] = this.#keyOf(address)
    this.#counter.clear(high, low)
  }

  #keyOf(address: Address): [number, number] {
    this.#networks.mask(address, this.#masked)
    this.#networks.fold(this.#masked, this.#key)
    return [this.#key[0] as number, this.#key[1] as number]
  }
}
