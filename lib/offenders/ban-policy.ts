/** How many offences make a ban, and how long bans last. Times are in milliseconds. */
export interface BanPolicy {
  /** Offences that are tolerated in any `window`. */
  readonly limit: number
  /** The time in which offences are counted together. */
  readonly window: number
  /** How long the first ban lasts. Each further one twice as long, up to `maxBan`. */
  readonly ban: number
  /** The longest that a ban grows to. */
  readonly maxBan: number
  /** After each such time without a ban the next one is a step shorter. */
  readonly decay: number
}

/** What is remembered of earlier bans. */
export interface BanHistory {
  /** When the last ban ends, or ended. */
  readonly until: number
  /** How many bans there were in a row. It falls by one for each `decay` without a ban. */
  readonly level: number
}

/** The level at which bans reach `maxBan`. Higher levels would only delay the first shorter ban. */
export function topLevel({ ban, maxBan }: BanPolicy): number {
  return 1 + Math.max(0, Math.ceil(Math.log2(maxBan / ban)))
}

/** How long the ban of this level lasts. */
export function banTime({ ban, maxBan }: BanPolicy, level: number): number {
  return Math.min(maxBan, ban * 2 ** (level - 1))
}

/** The level that is left after the time since the last ban. */
export function levelAt({ decay }: BanPolicy, { until, level }: BanHistory, now: number): number {
  return now <= until ? level : Math.max(0, level - Math.floor((now - until) / decay))
}

/** The level of a ban that begins now. */
export function nextLevel(terms: BanPolicy, standing: BanHistory | undefined, now: number): number {
  return Math.min(topLevel(terms), (standing ? levelAt(terms, standing, now) : 0) + 1)
}

/** The time from which on nothing is left to remember. */
export function forgottenAt({ decay }: BanPolicy, { until, level }: BanHistory): number {
  return until + level * decay
}
