/** The sub-path `drop444/stores`: the types to implement a store of your own for limits or bans. */

export type { Bucket, Decision } from './counting/leaky-bucket.ts'
export type { BanPolicy } from './offenders/ban-policy.ts'
export type {
  BanAction,
  OffendAction,
  OffenderAction,
  OffenderChanges,
  OffenderNews,
  OffenderRecord,
  OffenderStore,
  PardonAction,
  WriteNews,
} from './offenders/offender-store.ts'
export type { Hit, OnStoreError, RateLimitStore } from './stores/rate-limit-store.ts'
