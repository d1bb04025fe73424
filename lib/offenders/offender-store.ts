import type { BanPolicy } from './ban-policy.ts'

/** Offences that have just happened. */
export interface OffendAction {
  /** The kind of this action. */
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
  /** The kind of this action. */
  readonly kind: 'ban'
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** How many milliseconds ago it was decided. */
  readonly age: number
  /** The time, by the store's clock, of the last decision on this network that the process knew when it made this one. */
  readonly after?: number
  /** If this ban came from the store: when it was decided, by the store's clock. Used instead of `age`. */
  readonly at: number | undefined
  /** How long the ban lasts from its decision on, in milliseconds. */
  readonly duration: number
  /** Which ban in a row this is, from 1: each lasts twice as long as the one before. */
  readonly level: number
  /** The reason of its last offence, or the one given to `ban()`. */
  readonly reason: string
  /** True if counted offences led to it: a ban that is in force in the store stays. False if `ban()` ordered it: it replaces that ban. */
  readonly isCounted: boolean
}

/** Removes what is held against a network. `'forgive'` leaves a ban that is in force. */
export interface PardonAction {
  /** `'lift'` ends the ban too, `'forgive'` does not. */
  readonly kind: 'lift' | 'forgive'
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** How many milliseconds ago it was decided. */
  readonly age: number
  /** See {@link BanAction}. */
  readonly after?: number
}

/** What happened in a process, for the store to count or to keep. `address` is a network as text. */
export type OffenderAction = OffendAction | BanAction | PardonAction

/** What is known of a network. Times are in milliseconds; in an answer of the store they are by the store's clock. */
export interface OffenderRecord {
  /** The network, as text: an address or a CIDR. */
  readonly address: string
  /** When the last decision on it was made. */
  readonly at: number
  /** When its ban began. */
  readonly since: number
  /** When its ban ends or ended. If it was pardoned: `at` or earlier. */
  readonly until: number
  /** Which ban in a row this is, from 1: each lasts twice as long as the one before. */
  readonly level: number
  /** The reason of its last offence, or the one given to `ban()`. */
  readonly reason: string
}

/** An answer of the store. */
export interface OffenderNews {
  /** The store's clock, in milliseconds. It should not go back. */
  readonly now: number
  /** The number of the store's last change. Numbers grow: a lower one than before means that data was lost. */
  readonly last: number
  /**
   * Identifies the store's current data. It changes when the store starts empty or restarts from a snapshot, so a new value means
   * that data may be lost. Empty: no data yet.
   */
  readonly born: string
  /** Identifies where these offenders are kept, the same over every connection; undefined if the store can't tell. */
  readonly place?: string | undefined
  /** The networks that changed, each once, as they are now. */
  readonly records: readonly OffenderRecord[]
}

/** The changes since a cursor, or the first page of them. */
export interface OffenderChanges extends OffenderNews {
  /** The cursor for the next read; equal to `last` if there is no further page. */
  readonly cursor: number
}

/** The answer to a write. The records are of networks that the write banned or pardoned, or that were banned already. */
export interface WriteNews extends OffenderNews {
  /** The write came too late, or the clocks differ: nothing was done. */
  readonly isLate: boolean
}

/** Shares offenders between processes. Of two decisions on a network the later one holds, whichever process made it. */
export interface OffenderStore {
  /** The same store with a name before each key: rules of different names know nothing of one another. */
  scope(name: string): OffenderStore
  /**
   * Applies actions, all at one moment.
   *
   * @param expected the time of the store's clock, as the process believes it. If the real one is seconds ahead, the write was delayed; if
   *   it is seconds behind, the clock was set back
   */
  write(
    actions: readonly OffenderAction[],
    terms: BanPolicy,
    maxBans: number,
    expected: number,
  ): Promise<WriteNews>
  /** Resolves if the store takes writes. Called at the end of an outage, before the store counts as up. */
  probe(): Promise<unknown>
  /**
   * The changes since a cursor; all records for 0.
   *
   * @param expected see `write`; undefined before the first answer
   */
  read(cursor: number, expected?: number): Promise<OffenderChanges>
}
