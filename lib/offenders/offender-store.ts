import type { BanPolicy } from './ban-policy.ts'

/** So many offences, now. */
export interface OffendAction {
  /** Tells this action from the others. */
  readonly kind: 'offend'
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** How many offences there were, from 1. */
  readonly times: number
  /** The reason of the last one: one of {@link Reason}, a reason of the user's own, or `status 404`. */
  readonly reason: string
}

/** A ban that a process decided: by offences that it counted, or by a call of `ban()`. */
export interface BanAction {
  /** Tells this action from the others. */
  readonly kind: 'ban'
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** How many milliseconds ago it was decided. */
  readonly age: number
  /** The last decision that was known of, by the store's clock: this one is later. */
  readonly after?: number
  /** Where the store had said so, when by its own clock: in place of `age`. */
  readonly at: number | undefined
  /** How long it lasts from then on. */
  readonly duration: number
  /** Which ban in a row this is, from 1: each lasts twice as long as the one before. */
  readonly level: number
  /** The reason of its last offence, or the one given to `ban()`. */
  readonly reason: string
  /** By a process that may not have heard all: a ban that was in force then stays as it is. */
  readonly isCounted: boolean
}

/** What is held against a network is forgotten: with `'forgive'`, all but a ban that is in force. */
export interface PardonAction {
  /** `'lift'` ends the ban too, `'forgive'` does not. */
  readonly kind: 'lift' | 'forgive'
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** How many milliseconds ago. */
  readonly age: number
  /** As of a ban. */
  readonly after?: number
}

/** What happened in a process, for the store to count or to keep. `address` is a network as text. */
export type OffenderAction = OffendAction | BanAction | PardonAction

/** What is known of a network; times in milliseconds, in what a store says by the store's clock. */
export interface OffenderRecord {
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** When it was decided. */
  readonly at: number
  /** When its ban began. */
  readonly since: number
  /** When its ban ends, or ended; not after `at` where it was pardoned. */
  readonly until: number
  /** Which ban in a row this is, from 1: each lasts twice as long as the one before. */
  readonly level: number
  /** The reason of its last offence, or the one given to `ban()`. */
  readonly reason: string
}

/** What the store has to say. */
export interface OffenderNews {
  /** The store's clock, in milliseconds. It should not go back. */
  readonly now: number
  /** The number of its last change; they grow. Lower than it was before: the store has lost something. */
  readonly last: number
  /** Says when it began: with nothing, or with what it had kept; `''`: there is nothing. Another one than before: some is lost. */
  readonly born: string
  /** The same for all who share these offenders, whatever connection they have; undefined where that is not known. */
  readonly place?: string | undefined
  /** The networks that changed, each once, as they are now. */
  readonly records: readonly OffenderRecord[]
}

/** What has changed since a cursor, or a page of that. */
export interface OffenderChanges extends OffenderNews {
  /** Where to read on, if that is not `last`. */
  readonly cursor: number
}

/** What came of a write: the records are those of the networks that were banned or pardoned, or are banned already. */
export interface WriteNews extends OffenderNews {
  /** It has come too late, or the clocks differ: nothing was done. */
  readonly isLate: boolean
}

/** Where processes share their offenders. Of two decisions on a network the later one holds, whoever made it. */
export interface OffenderStore {
  /** The same store with a name before each key: rules of different names know nothing of one another. */
  scope(name: string): OffenderStore
  /**
   * Takes in what happened, all at one moment.
   *
   * @param expected the store's clock as the process believes it to be: what arrives seconds late has waited somewhere, and
   *   where it is seconds earlier it was set back
   */
  write(
    actions: readonly OffenderAction[],
    terms: BanPolicy,
    maxBans: number,
    expected: number,
  ): Promise<WriteNews>
  /** Resolves if it takes writes: asked while it is down, before it is believed to be back. */
  probe(): Promise<unknown>
  /**
   * What has changed since a cursor; 0: all there is.
   *
   * @param expected as of `write`; undefined before the store has answered
   */
  read(cursor: number, expected?: number): Promise<OffenderChanges>
}
