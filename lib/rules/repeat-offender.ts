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
import {
  type BanOptions,
  type RepeatOffenderOptions,
  readBanOptions,
  readOffenderOptions,
  type StoreOption,
} from './repeat-offender/offender-options.ts'
import { watchOffences } from './repeat-offender/watch-offences.ts'

type Checked = ReturnType<typeof readOffenderOptions>

/** What {@link repeatOffender} returns: a rule, with its bans in hand. An address stands for its whole subnet. */
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
   * @returns false where none was in force
   * @throws OptionsError where it is no address
   */
  lift(address: string): boolean
  /** The bans in force, the first to end first; each is frozen. */
  list(): Ban[]
  /** Whether an address is banned; false where it is none. */
  isBanned(address: string | undefined): boolean
  /**
   * Forgets the offences and earlier bans of a client, as after a login that succeeded. A ban in force stays.
   *
   * @throws OptionsError where it is neither a request nor an address
   */
  forgive(client: Request | string): void
  /**
   * Resolves when what happened here so far is written to the store, and what happened elsewhere is read from it; also when
   * the store does not answer. Never rejects. Without a store, at once.
   */
  flush(): Promise<void>
  /**
   * Ends the counting, and the exchange with the store unless another rule of its name is open. Bans stay in force until they
   * end.
   */
  close(): void
}

/**
 * Bans addresses that offend again and again: by requests that are dropped, by whatever rule, and by answers with a failed
 * status. As fail2ban does, without a log in between. What a page has a browser ask for, and what our own limits refuse, is
 * no offence unless you say so.
 *
 * @param options `limit` offences in any `window` are put up with; `ban` doubles up to `maxBan`, and is halved again by
 *   `decay`; the common options, of which `http2` defaults to `'destroy'`, and `noAddress`, which defaults to `'pass'`
 *
 * @example
 * const offenders = repeatOffender({ limit: 50, window: '10m', ban: '10m', except: ['203.0.113.0/24'] })
 * app.use(offenders)
 *
 * @throws OptionsError, also where a rule of this name has other terms in the store
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
  const offences = watchOffences(offenders, { common, which, counted, networks, window: terms.window })
  const leave = joined?.hold(offences)

  function judgeAddress(address: Address): Finding | undefined {
    const offender = offenders.banned(address)
    return offender && banOf(offenders, offender)
  }

  /** A client that resets its connection before it is accepted may be banned, and waits for no answer. */
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

/** The methods of the rule that make, end and list bans. */
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
  // A trial must ban nobody elsewhere.
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

/** Closes over nothing of the rule: a StoreSync lives on while its timer does, and the rule must not live on with it. */
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
