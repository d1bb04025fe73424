import { Networks } from '../../offenders/networks.ts'
import { OffenceCounter } from '../../offenders/offence-counter.ts'
import type { OffenderStore } from '../../offenders/offender-store.ts'
import { type AddressOptions, addressChecks } from '../../options/address-options.ts'
import { duration } from '../../options/duration.ts'
import { refuse } from '../../options/options-error.ts'
import { boolean, type Check, fn, integer, list, readOptions, text } from '../../options/read-options.ts'

/** A time: a whole number of milliseconds, or nginx's notation, such as `'90s'`, `'10m'`, `'1h 30m'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}` | (string & {})

/** Options of {@link repeatOffender}. */
export interface RepeatOffenderOptions extends AddressOptions {
  /** Offences that are tolerated in any `window`; one more is a ban. 1 to 10,000. Default 50. */
  limit?: number | undefined
  /** The time in which offences are counted, up to 24 days. Default `'10m'`. */
  window?: Duration | undefined
  /** How long the first ban lasts; each further one lasts twice as long. Default `'10m'`. */
  ban?: Duration | undefined
  /** The longest ban that doubling leads to. Default `'1d'`, or `ban` if that is longer. */
  maxBan?: Duration | undefined
  /** For each such time without a new ban, the next ban is half as long. Default `'1d'`. */
  decay?: Duration | undefined
  /** The statuses of answers that are offences; with `[]` only drops are. Default 401, 403 and 404. */
  statuses?: (Iterable<number> & object) | undefined
  /** Counts also requests and connections that `rateLimit` or `connectionsPerAddress` refuses, with any status. Default false. */
  countLimited?: boolean | undefined
  /**
   * Counts requests that pages make browsers send, and those that browsers send by themselves, like the client's own. Default
   * false, because another site may cause them.
   */
  countPageRequests?: boolean | undefined
  /** The first bits of an IPv4 address that make one client, 1 to 32. Default 32. */
  ipv4Subnet?: number | undefined
  /** The first bits of an IPv6 address that make one client, 1 to 128. Default 64, the network of one subscriber. */
  ipv6Subnet?: number | undefined
  /** About how many addresses are counted; past that the one with the fewest offences is forgotten. Default 10,000. */
  maxKeys?: number | undefined
  /** How many bans are kept; past that the ban that ends first is removed. Default 100,000. */
  maxBans?: number | undefined
  /**
   * Shares bans and counts with other processes, and with rules of the same `name` in this one, which must have the same terms.
   * Default: the memory of this process.
   */
  store?: OffenderStore | { readonly offenders: OffenderStore } | undefined
  /** The clock, in milliseconds since the epoch, for tests. Default: a monotonic one, and the system's for dates. */
  now?: (() => number) | undefined
}

const isStore = (value: unknown): value is OffenderStore =>
  typeof (value as OffenderStore | null)?.write === 'function' &&
  typeof (value as OffenderStore).read === 'function'

/** The store of offenders, and the object that the user gave. That object may also store limits; its outage is reported once for both. */
export interface StoreOption {
  readonly given: object
  readonly offenders: OffenderStore
}

const store: Check<StoreOption> = (value, fail) => {
  const { offenders } = (value ?? {}) as { offenders?: unknown }
  if (isStore(value)) return { given: value, offenders: value }
  if (isStore(offenders)) return { given: value as object, offenders }
  return fail('a store of offenders, such as redisStore()')
}

const status = /* @__PURE__ */ integer(100, 599)

const DAY = 86_400_000
/** The longest time that an option takes: 100 years. */
const MAX_TIME = 36_525 * DAY

const checks = () =>
  ({
    ...addressChecks(),
    limit: integer(1, 10_000),
    window: duration(1, 24 * DAY),
    ban: duration(1, MAX_TIME),
    maxBan: duration(1, MAX_TIME),
    decay: duration(1, MAX_TIME),
    statuses: ((value, fail) =>
      new Set(
        list(value, fail).map(each => status(each, () => fail('an array of status codes from 100 to 599'))),
      )) as Check<ReadonlySet<number>>,
    countLimited: boolean,
    countPageRequests: boolean,
    ipv4Subnet: integer(1, 32),
    ipv6Subnet: integer(1, 128),
    maxKeys: integer(1, 1e7),
    maxBans: integer(1, 1e7),
    store,
    now: fn<() => number>(),
  }) satisfies Record<keyof RepeatOffenderOptions, Check<unknown>>

/** Checks the options, and makes the parts of the rule from them. */
export function readOffenderOptions(options: unknown) {
  const checked = readOptions('repeatOffender', options, checks())
  const { limit = 50, window = 600_000, ban = 600_000, decay = DAY } = checked
  const { maxBan = Math.max(DAY, ban), maxKeys = 10_000, maxBans = 100_000 } = checked
  const { ipv4Subnet = 32, ipv6Subnet = 64, statuses = new Set([401, 403, 404]) } = checked
  const { countLimited = false, countPageRequests = false } = checked
  if (maxBan < ban) refuse('repeatOffender', 'maxBan', maxBan, `at least "ban", which is ${ban}`)
  const terms = { limit, window, ban, maxBan, decay }
  const listed = [...statuses].sort((a, b) => a - b).join(', ')
  const offences = { statuses: listed, countLimited, countPageRequests }
  const counted = { statuses, limited: countLimited, pageRequests: countPageRequests }
  return {
    ...checked,
    terms,
    sharedTerms: { ...terms, ...offences, ipv4Subnet, ipv6Subnet, maxKeys, maxBans },
    networks: new Networks(ipv4Subnet, ipv6Subnet),
    makeCounter: () => new OffenceCounter(limit, window, maxKeys),
    counted,
    maxBans,
  }
}

/** Options of `ban()`. */
export interface BanOptions {
  /** How long the ban lasts, up to 100 years. Default: the rule's `ban`, doubled for earlier bans. */
  duration?: Duration | undefined
  /** The reason that `list()` shows, up to 200 characters. Default `'manual'`. */
  reason?: string | undefined
}

const banChecks = () =>
  ({
    duration: duration(1, MAX_TIME),
    reason: ((value, fail) =>
      text(value, fail).length <= 200 ? (value as string) : fail('at most 200 characters')) as Check<string>,
  }) satisfies Record<keyof BanOptions, Check<unknown>>

export const readBanOptions = (options: unknown) => readOptions('ban', options, banChecks())
