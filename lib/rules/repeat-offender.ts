import { storeDown, storeUp } from '../events/store-outages.ts'
import type { Rule } from '../judgement.ts'
import { judgeAtDoor } from '../judging/judge-at-door.ts'
import type { Address } from '../match/addresses/address.ts'
import type { Networks } from '../offenders/networks.ts'
import { makeClock } from '../offenders/offender-clock.ts'
import type { Offender } from '../offenders/offender-table.ts'
import { type Ban, Offenders } from '../offenders/offenders.ts'
import { type Joined, joinOffenders } from '../offenders/sync/shared-offenders.ts'
import { StoreSync, type StoreSyncOptions } from '../offenders/sync/store-sync.ts'
import { addressOf } from '../options/address-options.ts'
import { type Common, commonOf } from '../options/common-options.ts'
import { refuse } from '../options/options-error.ts'
import { reading, refuseRequest } from '../options/read-options.ts'
import type { Finding } from '../reasons.ts'
import { Reason } from '../reasons.ts'
import type { Request } from '../request/http-types.ts'
import { peerOfRequest } from '../request/peer-address.ts'
import { makeRule } from '../rule.ts'
import { OffenceWatch } from './repeat-offender/offence-watch.ts'
import {
  type BanOptions,
  type RepeatOffenderOptions,
  readBanOptions,
  readOffenderOptions,
  type StoreOption,
} from './repeat-offender/offender-options.ts'

type Checked = ReturnType<typeof readOffenderOptions>

/** The rule that {@link repeatOffender} returns, with methods for its bans. An address stands for its whole subnet. */
export type RepeatOffender = Rule & {
  /**
   * Bans an address, or a CIDR that lies within one subnet, from its next request on.
   *
   * @throws OptionsError
   */
  ban(address: string, options?: BanOptions): void
  /**
   * Ends a ban, and forgets the offences and earlier bans of the address.
   *
   * @returns false if no ban was in force
   * @throws OptionsError if `address` is no address
   */
  lift(address: string): boolean
  /** The bans in force, in the order in which they end. Each is frozen. */
  list(): Ban[]
  /** Whether an address is banned; false for text that is no address. */
  isBanned(address: string | undefined): boolean
  /**
   * Forgets the offences and earlier bans of a client, as after a login that succeeded. A ban in force stays.
   *
   * @throws OptionsError if `client` is neither a request nor an address
   */
  forgive(client: Request | string): void
  /**
   * Writes all changes of this process to the store, and reads those of other processes from it. Resolves after that, also if
   * the store does not answer, and at once without a store. Never rejects.
   */
  flush(): Promise<void>
  /**
   * Stops counting, and ends the exchange with the store unless another rule of the same name is open. Bans stay in force until
   * they end.
   */
  close(): void
}

/**
 * Bans addresses that offend repeatedly, like fail2ban but without a log in between. An offence is a request that any rule drops,
 * or an answer with a failed status. Requests that a page makes a browser send, and requests that our own limits refuse, are no
 * offences by default.
 *
 * @param options `limit` offences in any `window` are tolerated; `ban` doubles up to `maxBan`, and halves for each `decay`
 *   without one; the common options: `http2` defaults to `'destroy'`; without `noAddress` a request without an address passes,
 *   unless its client reset the connection before it was accepted
 *
 * @example
 * const offenders = repeatOffender({ limit: 50, window: '10m', ban: '10m', except: ['203.0.113.0/24'] })
 * app.use(offenders)
 *
 * @throws OptionsError, also if a rule of the same name shares the store but has other terms
 */
