export type { Bucket, Decision } from './counting/leaky-bucket.ts'
export type { CallbackError } from './diagnostics/report-error.ts'
export type { WarningCode } from './diagnostics/warnings.ts'
export { type DropInfo, drop } from './drop.ts'
export { onDrop } from './events/drop-channel.ts'
export type { DropAction, DropEvent } from './events/drop-event.ts'
export { onStoreChange, type StoreEvent } from './events/store-outages.ts'
export type { Judge, Judgement, Rule } from './judgement.ts'
export { browserPaths } from './lists/browser-paths.ts'
export { cidrSet } from './lists/build-cidr-set.ts'
export { cloudflare } from './lists/cloudflare.ts'
export { scannerAgents } from './lists/scanner-agents.ts'
export { type DropLog, type DropLogOptions, dropLog } from './log/drop-log.ts'
export type { LogFormat } from './log/log-formats.ts'
export type { Logger } from './log/logger-sink.ts'
export type { CidrSet } from './match/addresses/cidr-set.ts'
export type { AgentPattern } from './match/agents/agents.ts'
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
export type { Ban } from './offenders/offenders.ts'
export type { AddressOptions } from './options/address-options.ts'
export type { CommonOptions } from './options/common-options.ts'
export { OptionsError, type OptionsErrorCode } from './options/options-error.ts'
export { type Finding, Reason } from './reasons.ts'
export type { Next, Request, Response } from './request/http-types.ts'
export type { Trust, TrustProxy } from './request/trust.ts'
export { type KnownRoutesOptions, knownRoutes, type RoutedApp } from './routes/known-routes/known-routes.ts'
export type { Routes } from './routes/routes.ts'
export { rule } from './rule.ts'
export { allowCidr } from './rules/allow-cidr.ts'
export { type BadAgentOptions, badAgent } from './rules/bad-agent.ts'
export { denyCidr } from './rules/deny-cidr.ts'
export { type Drop444Options, drop444 } from './rules/drop444.ts'
export { methodAllowlist } from './rules/method-allowlist.ts'
export { type NoHostOptions, noHost } from './rules/no-host.ts'
export { type PathAllowlistOptions, pathAllowlist } from './rules/path-allowlist.ts'
export type { Limit, LimitBy, RateLimitOptions } from './rules/rate-limit/limit-options.ts'
export { rateLimit } from './rules/rate-limit.ts'
export type { BanOptions, Duration, RepeatOffenderOptions } from './rules/repeat-offender/offender-options.ts'
export { type RepeatOffender, repeatOffender } from './rules/repeat-offender.ts'
export { type ShedLoadOptions, shedLoad } from './rules/shed-load.ts'
export { type ProtectOptions, protect, unprotect } from './server/protect.ts'
export {
  type FromExpressRateLimitOptions,
  fromExpressRateLimit,
} from './stores/express-rate-limit/from-express-rate-limit.ts'
export { MemoryStore } from './stores/memory-store.ts'
export type { Hit, OnStoreError, RateLimitStore } from './stores/rate-limit-store.ts'
export type { DropHow } from './wire/drop-how.ts'
export type { HandOff } from './wire/hand-off.ts'
export type { Http2Mode } from './wire/http2.ts'
