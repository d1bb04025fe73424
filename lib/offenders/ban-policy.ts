/** What makes an offender, and for how long; times in milliseconds. */
export interface BanPolicy {
  /** Offences that are put up with in any `window`. */
  readonly limit: number
  readonly window: number
  /** How long the first ban lasts. Each further one twice as long, up to `maxBan`. */
  readonly ban: number
  readonly maxBan: number
  /** After each such time without a ban the next one is a step shorter. */
  readonly decay: number
}

/** What is remembered of who was banned. */
export interface BanHistory {
  /** When the last ban ends, or ended. */
  readonly until: number
  /** How many bans there were, each forgotten after a `decay`. */
  readonly level: number
}

/** The level from which on bans don't grow: no more are counted, or it would take long for the next to be shorter. */
export function topLevel({ ban, maxBan }: BanPolicy): number {
  return 1 + Math.max(0, Math.ceil(Math.log2(maxBan / ban)))
}

/** How long the ban of this level lasts. */
export function banTime({ ban, maxBan }: BanPolicy, level: number): number {
  return Math.min(maxBan, ban * 2 ** (level - 1))
}

/** What good behaviour has left of a level. */
export function levelAt({ decay }: BanPolicy, { until, level }: BanHistory, now: number): number {
  return now <= until ? level : Math.max(0, level - Math.floor((now - until) / decay))
}

/** The level of a ban that begins now. */
export function nextLevel(terms: BanPolicy, standing: BanHistory | undefined, now: number): number {
  return Math.min(topLevel(terms), (standing ? levelAt(terms, standing, now) : 0) + 1)
}

/** From when on there is nothing left to remember. */
export function forgottenAt({ decay }: BanPolicy, { until, level }: BanHistory): number {
  return until + level * decay
}
