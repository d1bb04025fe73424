export { cidrSet } from './cidr-set.ts'
export type { Trust, TrustProxy } from './client-address.ts'
export type { CommonOptions } from './common-options.ts'
export { type DropHow, type DropInfo, drop } from './drop.ts'
export { type CallbackError, onDrop } from './drop-channel.ts'
export type { DropAction, DropEvent } from './drop-event.ts'
export { OptionsError, type OptionsErrorCode } from './errors.ts'
export type { Next, Request, Response } from './http-types.ts'
export { cloudflare } from './lists/cloudflare.ts'
export type { AgentPattern } from './match/agents.ts'
export type { CidrSet } from './match/cidr-set.ts'
export type { Bucket, Decision } from './match/leaky-bucket.ts'
export { type DropLog, type DropLogOptions, dropLog } from './observe/drop-log.ts'
export type { LogFormat } from './observe/log-formats.ts'
export type { Logger } from './observe/logger-sink.ts'
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
export { Reason } from './reasons.ts'
export {
  type DjangoExport,
  type DjangoPattern,
  type DjangoRoute,
  type DjangoRoutesOptions,
  djangoRoutes,
} from './routes/django-routes.ts'
export { type KnownRoutesOptions, knownRoutes, type RoutedApp } from './routes/known-routes.ts'
export type { Routes } from './routes/routes.ts'
export { type Finding, type Judge, type Judgement, type Rule, rule } from './rule.ts'
export type { AddressOptions } from './rules/address-rule.ts'
export { allowCidr } from './rules/allow-cidr.ts'
export { type BadAgentOptions, badAgent } from './rules/bad-agent.ts'
export { browserPaths } from './rules/browser-paths.ts'
export { denyCidr } from './rules/deny-cidr.ts'
export { type Drop444Options, drop444 } from './rules/drop444.ts'
export type { Limit, LimitBy, RateLimitOptions } from './rules/limit-options.ts'
export { methodAllowlist } from './rules/method-allowlist.ts'
export { type NoHostOptions, noHost } from './rules/no-host.ts'
export type { BanOptions, Duration, RepeatOffenderOptions } from './rules/offender-options.ts'
export { type PathAllowlistOptions, pathAllowlist } from './rules/path-allowlist.ts'
export { rateLimit } from './rules/rate-limit.ts'
export { type RepeatOffender, repeatOffender } from './rules/repeat-offender.ts'
export { scannerAgents } from './rules/scanner-agents.ts'
export { type ShedLoadOptions, shedLoad } from './rules/shed-load.ts'
export { type ProtectOptions, protect, unprotect } from './server/protect.ts'
export { onStoreChange, type StoreEvent } from './store-events.ts'
export { type FromExpressRateLimitOptions, fromExpressRateLimit } from './stores/from-express-rate-limit.ts'
export { MemoryStore } from './stores/memory-store.ts'
export type { Hit, OnStoreError, RateLimitStore } from './stores/rate-limit-store.ts'
export type { WarningCode } from './warnings.ts'
export type { HandOff } from './wire/hand-off.ts'
export type { Http2Mode } from './wire/http2.ts'