export function repeatOffender(options?: RepeatOffenderOptions): RepeatOffender {
  refuseRequest('repeatOffender', options)
  const checked = readOffenderOptions(options)
  const { networks, address: which, counted, terms, store } = checked
  const common = commonOf(checked, { name: 'repeatOffender', http2: 'destroy' })
  const make = () =>
    new Offenders({ ...checked, counter: checked.makeCounter(), clock: makeClock(checked.now) })
  const joined =
    store && reading('repeatOffender', 'store', store.given, () => joinBy(store, make, checked, common))
  const offenders = joined?.offenders ?? make()
  const offences = new OffenceWatch(offenders, { common, which, counted, networks, window: terms.window })
  const leave = joined?.hold(offences)

  function judgeAddress(address: Address): Finding | undefined {
    const offender = offenders.banned(address)
    return offender && banOf(offenders, offender)
  }

  /** By default, only clients that reset their connection before it was accepted: one may be banned, and none waits for an answer. */
  const dropsUnknown = (req: Request) =>
    checked.noAddress === 'drop' || (checked.noAddress === undefined && peerOfRequest(req)?.isGone === true)

  const rule = makeRule(
    common,
    (req, res) => {
      const address = addressOf(req, common, which)
      if (!address) return dropsUnknown(req) ? { reason: Reason.NO_ADDRESS } : undefined
      const finding = judgeAddress(address)
      if (!finding) offences.watchAnswer(req, res)
      return finding
    },
    { door: judgeAtDoor(common, which, judgeAddress), isFirst: true },
  )

  return Object.assign(
    rule,
    bansInHand(offenders, networks, req => addressOf(req, common, which)),
    {
      flush: () => joined?.sync.flush() ?? Promise.resolve(),
      close() {
        offences.close()
        leave?.()
      },
    },
  )
}

function banOf(offenders: Offenders, offender: Offender): Finding {
  const detail = `${offender.address} until ${new Date(offenders.endOf(offender)).toISOString()}`
  return { reason: Reason.BANNED, detail, retryAfter: offenders.timeLeft(offender) }
}

/** The methods of the rule that manage bans. */
function bansInHand(
  offenders: Offenders,
  networks: Networks,
  clientOf: (req: Request) => Address | undefined,
): Pick<RepeatOffender, 'ban' | 'lift' | 'list' | 'isBanned' | 'forgive'> {
  function parse(factory: string, text: unknown): Address {
    const parsed = typeof text === 'string' ? networks.parse(text) : undefined
    const sizes = `/${networks.ipv4} of IPv4 or one /${networks.ipv6} of IPv6`
    return parsed ?? refuse(factory, 'address', text, `an address, or a CIDR within one ${sizes}`)
  }

  return {
    ban(address, options) {
      const { reason = 'manual', duration } = readBanOptions(options)
      offenders.ban(parse('ban', address), reason, duration)
    },
    lift: address => offenders.lift(parse('lift', address)),
    list: () => offenders.list(),
    isBanned(address) {
      const parsed = typeof address === 'string' ? networks.parse(address) : undefined
      return parsed !== undefined && offenders.banned(parsed) !== undefined
    },
    forgive(client) {
      const isRequest = typeof client === 'object' && client !== null && 'headers' in client
      const address = isRequest ? clientOf(client) : parse('forgive', client)
      if (address) offenders.forgive(address)
    },
  }
}

/** Joins the offenders that all rules of this name share in the store. */
function joinBy(
  option: StoreOption,
  make: () => Offenders,
  { terms, sharedTerms, maxBans }: Pick<Checked, 'terms' | 'sharedTerms' | 'maxBans'>,
  { name, dryRun }: Common,
): Joined {
  // A dry run has a scope of its own, so that it bans nobody in other processes.
  const scope = dryRun ? `${name}:dry-run` : name
  return joinOffenders(option.offenders, {
    name,
    scope,
    terms: sharedTerms,
    make() {
      const offenders = make()
      return { offenders, sync: syncWith(option, offenders, { name, scope, terms, maxBans }) }
    },
  })
}

interface Scoped extends Pick<StoreSyncOptions, 'terms' | 'maxBans'> {
  readonly name: string
  readonly scope: string
}

/** Outside the rule's closure, because a StoreSync lives as long as its timer, and must not keep the rule alive. */
function syncWith(
  { given, offenders: store }: StoreOption,
  offenders: Offenders,
  { name, scope, terms, maxBans }: Scoped,
): StoreSync {
  const instead = 'this process counts and bans by itself'
  return new StoreSync(offenders, store.scope(scope), {
    terms,
    maxBans,
    onDown: error => storeDown(given, offenders, { name, error, instead }),
    onUp: () => storeUp(given, offenders),
  })
}
